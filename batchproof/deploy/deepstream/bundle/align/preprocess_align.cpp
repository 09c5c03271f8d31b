// The library that nvdspreprocess loads in object mode: one aligned crop for each face, read from the whole frame.
//
// Its configuration names CustomTensorPreparation and, so that the element crops nothing itself, CustomTransformation.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crop_dump.h"
#include "device_warper.h"
#include "log.h"
#include "options.h"
#include "placement.h"
#include "surface.h"
#include "throttle.h"

using batchproof::CropDump;
using batchproof::Detected;
using batchproof::DeviceWarper;
using batchproof::Frame;
using batchproof::Job;
using batchproof::Log;
using batchproof::Options;
using batchproof::Outcome;
using batchproof::Tensor;
using batchproof::Throttle;
using batchproof::Track;

struct CustomCtx {
  CustomCtx(const Options& options, int capacity, int size, bool bgr)
      : options(options),
        capacity(capacity),
        tensor{nullptr, size, options.mean, static_cast<float>(1.0 / options.std), bgr},
        throttle(options.embed_interval),
        dump(options.dump_folder) {}

  const Options options;
  const int capacity;
  const Tensor tensor;  // all but where it lies
  Throttle throttle;
  CropDump dump;
  Log log;
  std::unique_ptr<DeviceWarper> warper;
};

namespace {

// The faces of a batch that are to be embedded, one entry each.
struct Selected {
  std::vector<Job> jobs;
  std::vector<NvDsRoiMeta> rois;
  std::vector<Track> tracks;
  std::vector<std::uint64_t> frames;
};

// What is wrong with the tensor that the configuration announces, or nothing.
std::string check_tensor(const NvDsPreProcessTensorParams& tensor, batchproof::Mode mode) {
  if (tensor.data_type != NvDsDataType_FP32) return "tensor-data-type must be 0, FP32";
  if (tensor.network_input_order == NvDsPreProcessNetworkInputOrder_kNHWC) return "network-input-order must be 0, NCHW";
  if (tensor.network_color_format != NvDsPreProcessFormat_RGB && tensor.network_color_format != NvDsPreProcessFormat_BGR) {
    return "network-color-format must be 0 or 1, RGB or BGR";
  }
  return batchproof::check_shape(tensor.network_input_shape, mode);
}

std::string check_folder(const std::string& folder) {
  const bool writable = folder.empty() || access((folder + "/.").c_str(), W_OK | X_OK) == 0;
  return writable ? "" : "[user-configs] dump-folder=" + folder + " is no folder that can be written to";
}

// Where the frames of the batch lie, when CUDA cannot read them there.
const char* unreadable_memory(GstBuffer* buffer) {
  GstMapInfo map;
  if (buffer == nullptr || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return "a buffer that cannot be mapped";
  const char* memory = batchproof::unreadable_memory(reinterpret_cast<const NvBufSurface*>(map.data)->memType);
  gst_buffer_unmap(buffer, &map);
  return memory;
}

// Decides about one face, and describes its crop when it is to be embedded.
Outcome consider(CustomCtx& context, const NvDsPreProcessUnit& unit, bool full, Job& job, Track& track) {
  Detected face{};
  const NvDsObjectMeta* object = unit.roi_meta.object_meta;
  if (!batchproof::read_face(object, face) || unit.frame_meta == nullptr) return Outcome::kWithoutLandmarks;
  const std::string wrong = batchproof::read_frame(unit.input_surf_params, job.frame);
  if (!wrong.empty()) return context.log.once(wrong), Outcome::kUnreadable;
  const batchproof::Plane& pixels = job.frame.pixels;
  const Outcome outcome =
      batchproof::place(face, pixels.width, pixels.height, context.options, context.tensor.size, job.to_frame);
  if (outcome != Outcome::kPlaced) return outcome;
  if (full) return Outcome::kBeyondBatch;
  track = {unit.frame_meta->source_id, object->object_id};
  return context.throttle.take(track, unit.frame_num) ? Outcome::kPlaced : Outcome::kThrottled;
}

Selected select(CustomCtx& context, const NvDsPreProcessBatch& batch) {
  Selected selected;
  for (const NvDsPreProcessUnit& unit : batch.units) {
    Job job{};
    Track track{};
    const bool full = selected.jobs.size() == static_cast<std::size_t>(context.capacity);
    const Outcome outcome = consider(context, unit, full, job, track);
    context.log.count(outcome);
    if (outcome != Outcome::kPlaced) continue;
    selected.jobs.push_back(job);
    selected.rois.push_back(unit.roi_meta);
    selected.tracks.push_back(track);
    selected.frames.push_back(unit.frame_num);
  }
  return selected;
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
  Selected selected = select(context, batch);
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

CustomCtx* open(const CustomInitParams& parameters) {
  Options options;
  const NvDsPreProcessTensorParams& tensor = parameters.tensor_params;
  std::string wrong = batchproof::read_options(parameters.user_configs, options);
  if (wrong.empty()) wrong = check_tensor(tensor, options.mode);
  if (wrong.empty()) wrong = check_folder(options.dump_folder);
  if (!wrong.empty()) return Log::say(wrong), nullptr;
  const bool bgr = tensor.network_color_format == NvDsPreProcessFormat_BGR;
  return new CustomCtx(options, tensor.network_input_shape[0], tensor.network_input_shape[2], bgr);
}

}  // namespace

#define BATCHPROOF_EXPORT extern "C" __attribute__((visibility("default")))

// Null, and a line that says why, when the configuration cannot be followed.
BATCHPROOF_EXPORT CustomCtx* initLib(CustomInitParams parameters) {
  try {
    return open(parameters);
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
