// From the layers of one frame, as nvinfer and nvinferserver describe them, to its faces.
#pragma once

#ifndef NVDSINFER_MAX_DIMS
#error "include ds_abi.h first, or the SDK's nvdsinfer.h: one of them declares NvDsInferLayerInfo"
#endif

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "scrfd_decode.h"

namespace batchproof {

// Names come from a model file.
inline std::string printable(const char* name) {
  constexpr std::size_t kLongest = 64;
  std::string text(name ? name : "", name ? strnlen(name, kLongest) : 0);
  for (char& letter : text) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return text;
}

// [rows, channels] in a type that can be read; the number of elements says whether all axes before have length 1.
inline bool as_tensor(const NvDsInferLayerInfo& layer, Tensor& tensor) {
  const NvDsInferDims& dims = layer.inferDims;
  if (!layer.buffer || (layer.dataType != FLOAT && layer.dataType != HALF)) return false;
  if (dims.numDims < 2 || dims.numDims > NVDSINFER_MAX_DIMS) return false;
  const std::uint64_t rows = dims.d[dims.numDims - 2];
  const std::uint64_t channels = dims.d[dims.numDims - 1];
  tensor = {printable(layer.layerName), layer.buffer, layer.dataType == HALF, rows, channels};
  return rows * channels == dims.numElements;
}

inline std::vector<Tensor> tensors_of(const std::vector<NvDsInferLayerInfo>& layers) {
  std::vector<Tensor> tensors;
  for (const NvDsInferLayerInfo& layer : layers) {
    Tensor tensor;
    if (as_tensor(layer, tensor)) tensors.push_back(tensor);
  }
  return tensors;
}

inline Decoded decode_layers(const std::vector<NvDsInferLayerInfo>& layers, const Network& network,
                             const Limits& limits) {
  const std::vector<Tensor> tensors = tensors_of(layers);
  Decoded decoded = decode(tensors, network, limits);
  const std::size_t others = layers.size() - tensors.size();
  if (others && !decoded.problem.empty()) {
    decoded.problem += "; " + std::to_string(others) + " others are no [rows, channels] of FLOAT or HALF on the host";
  }
  return decoded;
}

}  // namespace batchproof
