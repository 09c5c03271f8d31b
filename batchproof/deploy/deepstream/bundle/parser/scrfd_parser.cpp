// SCRFD for nvinfer: one function for detectors (network-type=0), one that carries landmarks (network-type=3).
//
//     [property]                                                  [property]
//     network-type=0                                              network-type=3
//     cluster-mode=4                                              cluster-mode=4
//     parse-bbox-func-name=NvDsInferParseCustomScrfd              output-instance-mask=1
//                                                                 parse-bbox-instance-mask-func-name=
//                                                                     NvDsInferParseCustomScrfdMask
//
// Scores are compared with pre-cluster-threshold. nvinfer has no say in how much faces may overlap, nor how many there
// may be: both are compiled in. Leave topk unset: what nvinfer cuts off a list of masks, nobody frees.
//
// A problem is told in one line on stderr per frame, and is no face: to return false would make nvinfer read a list
// that nobody has filled. There is no state between calls, so that any number of nvinfers may share this library.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <type_traits>
#include <vector>

#include "batchproof/landmark_mask.h"
#include "ds_abi.h"

#include "decode_layers.h"
#include "limits.h"

#define BATCHPROOF_EXPORT extern "C" __attribute__((visibility("default")))

namespace batchproof {
namespace {

constexpr unsigned kFaceClass = 0;

void warn(const std::string& problem) {
  if (!problem.empty()) std::fprintf(stderr, "batchproof: SCRFD parser: %s\n", problem.c_str());
}

Decoded decode_frame(const std::vector<NvDsInferLayerInfo>& layers, const NvDsInferNetworkInfo& network,
                     const NvDsInferParseDetectionParams& params) {
  const std::vector<float>& thresholds = params.perClassPreclusterThreshold;
  const float threshold = thresholds.empty() ? kDefaultThreshold : thresholds[kFaceClass];
  return decode_layers(layers, {network.width, network.height}, {threshold, kIou, kMaxFaces});
}

// What boxes and masks have in common; everything else is zero, the rotation of DeepStream 9 included.
template <typename Object>
Object object_of(const Face& face) {
  Object object{};
  object.classId = kFaceClass;
  object.left = face.box.left;
  object.top = face.box.top;
  object.width = face.box.right - face.box.left;
  object.height = face.box.bottom - face.box.top;
  object.detectionConfidence = face.score;
  return object;
}

// A face without landmarks is one all the same, without a mask.
NvDsInferInstanceMaskInfo masked(const Face& face, const NvDsInferNetworkInfo& network) {
  auto object = object_of<NvDsInferInstanceMaskInfo>(face);
  if (!face.has_points) return object;
  LandmarkMask mask{};
  for (unsigned index = 0; index < LandmarkMask::kPoints; ++index) {
    mask.points[index] = {face.points[index].x, face.points[index].y, face.score};
  }
  mask.network_width = static_cast<float>(network.width);
  mask.network_height = static_cast<float>(network.height);
  mask.mark = LandmarkMask::kMark;
  object.mask = new float[LandmarkMask::kWidth * LandmarkMask::kHeight];
  std::memcpy(object.mask, &mask, sizeof mask);
  object.mask_width = LandmarkMask::kWidth;
  object.mask_height = LandmarkMask::kHeight;
  object.mask_size = sizeof mask;
  return object;
}

// No exception may reach nvinfer; what is in the list by then is whole and stays.
template <typename Work>
void guarded(Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "batchproof: SCRFD parser: %s\n", error.what());
  }
}

}  // namespace
}  // namespace batchproof

BATCHPROOF_EXPORT bool NvDsInferParseCustomScrfd(std::vector<NvDsInferLayerInfo> const& layers,
                                                 NvDsInferNetworkInfo const& network,
                                                 NvDsInferParseDetectionParams const& params,
                                                 std::vector<NvDsInferObjectDetectionInfo>& objects) {
  using namespace batchproof;
  guarded([&] {
    const Decoded decoded = decode_frame(layers, network, params);
    warn(decoded.problem);
    for (const Face& face : decoded.faces) objects.push_back(object_of<NvDsInferObjectDetectionInfo>(face));
  });
  return true;
}

BATCHPROOF_EXPORT bool NvDsInferParseCustomScrfdMask(std::vector<NvDsInferLayerInfo> const& layers,
                                                     NvDsInferNetworkInfo const& network,
                                                     NvDsInferParseDetectionParams const& params,
                                                     std::vector<NvDsInferInstanceMaskInfo>& objects) {
  using namespace batchproof;
  guarded([&] {
    const Decoded decoded = decode_frame(layers, network, params);
    warn(decoded.problem.empty() ? decoded.no_landmarks : decoded.problem);
    objects.reserve(objects.size() + decoded.faces.size());  // first, so that no mask is lost when there is no memory
    for (const Face& face : decoded.faces) objects.push_back(masked(face, network));
  });
  return true;
}

static_assert(std::is_convertible_v<decltype(&NvDsInferParseCustomScrfd), NvDsInferParseCustomFunc>);
static_assert(std::is_convertible_v<decltype(&NvDsInferParseCustomScrfdMask), NvDsInferInstanceMaskParseCustomFunc>);
