// Five landmarks, on their way from the parser to the aligner as the "instance mask" of a face.
//
// nvinfer copies the mask of a detection into NvDsObjectMeta::mask_params, byte for byte and in every version alike; it
// is the one thing beside the box that stock DeepStream carries along. It maps boxes from network to frame pixels, but
// not masks: whoever reads the points does that, with the network's size that stands beside them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>

namespace batchproof {

struct LandmarkMask {
  static constexpr unsigned kPoints = 5;
  static constexpr unsigned kWidth = 5;   // what mask_width and mask_height say: their product is the number of floats,
  static constexpr unsigned kHeight = 4;  // so that nobody who trusts them reads beyond the end
  static constexpr float kMark = 112.0625f;  // exact in float32; no mask of probabilities holds it

  struct Point {
    float x;  // pixels of the network's input, letterbox included
    float y;
    float score;  // of the face, for SCRFD scores no point by itself
  };

  Point points[kPoints];  // both eyes, nose, both corners of the mouth, as seen from left to right
  float network_width;
  float network_height;
  float mark;
  float reserved[2];

  bool valid() const {
    if (mark != kMark || !(network_width >= 1) || !(network_height >= 1)) return false;
    for (const Point& point : points) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) return false;
    }
    return true;
  }

  // Reads what nvinfer left in mask_params; false for no mask, one of another size, and one that is not ours.
  static bool read(const void* data, std::size_t bytes, LandmarkMask& mask) {
    if (data == nullptr || bytes != sizeof(LandmarkMask)) return false;
    std::memcpy(&mask, data, sizeof mask);
    return mask.valid();
  }
};

static_assert(sizeof(LandmarkMask) == sizeof(float) * LandmarkMask::kWidth * LandmarkMask::kHeight,
              "the mask holds exactly the floats that its width and height announce");

}  // namespace batchproof
