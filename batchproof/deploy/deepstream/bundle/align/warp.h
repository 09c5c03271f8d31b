// Cutting faces out of their frames into one network input, each by a map of its own.
#pragma once

#include <cmath>
#include <cstddef>

#include "affine.h"
#include "sample.h"

namespace batchproof::align {

// One face: its frame, and the map from pixels of the crop to pixels of the frame.
struct Job {
  Frame frame;
  Affine to_frame;
};

// The network's input [faces, 3, size, size], float32: (pixel - mean) * scale of pixels from 0 to 255.
struct Tensor {
  float* data;
  int size;
  float mean;
  float scale;  // 1 / std, for OpenCV's blobs multiply by it too
  bool bgr;     // the order of the channels; red first if not
};

// insightface's crops are bytes, so a pixel is rounded to a whole grey level before it is normalised.
BATCHPROOF_HOST_DEVICE inline float normalised(float level, const Tensor& tensor) {
  return (std::floor(level + 0.5f) - tensor.mean) * tensor.scale;
}

BATCHPROOF_HOST_DEVICE inline void write_pixel(const Job& job, const Tensor& tensor, int face, int column, int row) {
  const Colour colour = sample(job.frame, job.to_frame(column, row));
  const std::size_t plane = static_cast<std::size_t>(tensor.size) * tensor.size;
  float* pixel = tensor.data + 3 * plane * face + static_cast<std::size_t>(tensor.size) * row + column;
  pixel[0] = normalised(tensor.bgr ? colour.blue : colour.red, tensor);
  pixel[plane] = normalised(colour.green, tensor);
  pixel[2 * plane] = normalised(tensor.bgr ? colour.red : colour.blue, tensor);
}

// The reference: what the GPU computes, on the processor, for frames and a tensor in its memory.
void warp_on_host(const Job* jobs, int faces, const Tensor& tensor);

}  // namespace batchproof::align
