#include <cuda_runtime.h>

#include "device_warper.h"

namespace batchproof::align {

namespace {

constexpr int kThreads = 256;

// One thread a pixel, one row of blocks a face.
__global__ void warp_faces(const Job* jobs, Tensor tensor) {
  const int pixel = blockIdx.x * kThreads + threadIdx.x;
  if (pixel >= tensor.size * tensor.size) return;
  const int face = blockIdx.y;
  write_pixel(jobs[face], tensor, face, pixel % tensor.size, pixel / tensor.size);
}

std::string said(cudaError_t error) { return error == cudaSuccess ? "" : cudaGetErrorString(error); }

}  // namespace

struct DeviceWarper::State {
  cudaStream_t stream = nullptr;
  Job* jobs = nullptr;
  cudaError_t made = cudaSuccess;
};

DeviceWarper::DeviceWarper(int capacity) : state_(std::make_unique<State>()) {
  state_->made = cudaStreamCreateWithFlags(&state_->stream, cudaStreamNonBlocking);
  if (state_->made != cudaSuccess) return;
  state_->made = cudaMalloc(reinterpret_cast<void**>(&state_->jobs), sizeof(Job) * capacity);
}

DeviceWarper::~DeviceWarper() {
  cudaFree(state_->jobs);
  if (state_->stream != nullptr) cudaStreamDestroy(state_->stream);
}

std::string DeviceWarper::warp(const std::vector<Job>& jobs, const Tensor& tensor) {
  if (state_->made != cudaSuccess || jobs.empty()) return said(state_->made);
  const cudaError_t copied =
      cudaMemcpyAsync(state_->jobs, jobs.data(), sizeof(Job) * jobs.size(), cudaMemcpyHostToDevice, state_->stream);
  if (copied != cudaSuccess) return said(copied);
  const dim3 blocks((tensor.size * tensor.size + kThreads - 1) / kThreads, static_cast<unsigned>(jobs.size()));
  warp_faces<<<blocks, kThreads, 0, state_->stream>>>(state_->jobs, tensor);
  const cudaError_t launched = cudaGetLastError();
  return said(launched != cudaSuccess ? launched : cudaStreamSynchronize(state_->stream));
}

std::string DeviceWarper::read(const float* device, std::size_t count, float* host) {
  return said(cudaMemcpy(host, device, sizeof(float) * count, cudaMemcpyDeviceToHost));
}

}  // namespace batchproof::align
