// Where a pixel of the detector's input lies in the frame: nvinfer's rule, not insightface's.
#pragma once

#include "affine.h"

namespace batchproof::align {

struct Scales {
  double x;  // network pixels per frame pixel
  double y;
};

// The scales at which nvinfer fits a frame into the top-left corner of the network's input (maintain-aspect-ratio=1,
// symmetric-padding=0). It takes even numbers of columns and rows from the frame and truncates the shorter side to
// whole pixels, so that the axes differ slightly; insightface divides both by the scale of the heights.
// False where nothing is left of the frame.
inline bool nvinfer_letterbox(unsigned frame_width, unsigned frame_height, unsigned network_width,
                              unsigned network_height, Scales& scales) {
  const unsigned columns = frame_width & ~1u, rows = frame_height & ~1u;
  if (columns == 0 || rows == 0) return false;
  unsigned width = network_width, height = network_height;
  const double fitted_height = static_cast<double>(network_width) * rows / columns;
  if (fitted_height <= network_height) {
    height = static_cast<unsigned>(fitted_height);
  } else {
    width = static_cast<unsigned>(static_cast<double>(network_height) * columns / rows);
  }
  if (width == 0 || height == 0) return false;
  scales = {static_cast<double>(width) / columns, static_cast<double>(height) / rows};
  return true;
}

inline Point to_frame(double network_x, double network_y, const Scales& scales) {
  return {network_x / scales.x, network_y / scales.y};
}

}  // namespace batchproof::align
