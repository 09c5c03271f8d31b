// The warp on the GPU, on a stream of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "warp.h"

namespace batchproof::align {

class DeviceWarper {
 public:
  // For up to `capacity` faces at a time, on the calling thread's device.
  explicit DeviceWarper(int capacity);
  ~DeviceWarper();
  DeviceWarper(const DeviceWarper&) = delete;
  DeviceWarper& operator=(const DeviceWarper&) = delete;

  // Fills `tensor`, which lies on the device like the frames, and waits until it is filled. At most `capacity` jobs.
  // Empty when that went well, or else what CUDA said.
  std::string warp(const std::vector<Job>& jobs, const Tensor& tensor);

  // Copies `count` floats from the device.
  static std::string read(const float* device, std::size_t count, float* host);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchproof::align
