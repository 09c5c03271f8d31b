// What a detector's faces are limited by, for all who decode its outputs: compiled in, as parser.mk says.
#pragma once

#include <cstddef>

#ifndef BATCHPROOF_NMS_IOU
#define BATCHPROOF_NMS_IOU 0.4f
#endif
#ifndef BATCHPROOF_MAX_FACES
#define BATCHPROOF_MAX_FACES 4096
#endif

namespace batchproof {

constexpr float kIou = static_cast<float>(BATCHPROOF_NMS_IOU);
constexpr std::size_t kMaxFaces = BATCHPROOF_MAX_FACES;
constexpr float kDefaultThreshold = 0.5f;  // insightface's
static_assert(kIou >= 0 && kIou <= 1 && kMaxFaces >= 1, "BATCHPROOF_NMS_IOU or BATCHPROOF_MAX_FACES makes no sense");

}  // namespace batchproof
