// Affine maps of the plane, in pixels: integer coordinates are the centres of pixels, as in OpenCV.
#pragma once

#include <cmath>

#include "host_device.h"

namespace batchproof::align {

struct Point {
  double x;
  double y;
};

struct Affine {
  double xx, xy, x;  // the first row of the matrix
  double yx, yy, y;

  BATCHPROOF_HOST_DEVICE Point operator()(double column, double row) const {
    return {xx * column + xy * row + x, yx * column + yy * row + y};
  }
};

// The way back; false where there is none in finite numbers, as for a determinant of 0.
inline bool invert(const Affine& map, Affine& back) {
  const double determinant = map.xx * map.yy - map.xy * map.yx;
  back.xx = map.yy / determinant;
  back.xy = -map.xy / determinant;
  back.yx = -map.yx / determinant;
  back.yy = map.xx / determinant;
  back.x = -(back.xx * map.x + back.xy * map.y);
  back.y = -(back.yx * map.x + back.yy * map.y);
  return std::isfinite(back.xx) && std::isfinite(back.xy) && std::isfinite(back.yx) && std::isfinite(back.yy) &&
         std::isfinite(back.x) && std::isfinite(back.y);
}

}  // namespace batchproof::align
