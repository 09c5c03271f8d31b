// For tests alone: metadata as nvinfer and nvdspreprocess leave it, in DeepStream's own structures, without their
// libraries.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "app/face_metadata.h"

// One object as the test has it; `frame` is the frame's place in the batch.
struct GlueFace {
  int frame, class_id, on_object, data_type;
  unsigned mask_bytes, embedder_id, channels;
  float confidence, left, top, width, height;
  std::uint64_t id;
  float* mask;
  void* embedding;
};

class GlueBatch {
 public:
  GlueBatch(const GlueFace* faces, int count, int frames, unsigned width, unsigned height) {
    for (int i = 0; i < frames; ++i) add_frame(i, width, height);
    for (int i = 0; i < count; ++i) add_face(faces[i]);
    add_user(batch_.batch_user_meta_list, NVDS_CUSTOM_MSG_BLOB, nullptr);
    add_user(batch_.batch_user_meta_list, NVDS_PREPROCESS_BATCH_META, &crops_);
  }

  NvDsBatchMeta& get() { return batch_; }

 private:
  void add_frame(int index, unsigned width, unsigned height) {
    NvDsFrameMeta& frame = frames_.emplace_back();
    frame.source_id = frame.batch_id = static_cast<guint>(index);
    frame.frame_num = 10 + index;
    frame.buf_pts = 1000 + static_cast<guint64>(index);
    frame.pipeline_width = width;
    frame.pipeline_height = height;
    batch_.frame_meta_list = g_list_append(batch_.frame_meta_list, &frame);
  }

  void add_face(const GlueFace& from) {
    NvDsFrameMeta& frame = frames_[static_cast<std::size_t>(from.frame)];
    NvDsObjectMeta& object = objects_.emplace_back();
    object.class_id = from.class_id;
    object.object_id = from.id;
    object.confidence = from.confidence;
    object.rect_params.left = from.left;
    object.rect_params.top = from.top;
    object.rect_params.width = from.width;
    object.rect_params.height = from.height;
    object.mask_params.data = from.mask;
    object.mask_params.size = from.mask_bytes;
    frame.obj_meta_list = g_list_append(frame.obj_meta_list, &object);
    if (from.embedding == nullptr) return;
    if (from.on_object) return add_output(object.obj_user_meta_list, from);
    NvDsRoiMeta region{};
    region.frame_meta = &frame;
    region.object_meta = &object;
    add_output(region.roi_user_meta_list, from);
    crops_.roi_vector.push_back(region);
  }

  // Another model's output first, then the embedder's: a layer of another name and its own.
  void add_output(NvDsUserMetaList*& list, const GlueFace& from) {
    NvDsInferTensorMeta& foreign = outputs_.emplace_back();
    foreign.unique_id = 99;
    add_user(list, NVDSINFER_TENSOR_OUTPUT_META, &foreign);
    NvDsInferLayerInfo* layers = new NvDsInferLayerInfo[2]{};
    void** host = new void*[2]{layers, from.embedding};
    layers[0].layerName = "another";
    layers[1].layerName = "embedding";
    layers[1].dataType = static_cast<NvDsInferDataType>(from.data_type);
    layers[1].inferDims.numElements = from.channels;
    NvDsInferTensorMeta& output = outputs_.emplace_back();
    output.unique_id = from.embedder_id;
    output.num_output_layers = 2;
    output.output_layers_info = layers;
    output.out_buf_ptrs_host = host;
    add_user(list, NVDSINFER_TENSOR_OUTPUT_META, &output);
  }

  void add_user(NvDsUserMetaList*& list, NvDsMetaType type, void* content) {
    NvDsUserMeta& meta = users_.emplace_back();
    meta.base_meta.meta_type = type;
    meta.user_meta_data = content;
    list = g_list_append(list, &meta);
  }

  // Nothing moves while it is pointed to.
  std::deque<NvDsFrameMeta> frames_;
  std::deque<NvDsObjectMeta> objects_;
  std::deque<NvDsUserMeta> users_;
  std::deque<NvDsInferTensorMeta> outputs_;
  GstNvDsPreProcessBatchMeta crops_{};
  NvDsBatchMeta batch_{};
};
