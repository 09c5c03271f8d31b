// The faces of one frame, decoded from the detector's raw outputs, and which of the frame's objects each of them is.
//
// DeepStream made its objects from the same outputs, but does not say which face became which object, nor by whose
// letterbox. So every face is put where either letterbox would put it, and an object is the one that covers it best:
// the right face does so but for rounding, by the right letterbox. Both are cut at the border of the frame first, where
// some elements cut boxes and others do not. The letterbox of a face that is cut on both sides cannot be told: it is
// taken for nvinfer's.
#pragma once

#include <algorithm>
#include <vector>

#include "../parser/scrfd_decode.h"
#include "placement.h"

namespace batchproof::align {

// Intersection over union of an object and its face. Two faces of one frame overlap by at most BATCHPROOF_NMS_IOU.
constexpr float kLeastOverlap = 0.5f;

class DecodedFaces {
 public:
  DecodedFaces() = default;

  // `faces` in pixels of the network's input.
  DecodedFaces(const std::vector<Face>& faces, const Network& network, int frame_width, int frame_height)
      : width_(static_cast<float>(frame_width)), height_(static_cast<float>(frame_height)) {
    for (const Letterbox letterbox : {Letterbox::kNvinfer, Letterbox::kNvinferserver}) {
      Scales scales;
      if (!fitted(letterbox, static_cast<unsigned>(frame_width), static_cast<unsigned>(frame_height), network.width,
                  network.height, scales)) {
        continue;
      }
      for (const Face& face : faces) placed_.push_back(placed(face, scales));
    }
  }

  // The landmarks of an object, which is given as detected, in pixels of the frame.
  Outcome landmarks_of(const Box& object, Landmarks& landmarks) const {
    const batchproof::Box box = cut({object.left, object.top, object.right, object.bottom});
    const Placed* best = nullptr;
    float most = 0;
    for (const Placed& face : placed_) {
      const float common = overlap(box, area(box), face.box, face.area);
      if (!(common >= kLeastOverlap && common > most)) continue;
      best = &face;
      most = common;
    }
    if (best == nullptr || !best->has_landmarks) return Outcome::kWithoutLandmarks;
    landmarks = best->landmarks;
    return Outcome::kPlaced;
  }

 private:
  struct Placed {
    batchproof::Box box;  // pixels of the frame, as all that follows
    float area;
    bool has_landmarks;
    Landmarks landmarks;
  };

  batchproof::Box cut(const batchproof::Box& box) const {
    return {std::clamp(box.left, 0.0f, width_), std::clamp(box.top, 0.0f, height_), std::clamp(box.right, 0.0f, width_),
            std::clamp(box.bottom, 0.0f, height_)};
  }

  Placed placed(const Face& face, const Scales& scales) const {
    const Point corner = to_frame(face.box.left, face.box.top, scales);
    const Point opposite = to_frame(face.box.right, face.box.bottom, scales);
    Placed placed{};
    placed.box = cut({static_cast<float>(corner.x), static_cast<float>(corner.y), static_cast<float>(opposite.x),
                      static_cast<float>(opposite.y)});
    placed.area = area(placed.box);
    placed.has_landmarks = face.has_points;
    for (int i = 0; i < kLandmarks; ++i) {
      placed.landmarks.points[i] = to_frame(face.points[i].x, face.points[i].y, scales);
    }
    return placed;
  }

  float width_ = 0, height_ = 0;
  std::vector<Placed> placed_;
};

}  // namespace batchproof::align
