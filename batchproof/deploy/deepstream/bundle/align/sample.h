// The colour of a frame between its pixels: bilinear, and black outside, as cv2.warpAffine makes it with borderValue=0.
//
// Coordinates are exact, as in OpenCV 5; OpenCV 4 rounds them to 1/32 of a pixel before it interpolates.
#pragma once

#include <cmath>

#include "affine.h"
#include "colour.h"
#include "frame.h"

namespace batchproof::align {

// The two samples that a coordinate lies between, and how much of each.
struct Between {
  int first;
  float shares[2];
};

BATCHPROOF_HOST_DEVICE inline Between between(double coordinate) {
  const double below = std::floor(coordinate);
  const float share = static_cast<float>(coordinate - below);
  return {static_cast<int>(below), {1 - share, share}};
}

BATCHPROOF_HOST_DEVICE inline Colour sample_rgba(const Plane& plane, Point place) {
  const Between columns = between(place.x), rows = between(place.y);
  Colour sum{0, 0, 0};
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      if (!plane.holds(columns.first + i, rows.first + j)) continue;
      const std::uint8_t* pixel = plane.at(columns.first + i, rows.first + j);
      const float share = columns.shares[i] * rows.shares[j];
      sum = {sum.red + share * pixel[0], sum.green + share * pixel[1], sum.blue + share * pixel[2]};
    }
  }
  return sum;
}

// Chroma is bilinear too, and continues beyond its last samples.
BATCHPROOF_HOST_DEVICE inline Chroma sample_chroma(const Plane& plane, Point place) {
  const double x = fmin(fmax(place.x, 0.0), plane.width - 1.0), y = fmin(fmax(place.y, 0.0), plane.height - 1.0);
  const Between columns = between(x), rows = between(y);
  Chroma sum{0, 0};
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      if (!plane.holds(columns.first + i, rows.first + j)) continue;  // its share is 0
      const std::uint8_t* pair = plane.at(columns.first + i, rows.first + j);
      const float share = columns.shares[i] * rows.shares[j];
      sum = {sum.blue + share * pair[0], sum.red + share * pair[1]};
    }
  }
  return sum;
}

// A chroma sample lies on the even columns and between two rows: MPEG-2's siting, H.264's and H.265's default, and the
// one that NvBufSurface assumes. Colour is converted once, from interpolated luma and chroma: the equations are linear,
// so that the part of a pixel that lies outside the frame just darkens it.
BATCHPROOF_HOST_DEVICE inline Colour sample_nv12(const Frame& frame, Point place) {
  const Between columns = between(place.x), rows = between(place.y);
  float luma = 0, covered = 0;
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      if (!frame.pixels.holds(columns.first + i, rows.first + j)) continue;
      const float share = columns.shares[i] * rows.shares[j];
      luma += share * *frame.pixels.at(columns.first + i, rows.first + j);
      covered += share;
    }
  }
  if (!(covered > 0)) return {0, 0, 0};
  const Chroma chroma = sample_chroma(frame.chroma, {place.x / 2, (place.y - 0.5) / 2});
  const Colour colour = to_rgb(luma / covered, chroma, frame.format);
  return {colour.red * covered, colour.green * covered, colour.blue * covered};
}

// Any place may be asked for, not a number included: what is not over the frame is black.
BATCHPROOF_HOST_DEVICE inline Colour sample(const Frame& frame, Point place) {
  const bool over = place.x > -1 && place.y > -1 && place.x < frame.pixels.width && place.y < frame.pixels.height;
  if (!over) return {0, 0, 0};
  return frame.format == Format::kRgba ? sample_rgba(frame.pixels, place) : sample_nv12(frame, place);
}

}  // namespace batchproof::align
