// For tests alone: the library of nvdspreprocess as it is, with DeepStream's headers and GStreamer's buffers, and two
// stand-ins: frames and tensor lie in host memory, and DeviceWarper is the host path. What CUDA does is not run here.
#include <cstring>

#include "align/device_warper.h"
#include "align/surface.h"

extern "C" {
CustomCtx* initLib(CustomInitParams);
void deInitLib(CustomCtx*);
NvDsPreProcessStatus CustomTensorPreparation(CustomCtx*, NvDsPreProcessBatch*, NvDsPreProcessCustomBuf*&,
                                             CustomTensorParams&, NvDsPreProcessAcquirer*);
NvDsPreProcessStatus CustomTransformation(NvBufSurface*, NvBufSurface*, CustomTransformParams&);
}

namespace batchproof::align {

// What the stand-in says instead of warping, when it says anything.
static std::string cuda_says;

struct DeviceWarper::State {};
DeviceWarper::DeviceWarper(int) {}
DeviceWarper::~DeviceWarper() = default;

std::string DeviceWarper::warp(const std::vector<Job>& jobs, const Tensor& tensor) {
  if (!cuda_says.empty()) return cuda_says;
  warp_on_host(jobs.data(), static_cast<int>(jobs.size()), tensor);
  return "";
}

std::string DeviceWarper::read(const float* device, std::size_t count, float* host) {
  std::memcpy(host, device, sizeof(float) * count);
  return "";
}

}  // namespace batchproof::align

namespace {

// The element's pool of tensors, with one that may be missing.
struct Pool : NvDsPreProcessAcquirer {
  NvDsPreProcessCustomBuf buffer{};
  bool empty = false;
  int acquired = 0, released = 0;

  NvDsPreProcessCustomBuf* acquire() override { return empty ? nullptr : (++acquired, &buffer); }
  gboolean release(NvDsPreProcessCustomBuf*) override { return ++released, TRUE; }
};

}  // namespace

extern "C" {

// One object as the test has it; `frame` is the frame's place in the batch.
struct GlueObject {
  int frame, present;
  float confidence, left, top, width, height;
  std::uint64_t id;
  float* mask;
  unsigned mask_bytes;
};

struct GlueFrame {
  unsigned width, height, color_format, layout, planes, pitch, chroma_offset, data_size;
  void* data;
  unsigned source;
  std::uint64_t number;
};

// What became of a batch.
struct GlueResult {
  int status, faces, rois, acquired, released, buffer_given;
  std::uint64_t buffer_size;
  int kept[64];
};

CustomCtx* glue_open(const char* const* keys, const char* const* values, int count, const int* shape, int dimensions,
                     int data_type, int order, int colour) {
  CustomInitParams parameters{};
  for (int i = 0; i < count; ++i) parameters.user_configs[keys[i]] = values[i];
  parameters.tensor_params.network_input_shape.assign(shape, shape + dimensions);
  parameters.tensor_params.data_type = static_cast<NvDsDataType>(data_type);
  parameters.tensor_params.network_input_order = static_cast<NvDsPreProcessNetworkInputOrder>(order);
  parameters.tensor_params.network_color_format = static_cast<NvDsPreProcessFormat>(colour);
  return initLib(parameters);
}

void glue_close(CustomCtx* context) { deInitLib(context); }

int glue_transform() {
  CustomTransformParams parameters{};
  return CustomTransformation(nullptr, nullptr, parameters);
}

// `says`: what CUDA is to fail with, or null. `pool_empty`: the element is flushing.
void glue_prepare(CustomCtx* context, GlueFrame* frames, int frame_count, GlueObject* objects, int object_count,
                  const int* shape, int mem_type, const char* says, int pool_empty, float* tensor,
                  GlueResult* result) {
  std::vector<NvBufSurfaceParams> surfaces(frame_count);
  std::vector<NvDsFrameMeta> frame_metas(frame_count);
  for (int i = 0; i < frame_count; ++i) {
    const GlueFrame& from = frames[i];
    NvBufSurfaceParams& to = surfaces[i];
    to.width = from.width;
    to.height = from.height;
    to.colorFormat = static_cast<NvBufSurfaceColorFormat>(from.color_format);
    to.layout = static_cast<NvBufSurfaceLayout>(from.layout);
    to.dataPtr = from.data;
    to.dataSize = from.data_size;
    to.planeParams.num_planes = from.planes;
    to.planeParams.pitch[0] = to.planeParams.pitch[1] = from.pitch;
    to.planeParams.offset[1] = from.chroma_offset;
    frame_metas[i].source_id = from.source;
    frame_metas[i].frame_num = static_cast<gint>(from.number);
  }
  NvBufSurface surface{};
  surface.memType = static_cast<NvBufSurfaceMemType>(mem_type);
  surface.surfaceList = surfaces.data();
  std::vector<NvDsObjectMeta> metas(object_count);
  NvDsPreProcessBatch batch;
  CustomTensorParams parameters{};
  parameters.params.network_input_shape.assign(shape, shape + 4);
  for (int i = 0; i < object_count; ++i) {
    const GlueObject& from = objects[i];
    NvDsObjectMeta& to = metas[i];
    to.confidence = from.confidence;
    to.object_id = from.id;
    to.detector_bbox_info.org_bbox_coords = {from.left, from.top, from.width, from.height};
    to.mask_params.data = from.mask;
    to.mask_params.size = from.mask_bytes;
    NvDsPreProcessUnit unit;
    unit.roi_meta = {};
    unit.roi_meta.object_meta = from.present ? &to : nullptr;
    unit.roi_meta.roi.left = static_cast<float>(i);  // to tell them apart
    unit.input_surf_params = from.frame < 0 ? nullptr : &surfaces[from.frame];
    unit.frame_meta = from.frame < 0 ? nullptr : &frame_metas[from.frame];
    unit.frame_num = from.frame < 0 ? 0 : frames[from.frame].number;
    batch.units.push_back(unit);
    parameters.seq_params.roi_vector.push_back(unit.roi_meta);
  }
  batch.inbuf = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, &surface, sizeof surface, 0, sizeof surface,
                                            nullptr, nullptr);
  Pool pool;
  pool.buffer.memory_ptr = tensor;
  pool.empty = pool_empty != 0;
  batchproof::align::cuda_says = says == nullptr ? "" : says;
  NvDsPreProcessCustomBuf stale{}, *buffer = &stale;
  const NvDsPreProcessStatus status = CustomTensorPreparation(context, &batch, buffer, parameters, &pool);
  gst_buffer_unref(batch.inbuf);
  *result = {};
  result->status = status;
  result->faces = parameters.params.network_input_shape[0];
  result->buffer_size = parameters.params.buffer_size;
  result->acquired = pool.acquired;
  result->released = pool.released;
  result->buffer_given = buffer == &pool.buffer ? 1 : buffer == nullptr ? 0 : -1;
  result->rois = static_cast<int>(parameters.seq_params.roi_vector.size());
  for (int i = 0; i < result->rois && i < 64; ++i) {
    result->kept[i] = static_cast<int>(parameters.seq_params.roi_vector[i].roi.left);
  }
}

// GStreamer's one-time set-up.
void glue_start() { gst_init(nullptr, nullptr); }

}  // extern "C"
