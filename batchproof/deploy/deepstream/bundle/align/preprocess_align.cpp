// The library that nvdspreprocess loads in object mode: one aligned crop for each face, read from the whole frame.
//
// Its configuration names CustomTensorPreparation and, so that the element crops nothing itself, CustomTransformation.
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "configuration.h"
#include "context.h"
#include "device_warper.h"
#include "selection.h"
#include "surface.h"

using batchproof::align::DeviceWarper;
using batchproof::align::Log;
using batchproof::align::Selected;
using batchproof::align::Tensor;

namespace {

// Where the frames of the batch lie, when CUDA cannot read them there.
const char* unreadable_memory(GstBuffer* buffer) {
  GstMapInfo map;
  if (buffer == nullptr || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return "a buffer that cannot be mapped";
  const char* memory = batchproof::align::unreadable_memory(reinterpret_cast<const NvBufSurface*>(map.data)->memType);
  gst_buffer_unmap(buffer, &map);
  return memory;
}

void dump(CustomCtx& context, const Selected& selected, Tensor tensor) {
  std::vector<float> values(3 * selected.jobs.size() * tensor.size * tensor.size);
  const std::string wrong = DeviceWarper::read(tensor.data, values.size(), values.data());
  if (!wrong.empty()) return context.log.once("cannot read the crops back: " + wrong);
  tensor.data = values.data();
  for (std::size_t i = 0; i < selected.jobs.size() && context.dump.wanted(); ++i) {
    const bool written = context.dump.write(tensor, static_cast<int>(i), selected.tracks[i], selected.frames[i]);
    if (!written) context.log.once("cannot write crops to " + context.options.dump_folder);
  }
}

// Fills the tensor; what CUDA said when it cannot.
std::string fill(CustomCtx& context, const Selected& selected, void* memory) {
  // Not before the first batch: initLib runs before the element has chosen its GPU.
  if (!context.warper) context.warper = std::make_unique<DeviceWarper>(context.capacity);
  Tensor tensor = context.tensor;
  tensor.data = static_cast<float*>(memory);
  const std::string wrong = context.warper->warp(selected.jobs, tensor);
  if (wrong.empty() && context.dump.wanted()) dump(context, selected, tensor);
  return wrong;
}

// Tells the element which faces the tensor holds, in order.
void announce(CustomTensorParams& parameters, const Tensor& tensor, Selected selected) {
  const std::size_t faces = selected.rois.size();
  parameters.params.network_input_shape[0] = static_cast<int>(faces);
  parameters.params.buffer_size = faces * 3 * tensor.size * tensor.size * sizeof(float);
  parameters.seq_params.roi_vector = std::move(selected.rois);
}

NvDsPreProcessStatus prepare(CustomCtx& context, const NvDsPreProcessBatch& batch, NvDsPreProcessCustomBuf*& buffer,
                             CustomTensorParams& parameters, NvDsPreProcessAcquirer& acquirer) {
  if (const char* memory = unreadable_memory(batch.inbuf)) {
    context.log.once(std::string("frames lie in ") + memory +
                     ", which this library cannot read: set nvbuf-memory-type to one of CUDA's before nvdspreprocess");
    return NVDSPREPROCESS_CUSTOM_TENSOR_FAILED;
  }
  Selected selected = batchproof::align::select(context, batch);
  if (selected.jobs.empty()) return NVDSPREPROCESS_TENSOR_NOT_READY;
  // Only now, for the pool is small and a batch without faces needs none of it.
  const auto give_back = [&acquirer](NvDsPreProcessCustomBuf* acquired) { acquirer.release(acquired); };
  std::unique_ptr<NvDsPreProcessCustomBuf, decltype(give_back)> acquired(acquirer.acquire(), give_back);
  if (!acquired) return NVDSPREPROCESS_RESOURCE_ERROR;
  const std::string wrong = fill(context, selected, acquired->memory_ptr);
  if (!wrong.empty()) return context.log.once("CUDA: " + wrong), NVDSPREPROCESS_CUDA_ERROR;
  announce(parameters, context.tensor, std::move(selected));
  buffer = acquired.release();
  return NVDSPREPROCESS_SUCCESS;
}

}  // namespace

#define BATCHPROOF_EXPORT extern "C" __attribute__((visibility("default")))

BATCHPROOF_EXPORT CustomCtx* initLib(CustomInitParams parameters) {
  try {
    return batchproof::align::make_context(parameters);
  } catch (const std::exception& error) {
    Log::say(error.what());
    return nullptr;
  }
}

BATCHPROOF_EXPORT void deInitLib(CustomCtx* context) {
  if (context == nullptr) return;
  try {
    context->log.summary();
  } catch (const std::exception&) {  // no memory left for one line
  }
  delete context;
}

BATCHPROOF_EXPORT NvDsPreProcessStatus CustomTensorPreparation(CustomCtx* context, NvDsPreProcessBatch* batch,
                                                               NvDsPreProcessCustomBuf*& buffer,
                                                               CustomTensorParams& parameters,
                                                               NvDsPreProcessAcquirer* acquirer) {
  buffer = nullptr;  // the element left the one of the last batch here
  if (context == nullptr || batch == nullptr || acquirer == nullptr) return NVDSPREPROCESS_INVALID_PARAMS;
  try {
    return prepare(*context, *batch, buffer, parameters, *acquirer);
  } catch (const std::exception& error) {
    Log::say(error.what());
    return NVDSPREPROCESS_CUSTOM_TENSOR_FAILED;
  }
}

BATCHPROOF_EXPORT NvDsPreProcessStatus CustomTransformation(NvBufSurface*, NvBufSurface*, CustomTransformParams&) {
  return NVDSPREPROCESS_SUCCESS;
}
