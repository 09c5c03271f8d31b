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

// Five landmarks in pixels of the frame.
struct Landmarks {
  Point points[kLandmarks];
};

// Those that nvinfer carried in the mask, which has them in pixels of the network's input.
inline Outcome landmarks_of_mask(const Detected& face, int frame_width, int frame_height, Landmarks& landmarks) {
  LandmarkMask mask;
  Scales scales;
  if (!LandmarkMask::read(face.mask, face.mask_bytes, mask)) return Outcome::kWithoutLandmarks;
  if (mask.network_width > 65536 || mask.network_height > 65536 ||
      !fitted(Letterbox::kNvinfer, static_cast<unsigned>(frame_width), static_cast<unsigned>(frame_height),
              static_cast<unsigned>(mask.network_width), static_cast<unsigned>(mask.network_height), scales)) {
    return Outcome::kUnreadable;
  }
  for (int i = 0; i < kLandmarks; ++i) {
    landmarks.points[i] = to_frame(mask.points[i].x, mask.points[i].y, scales);
  }
  return Outcome::kPlaced;
}

// The map from the frame to the crop by the five landmarks.
inline Outcome place_by_landmarks(const Landmarks& landmarks, int size, Affine& to_crop) {
  Point target[kLandmarks];
  if (!arcface_template(size, target)) return Outcome::kWithoutExtent;
  return similarity(landmarks.points, target, to_crop) ? Outcome::kPlaced : Outcome::kWithoutExtent;
}

// The map from pixels of the crop, `size` x `size`, to those of the frame. Landmarks are asked for only where they are
// needed: `find_landmarks` fills them, or says why there are none.
template <typename FindLandmarks>
Outcome place(const Box& box, FindLandmarks find_landmarks, const Options& options, int size, Affine& to_frame) {
  const float shorter = std::min(box.right - box.left, box.bottom - box.top);
  if (!(shorter > 0)) return Outcome::kWithoutExtent;
  if (shorter < options.min_face) return Outcome::kTooSmall;
  Affine to_crop;
  Outcome outcome = Outcome::kPlaced;
  if (options.mode == Mode::kArcface5) {
    Landmarks landmarks;
    outcome = find_landmarks(landmarks);
    if (outcome == Outcome::kPlaced) outcome = place_by_landmarks(landmarks, size, to_crop);
  } else if (!upright(box, size, to_crop)) {
    outcome = Outcome::kWithoutExtent;
  }
  if (outcome != Outcome::kPlaced) return outcome;
  return invert(to_crop, to_frame) ? Outcome::kPlaced : Outcome::kWithoutExtent;
}

}  // namespace batchproof::align
