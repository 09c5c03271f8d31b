// The upright crop around a box that 2d106det, 1k3d68 and genderage take.
#pragma once

#include <algorithm>

#include "affine.h"

namespace batchproof::align {

struct Box {
  float left, top, right, bottom;  // pixels of the frame
};

// A square of 1.5 times the longer side of the box about its centre, not rotated, scaled to `size` x `size` pixels: the
// map from the frame to it, in insightface's float32 steps. False for a box without extent.
inline bool upright(const Box& box, int size, Affine& map) {
  const float longer = std::max(box.right - box.left, box.bottom - box.top);
  if (!(longer > 0)) return false;
  const float scale = static_cast<float>(size) / (longer * 1.5f);
  const float centre_x = (box.right + box.left) / 2.0f * scale, centre_y = (box.bottom + box.top) / 2.0f * scale;
  map = {scale, 0, size / 2.0 - static_cast<double>(centre_x), 0, scale, size / 2.0 - static_cast<double>(centre_y)};
  return true;
}

}  // namespace batchproof::align
