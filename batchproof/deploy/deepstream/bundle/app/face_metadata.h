// DeepStream's metadata of a batch of frames as records of faces: the C++ twin of face_reader.py.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

// In the order that they need: some use types of others without including them.
#include <gst/gst.h>

#include <nvll_osd_struct.h>

#include <nvdsmeta.h>

#include <gstnvdsinfer.h>
#include <nvdspreprocess_meta.h>

#include "face_json.h"
#include "parser/half.h"

namespace batchproof::app {

struct Tally {
  unsigned long long frames, faces, embedded;
  unsigned long long broken;  // embeddings of zeros, or not finite: an engine that cannot be trusted
};

class FaceReader {
 public:
  // The gie-unique-id of the embedder's nvinfer, and the name of its output.
  FaceReader(unsigned embedder_id, std::string embedding) : id_(embedder_id), embedding_(std::move(embedding)) {}

  // The faces of a batch; everything is copied, for the metadata ends with its buffer.
  std::vector<FaceRecord> read(NvDsBatchMeta& batch) {
    std::vector<FaceRecord> records;
    const Regions regions = regions_of(batch);
    for (NvDsMetaList* at = batch.frame_meta_list; at != nullptr; at = at->next) {
      const auto& frame = *static_cast<const NvDsFrameMeta*>(at->data);
      ++tally_.frames;
      for (NvDsMetaList* face = frame.obj_meta_list; face != nullptr; face = face->next) {
        const auto& object = *static_cast<const NvDsObjectMeta*>(face->data);
        if (object.class_id == kFaceClass) records.push_back(record(frame, object, regions));
      }
    }
    return records;
  }

  const Tally& tally() const { return tally_; }

  // What went wrong, or nothing.
  const std::string& problem() const { return problem_; }

 private:
  using Regions = std::map<const NvDsObjectMeta*, const NvDsInferTensorMeta*>;
  static constexpr int kFaceClass = 0;

  // Where nvdspreprocess made the input, outputs hang on its regions of the batch (8.0, 9.1).
  Regions regions_of(const NvDsBatchMeta& batch) const {
    Regions regions;
    for (NvDsMetaList* at = batch.batch_user_meta_list; at != nullptr; at = at->next) {
      const auto& meta = *static_cast<const NvDsUserMeta*>(at->data);
      if (meta.base_meta.meta_type != NVDS_PREPROCESS_BATCH_META) continue;
      for (const NvDsRoiMeta& region : static_cast<const GstNvDsPreProcessBatchMeta*>(meta.user_meta_data)->roi_vector) {
        const NvDsInferTensorMeta* output = output_of(region.roi_user_meta_list);
        if (output != nullptr && region.object_meta != nullptr) regions[region.object_meta] = output;
      }
    }
    return regions;
  }

  const NvDsInferTensorMeta* output_of(const NvDsMetaList* list) const {
    for (; list != nullptr; list = list->next) {
      const auto& meta = *static_cast<const NvDsUserMeta*>(list->data);
      if (meta.base_meta.meta_type != NVDSINFER_TENSOR_OUTPUT_META) continue;
      const auto* output = static_cast<const NvDsInferTensorMeta*>(meta.user_meta_data);
      if (output->unique_id == id_) return output;
    }
    return nullptr;
  }

  FaceRecord record(const NvDsFrameMeta& frame, const NvDsObjectMeta& object, const Regions& regions) {
    const auto found = regions.find(&object);
    const NvDsInferTensorMeta* output =
        found != regions.end() ? found->second : output_of(object.obj_user_meta_list);  // 6.2, nvinferserver
    const NvOSD_RectParams& rect = object.rect_params;
    FaceRecord face{};
    face.stream = frame.source_id;
    face.frame = frame.frame_num;
    face.time_ns = frame.buf_pts;
    face.track = object.object_id;
    face.score = object.confidence;
    const float corners[] = {rect.left, rect.top, rect.left + rect.width, rect.top + rect.height};
    std::memcpy(face.box, corners, sizeof corners);
    face.has_landmarks = frame_landmarks(object.mask_params.data, object.mask_params.size, frame.pipeline_width,
                                         frame.pipeline_height, face.landmarks);
    if (output != nullptr) face.embedding = unit(values_of(*output));
    count(face, output != nullptr);
    return face;
  }

  void count(const FaceRecord& face, bool has_output) {
    ++tally_.faces;
    tally_.embedded += !face.embedding.empty();
    tally_.broken += has_output && face.embedding.empty();
  }

  // On the host: `buffer` of the layers is stale.
  std::vector<float> values_of(const NvDsInferTensorMeta& output) {
    for (unsigned i = 0; i < output.num_output_layers; ++i) {
      const NvDsInferLayerInfo& layer = output.output_layers_info[i];
      const void* data = output.out_buf_ptrs_host[i];
      if (layer.layerName == nullptr || embedding_ != layer.layerName || data == nullptr) continue;
      const std::size_t count = layer.inferDims.numElements;
      std::vector<float> values(count);
      if (layer.dataType == FLOAT) {
        std::memcpy(values.data(), data, count * sizeof(float));
        return values;
      }
      if (layer.dataType == HALF) {
        for (std::size_t n = 0; n < count; ++n) values[n] = half_to_float(static_cast<const std::uint16_t*>(data)[n]);
        return values;
      }
    }
    problem_ = "the embedder gives no floats named " + embedding_;
    return {};
  }

  const unsigned id_;
  const std::string embedding_;
  Tally tally_{};
  std::string problem_;
};

}  // namespace batchproof::app
