// The types that nvinfer and a parser library hand each other, for DeepStream 6.3 to 9.x on 64-bit Linux.
//
// Either declared here, so that neither the SDK's nor TensorRT's headers are needed, for the version that
// NVDS_VERSION_MAJOR and NVDS_VERSION_MINOR name; or, with BATCHPROOF_SDK_HEADERS, the SDK's own. The assertions at the
// end hold for both: 9.0 made a box longer, and a library built for the other length reads and writes beside it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#ifdef BATCHPROOF_SDK_HEADERS

#include <nvds_version.h>
#include <nvdsinfer_custom_impl.h>

#else

#if !defined(NVDS_VERSION_MAJOR) || !defined(NVDS_VERSION_MINOR)
#error "for which DeepStream? -DNVDS_VERSION_MAJOR=8 -DNVDS_VERSION_MINOR=0, or its headers: -DBATCHPROOF_SDK_HEADERS"
#endif

#define NVDSINFER_MAX_DIMS 8

struct NvDsInferDims {
  unsigned int numDims;
  unsigned int d[NVDSINFER_MAX_DIMS];
  unsigned int numElements;
};

enum NvDsInferDataType { FLOAT = 0, HALF = 1, INT8 = 2, INT32 = 3, INT64 = 4, UINT8 = 5 };

struct NvDsInferLayerInfo {
  NvDsInferDataType dataType;
  NvDsInferDims inferDims;  // of one frame: the batch axis is gone
  int bindingIndex;
  const char* layerName;
  void* buffer;
  int isInput;
};

struct NvDsInferNetworkInfo {
  unsigned int width;
  unsigned int height;
  unsigned int channels;
};

struct NvDsInferObjectDetectionInfo {
  unsigned int classId;
  float left;
  float top;
  float width;
  float height;
  float detectionConfidence;
#if NVDS_VERSION_MAJOR >= 9
  float rotation_angle;  // radians; 0 is axis-aligned
#endif
};

struct NvDsInferInstanceMaskInfo {
  unsigned int classId;
  float left;
  float top;
  float width;
  float height;
  float detectionConfidence;
  float* mask;  // nvinfer frees it with delete[]
  unsigned int mask_width;
  unsigned int mask_height;
  unsigned int mask_size;  // bytes
};

struct NvDsInferParseDetectionParams {
  unsigned int numClassesConfigured;
  std::vector<float> perClassPreclusterThreshold;
  std::vector<float> perClassPostclusterThreshold;
  std::vector<float>& perClassThreshold = perClassPreclusterThreshold;
};

typedef bool (*NvDsInferParseCustomFunc)(std::vector<NvDsInferLayerInfo> const&, NvDsInferNetworkInfo const&,
                                         NvDsInferParseDetectionParams const&,
                                         std::vector<NvDsInferObjectDetectionInfo>&);
typedef bool (*NvDsInferInstanceMaskParseCustomFunc)(std::vector<NvDsInferLayerInfo> const&,
                                                     NvDsInferNetworkInfo const&, NvDsInferParseDetectionParams const&,
                                                     std::vector<NvDsInferInstanceMaskInfo>&);

#endif

static_assert(NVDS_VERSION_MAJOR * 100 + NVDS_VERSION_MINOR >= 603 && NVDS_VERSION_MAJOR <= 9,
              "the ABI of this DeepStream is not known here; known are 6.3 to 9.x");
static_assert(sizeof(void*) == 8 && sizeof(std::vector<float>) == 24, "64-bit Linux with libstdc++");

static_assert(sizeof(NvDsInferDims) == 40 && offsetof(NvDsInferDims, d) == 4 &&
                  offsetof(NvDsInferDims, numElements) == 36,
              "NvDsInferDims");
static_assert(sizeof(NvDsInferLayerInfo) == 72 && offsetof(NvDsInferLayerInfo, dataType) == 0 &&
                  offsetof(NvDsInferLayerInfo, inferDims) == 4 && offsetof(NvDsInferLayerInfo, bindingIndex) == 44 &&
                  offsetof(NvDsInferLayerInfo, layerName) == 48 && offsetof(NvDsInferLayerInfo, buffer) == 56 &&
                  offsetof(NvDsInferLayerInfo, isInput) == 64,
              "NvDsInferLayerInfo");
static_assert(sizeof(NvDsInferNetworkInfo) == 12 && offsetof(NvDsInferNetworkInfo, width) == 0 &&
                  offsetof(NvDsInferNetworkInfo, height) == 4,
              "NvDsInferNetworkInfo");

#if NVDS_VERSION_MAJOR >= 9
static_assert(sizeof(NvDsInferObjectDetectionInfo) == 28 &&
                  offsetof(NvDsInferObjectDetectionInfo, rotation_angle) == 24,
              "a box of DeepStream 9 has a rotation");
#else
static_assert(sizeof(NvDsInferObjectDetectionInfo) == 24, "a box before DeepStream 9 has no rotation");
#endif
static_assert(offsetof(NvDsInferObjectDetectionInfo, classId) == 0 &&
                  offsetof(NvDsInferObjectDetectionInfo, left) == 4 &&
                  offsetof(NvDsInferObjectDetectionInfo, top) == 8 &&
                  offsetof(NvDsInferObjectDetectionInfo, width) == 12 &&
                  offsetof(NvDsInferObjectDetectionInfo, height) == 16 &&
                  offsetof(NvDsInferObjectDetectionInfo, detectionConfidence) == 20,
              "NvDsInferObjectDetectionInfo");
static_assert(sizeof(NvDsInferInstanceMaskInfo) == 48 && offsetof(NvDsInferInstanceMaskInfo, left) == 4 &&
                  offsetof(NvDsInferInstanceMaskInfo, detectionConfidence) == 20 &&
                  offsetof(NvDsInferInstanceMaskInfo, mask) == 24 &&
                  offsetof(NvDsInferInstanceMaskInfo, mask_width) == 32 &&
                  offsetof(NvDsInferInstanceMaskInfo, mask_height) == 36 &&
                  offsetof(NvDsInferInstanceMaskInfo, mask_size) == 40,
              "NvDsInferInstanceMaskInfo");

// The reference in it makes offsetof conditionally supported: g++ and clang support it, and warn.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(sizeof(NvDsInferParseDetectionParams) == 64 &&
                  offsetof(NvDsInferParseDetectionParams, perClassPreclusterThreshold) == 8 &&
                  offsetof(NvDsInferParseDetectionParams, perClassPostclusterThreshold) == 32,
              "NvDsInferParseDetectionParams");
#pragma GCC diagnostic pop
