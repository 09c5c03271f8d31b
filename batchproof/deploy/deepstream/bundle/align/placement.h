// From what the detector said of a face to where its crop lies in the frame.
#pragma once

#include <algorithm>

#include "batchproof/landmark_mask.h"
#include "affine.h"
#include "letterbox.h"
#include "options.h"
#include "similarity.h"
#include "upright.h"

namespace batchproof::align {

// One face as its metadata has it; `mask` is whatever lies in mask_params.
struct Detected {
  Box box;  // as detected, not as smoothed by the tracker
  const void* mask;
  std::size_t mask_bytes;
};

enum class Outcome { kPlaced, kWithoutLandmarks, kTooSmall, kWithoutExtent, kUnreadable, kThrottled, kBeyondBatch };
constexpr int kOutcomes = 7;

inline const char* described(Outcome outcome) {
  constexpr const char* descriptions[kOutcomes] = {
      "aligned",        "without a detection or landmarks", "too small", "without extent", "in an unreadable frame",
      "embedded lately", "beyond the batch"};
  return descriptions[static_cast<int>(outcome)];
}

// The map from the frame to the crop by the five landmarks, which arrive in pixels of the network's input.
inline Outcome place_by_landmarks(const Detected& face, int frame_width, int frame_height, int size, Affine& to_crop) {
  LandmarkMask mask;
  Scales scales;
  if (!LandmarkMask::read(face.mask, face.mask_bytes, mask)) return Outcome::kWithoutLandmarks;
  if (mask.network_width > 65536 || mask.network_height > 65536 ||
      !nvinfer_letterbox(static_cast<unsigned>(frame_width), static_cast<unsigned>(frame_height),
                         static_cast<unsigned>(mask.network_width), static_cast<unsigned>(mask.network_height),
                         scales)) {
    return Outcome::kUnreadable;
  }
  Point source[kLandmarks], target[kLandmarks];
  for (int i = 0; i < kLandmarks; ++i) source[i] = to_frame(mask.points[i].x, mask.points[i].y, scales);
  if (!arcface_template(size, target)) return Outcome::kWithoutExtent;
  return similarity(source, target, to_crop) ? Outcome::kPlaced : Outcome::kWithoutExtent;
}

// The map from pixels of the crop, `size` x `size`, to those of a frame.
inline Outcome place(const Detected& face, int frame_width, int frame_height, const Options& options, int size,
                     Affine& to_frame) {
  const float shorter = std::min(face.box.right - face.box.left, face.box.bottom - face.box.top);
  if (!(shorter > 0)) return Outcome::kWithoutExtent;
  if (shorter < options.min_face) return Outcome::kTooSmall;
  Affine to_crop;
  Outcome outcome = Outcome::kPlaced;
  if (options.mode == Mode::kArcface5) {
    outcome = place_by_landmarks(face, frame_width, frame_height, size, to_crop);
  } else if (!upright(face.box, size, to_crop)) {
    outcome = Outcome::kWithoutExtent;
  }
  if (outcome != Outcome::kPlaced) return outcome;
  return invert(to_crop, to_frame) ? Outcome::kPlaced : Outcome::kWithoutExtent;
}

}  // namespace batchproof::align
