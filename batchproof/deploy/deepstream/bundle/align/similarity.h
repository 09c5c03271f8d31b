// From five landmarks to the upright crop that ArcFace embedders were trained on.
#pragma once

#include <cmath>

#include "affine.h"

namespace batchproof::align {

constexpr int kLandmarks = 5;

// Where the landmarks belong in a crop of `size` x `size` pixels: for multiples of 112 the template of the ArcFace
// paper's code, for those of 128 the same put 8/128 of the crop to the right, as insightface does. False for others.
BATCHPROOF_HOST_DEVICE inline bool arcface_template(int size, Point (&target)[kLandmarks]) {
  constexpr float at_112[kLandmarks][2] = {
      {38.2946f, 51.6963f}, {73.5318f, 51.5014f}, {56.0252f, 71.7366f}, {41.5493f, 92.3655f}, {70.7299f, 92.2041f}};
  if (size <= 0 || (size % 112 != 0 && size % 128 != 0)) return false;
  const int unit = size % 112 == 0 ? 112 : 128;
  const float scale = static_cast<float>(static_cast<double>(size) / unit);
  const float margin = unit == 112 ? 0.0f : 8.0f * scale;
  for (int i = 0; i < kLandmarks; ++i) target[i] = {at_112[i][0] * scale + margin, at_112[i][1] * scale};
  return true;
}

BATCHPROOF_HOST_DEVICE inline Point mean(const Point (&points)[kLandmarks]) {
  Point sum{0, 0};
  for (const Point& point : points) sum = {sum.x + point.x, sum.y + point.y};
  return {sum.x / kLandmarks, sum.y / kLandmarks};
}

// Rotation, uniform scale and shift that take `source` nearest to `target`, in the least squares.
//
// With points as complex numbers, the map is z -> a z + b, and a = sum(conj(z) w) / sum(|z|^2) about the means. That is
// Umeyama's estimate (1991) of two dimensions, for mirrored points too: it never reflects. False for points that
// coincide or are not finite.
BATCHPROOF_HOST_DEVICE inline bool similarity(const Point (&source)[kLandmarks], const Point (&target)[kLandmarks],
                                              Affine& map) {
  const Point from = mean(source), to = mean(target);
  double along = 0, across = 0, spread = 0;
  for (int i = 0; i < kLandmarks; ++i) {
    const double x = source[i].x - from.x, y = source[i].y - from.y;
    const double u = target[i].x - to.x, v = target[i].y - to.y;
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  if (!std::isfinite(spread) || spread <= 0) return false;
  const double turn_x = along / spread, turn_y = across / spread;
  map = {turn_x, -turn_y, to.x - (turn_x * from.x - turn_y * from.y),
         turn_y, turn_x,  to.y - (turn_y * from.x + turn_x * from.y)};
  return true;
}

}  // namespace batchproof::align
