// Landmarks from the raw outputs that the detector attaches to its frames: source=tensor.
//
// It is the only way for nvinferserver, which knows no instance masks; it is open to nvinfer as well.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "surface.h"

#include "../parser/decode_layers.h"  // only now: the SDK has declared what a layer is
#include "decoded_faces.h"
#include "log.h"
#include "options.h"

namespace batchproof::align {

// Whether the frame was scaled as letterbox.h has it. Early versions of DeepStream say nothing of the padding.
template <typename TensorMeta>
auto letterboxed(const TensorMeta& outputs, int) -> decltype(outputs.symmetric_padding == 0) {
  return outputs.maintain_aspect_ratio != 0 && outputs.symmetric_padding == 0;
}

template <typename TensorMeta>
bool letterboxed(const TensorMeta& outputs, long) {
  return outputs.maintain_aspect_ratio != 0;
}

// The raw outputs of one detector for a frame; null where there are none.
inline const NvDsInferTensorMeta* outputs_of(const NvDsFrameMeta& frame, unsigned pgie_id) {
  for (const GList* each = frame.frame_user_meta_list; each != nullptr; each = each->next) {
    const auto* meta = static_cast<const NvDsUserMeta*>(each->data);
    if (meta == nullptr || meta->base_meta.meta_type != NVDSINFER_TENSOR_OUTPUT_META) continue;
    const auto* outputs = static_cast<const NvDsInferTensorMeta*>(meta->user_meta_data);
    if (outputs != nullptr && outputs->unique_id == pgie_id) return outputs;
  }
  return nullptr;
}

// The outputs of one frame with their values in host memory, and without names: gstnvdsinfer.h calls the pointers in
// the descriptions invalid. SCRFD's outputs differ in shape.
inline std::vector<NvDsInferLayerInfo> host_layers(const NvDsInferTensorMeta& outputs) {
  if (outputs.output_layers_info == nullptr || outputs.out_buf_ptrs_host == nullptr) return {};
  std::vector<NvDsInferLayerInfo> layers(outputs.output_layers_info,
                                         outputs.output_layers_info + outputs.num_output_layers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].buffer = outputs.out_buf_ptrs_host[i];
    layers[i].layerName = nullptr;
  }
  return layers;
}

// The decoded frames of one batch, each of them decoded when the first of its faces asks.
class TensorSource {
 public:
  TensorSource(const Options& options, Log& log) : options_(options), log_(log) {}

  // The landmarks of an object, whose box is `box`, in a frame of this size.
  Outcome landmarks_of(const NvDsObjectMeta& object, const Box& box, const NvDsFrameMeta& frame, int frame_width,
                       int frame_height, Landmarks& landmarks) {
    const int detector = object.unique_component_id;
    if (detector != static_cast<int>(options_.pgie_id)) {
      log_.once("source=tensor: there are objects of detector " + std::to_string(detector) + ", which is not pgie-id");
      return Outcome::kWithoutLandmarks;
    }
    const auto [known, added] = frames_.try_emplace(&frame);
    if (added) known->second = decoded(frame, frame_width, frame_height);
    return known->second.landmarks_of(box, landmarks);
  }

 private:
  DecodedFaces decoded(const NvDsFrameMeta& frame, int frame_width, int frame_height) {
    const std::string detector = "source=tensor: detector " + std::to_string(options_.pgie_id);
    const NvDsInferTensorMeta* outputs = outputs_of(frame, options_.pgie_id);
    const auto refused = [&](const char* why) { return log_.once(detector + why), DecodedFaces(); };
    if (outputs == nullptr) return refused(" attaches no raw outputs to its frames: set output-tensor-meta=1");
    if (!letterboxed(*outputs, 0)) return refused(" must scale with maintain-aspect-ratio=1 and symmetric-padding=0");
    const Network network{outputs->network_info.width, outputs->network_info.height};
    const Decoded found = decode_layers(host_layers(*outputs), network, {options_.threshold, kIou, kMaxFaces});
    log_.count_decoded_frame();
    const std::string& problem = found.problem.empty() ? found.no_landmarks : found.problem;
    if (!problem.empty()) log_.once(detector + ": " + problem);
    return {found.faces, network, frame_width, frame_height};
  }

  const Options& options_;
  Log& log_;
  std::map<const NvDsFrameMeta*, DecodedFaces> frames_;
};

}  // namespace batchproof::align
