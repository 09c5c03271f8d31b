// CUDA's runtime without a GPU: device memory is memory, and every call is remembered.
#include <cstddef>
#include <cstring>

extern "C" {
int last_device = -1, last_kind = -1, fails = 0;
int cudaSetDevice(int device) { return last_device = device, fails; }
int cudaMemcpy(void* to, const void* from, std::size_t bytes, int kind) {
  last_kind = kind;
  std::memcpy(to, from, bytes);
  return 0;
}
const char* cudaGetErrorString(int) { return "invalid device ordinal"; }
}
