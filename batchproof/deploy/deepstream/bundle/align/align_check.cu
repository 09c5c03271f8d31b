// `make check-align`: the kernel against the same pixels on the processor, bit for bit, on this machine's GPU.
//
// Exit code 0: equal; 1: not equal, or CUDA failed; 77: there is no GPU, nothing was compared.
#include <cuda_runtime.h>

#include <cstdint>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "device_warper.h"
#include "similarity.h"

using namespace batchproof::align;

namespace {

constexpr int kWidth = 322, kHeight = 181, kPitch = 1536, kSize = 112;
constexpr int kFaces = 40;

// The same noise on every machine: all levels, all neighbours.
std::vector<std::uint8_t> noise(std::size_t bytes) {
  std::vector<std::uint8_t> levels(bytes);
  std::uint32_t state = 12345;
  for (std::uint8_t& level : levels) level = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  return levels;
}

Frame frame(Format format, const std::uint8_t* data) {
  const int bytes = format == Format::kRgba ? 4 : 1;
  return {format,
          {data, kPitch, kWidth, kHeight, bytes},
          {data + std::size_t{kPitch} * kHeight, kPitch, (kWidth + 1) / 2, (kHeight + 1) / 2, 2}};
}

// Faces of all sizes and turns, some of them half or wholly outside.
Affine placed(int face) {
  const double turn = 0.4 * face, scale = 0.05 + 0.11 * face;
  return {scale * std::cos(turn),  -scale * std::sin(turn), 9.7 * face - 60.3,
          scale * std::sin(turn), scale * std::cos(turn),  5.3 * face - 40.1};
}

std::vector<Job> jobs(const std::uint8_t* data) {
  std::vector<Job> all;
  for (int face = 0; face < kFaces; ++face) all.push_back({frame(static_cast<Format>(face % 5), data), placed(face)});
  return all;
}

void require(const std::string& wrong) {
  if (wrong.empty()) return;
  std::printf("check-align: CUDA: %s\n", wrong.c_str());
  std::exit(1);
}

void require(cudaError_t error) { require(error == cudaSuccess ? "" : std::string(cudaGetErrorString(error))); }

std::vector<float> warped_on_device(const std::vector<std::uint8_t>& levels, std::size_t values) {
  std::uint8_t* frames = nullptr;
  float* tensor = nullptr;
  require(cudaMalloc(reinterpret_cast<void**>(&frames), levels.size()));
  require(cudaMalloc(reinterpret_cast<void**>(&tensor), sizeof(float) * values));
  require(cudaMemcpy(frames, levels.data(), levels.size(), cudaMemcpyHostToDevice));
  DeviceWarper warper(kFaces);
  require(warper.warp(jobs(frames), {tensor, kSize, 127.5f, 1 / 127.5f, false}));
  std::vector<float> found(values);
  require(DeviceWarper::read(tensor, values, found.data()));
  cudaFree(frames);
  cudaFree(tensor);
  return found;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("check-align: not_run: there is no GPU here\n");
    return 77;
  }
  const std::vector<std::uint8_t> levels = noise(std::size_t{kPitch} * (kHeight + (kHeight + 1) / 2));
  std::vector<float> expected(std::size_t{3} * kFaces * kSize * kSize);
  warp_on_host(jobs(levels.data()).data(), kFaces, {expected.data(), kSize, 127.5f, 1 / 127.5f, false});
  const std::vector<float> found = warped_on_device(levels, expected.size());
  std::size_t differing = 0;
  for (std::size_t i = 0; i < found.size(); ++i) differing += std::memcmp(&found[i], &expected[i], sizeof(float)) != 0;
  std::printf("check-align: %zu of %zu values differ between GPU and processor\n", differing, found.size());
  return differing == 0 ? 0 : 1;
}
