// What ctypes cannot do: pass std::vector. Calls a parser as nvinfer does, through the address that dlsym gave, copies
// what it lists, and frees the masks as nvinfer frees them.
#include <cstring>
#include <vector>

#include "ds_abi.h"
#include "half.h"

namespace {

constexpr int kReturnedFalse = -1;
constexpr int kTooMany = -2;

template <typename Object, typename Parse>
int parse(Parse function, const NvDsInferLayerInfo* layers, unsigned count, unsigned width, unsigned height,
          const float* thresholds, unsigned threshold_count, std::vector<Object>& found) {
  const NvDsInferParseDetectionParams params{1, {thresholds, thresholds + threshold_count}, {}};
  const bool fine = function({layers, layers + count}, {width, height, 3}, params, found);
  return fine ? static_cast<int>(found.size()) : kReturnedFalse;
}

template <typename Object>
int copied(const std::vector<Object>& found, int count, void* objects, unsigned room) {
  if (count > static_cast<int>(room)) return kTooMany;
  if (count > 0) std::memcpy(objects, found.data(), found.size() * sizeof(Object));
  return count;
}

}  // namespace

extern "C" unsigned shim_size_of_box() { return sizeof(NvDsInferObjectDetectionInfo); }

extern "C" void shim_widen(const std::uint16_t* halves, float* floats, unsigned count) {
  for (unsigned index = 0; index < count; ++index) floats[index] = batchproof::half_to_float(halves[index]);
}

// How many objects were listed, copied to `objects`, which has room for `room` of them; negative when something failed.
extern "C" int shim_boxes(NvDsInferParseCustomFunc function, const NvDsInferLayerInfo* layers, unsigned count,
                          unsigned width, unsigned height, const float* thresholds, unsigned threshold_count,
                          void* objects, unsigned room) {
  std::vector<NvDsInferObjectDetectionInfo> found;
  const int listed = parse(function, layers, count, width, height, thresholds, threshold_count, found);
  return copied(found, listed, objects, room);
}

// The same with masks; the bytes of each go to `masks`, `mask_room` bytes apart, and its pointer is dead afterwards.
extern "C" int shim_masks(NvDsInferInstanceMaskParseCustomFunc function, const NvDsInferLayerInfo* layers,
                          unsigned count, unsigned width, unsigned height, const float* thresholds,
                          unsigned threshold_count, void* objects, unsigned room, void* masks, unsigned mask_room) {
  std::vector<NvDsInferInstanceMaskInfo> found;
  int listed = copied(found, parse(function, layers, count, width, height, thresholds, threshold_count, found), objects,
                      room);
  for (std::size_t index = 0; index < found.size(); ++index) {
    const NvDsInferInstanceMaskInfo& object = found[index];
    if (object.mask_size > mask_room) listed = kTooMany;
    if (listed > static_cast<int>(index) && object.mask) {
      std::memcpy(static_cast<char*>(masks) + index * mask_room, object.mask, object.mask_size);
    }
    delete[] object.mask;
  }
  return listed;
}
