// Which output is what: the scores, boxes and landmarks of SCRFD's levels, found by name or by shape.
//
// A frame has, for every stride s, score_s [rows, 1], bbox_s [rows, 4] and perhaps kps_s [rows, 10], with
// rows = (width / s) * (height / s) * anchors. InsightFace's models have two layouts: strides 8 to 32 with two anchors
// a cell, and 8 to 128 with one. Their sizes are multiples of the largest stride, for which rows differ by powers of
// two: no two levels of either layout look alike. A name counts only with the right shape, and more than a shape alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "half.h"

namespace batchproof {

struct Network {
  std::uint32_t width;  // pixels
  std::uint32_t height;
};

// One output of one frame, [rows, channels], in host memory, which may lie at any address.
struct Tensor {
  std::string name;
  const void* values;
  bool half;
  std::uint64_t rows;
  std::uint64_t channels;

  float operator[](std::uint64_t index) const {
    const auto* bytes = static_cast<const unsigned char*>(values);
    if (half) {
      std::uint16_t value;
      std::memcpy(&value, bytes + index * sizeof value, sizeof value);
      return half_to_float(value);
    }
    float value;
    std::memcpy(&value, bytes + index * sizeof value, sizeof value);
    return value;
  }
};

struct Level {
  std::uint32_t stride;
  const Tensor* score;
  const Tensor* bbox;
  const Tensor* kps;  // null for detectors without landmarks
};

// The levels with ascending stride, as insightface concatenates them; none, and why, where no SCRFD was found.
struct Head {
  std::uint32_t anchors = 0;
  std::vector<Level> levels;
  std::string problem;
  std::string no_landmarks;  // why there are none, where there are none
};

struct Layout {
  std::uint32_t anchors;
  std::vector<std::uint32_t> strides;
};

inline std::string shown(const std::string& name, std::uint64_t rows, std::uint64_t channels) {
  return "'" + name + "' [" + std::to_string(rows) + ", " + std::to_string(channels) + "]";
}

inline std::string shown(const std::vector<Tensor>& tensors) {
  std::string all;
  for (const Tensor& tensor : tensors) {
    all += (all.empty() ? "" : ", ") + shown(tensor.name, tensor.rows, tensor.channels);
  }
  return all.empty() ? "none" : all;
}

// The one output for a place in the head; null, and what stands in the way, where there is none or a choice.
inline const Tensor* pick(const std::vector<Tensor>& tensors, const std::string& name, std::uint64_t rows,
                          std::uint64_t channels, std::string& problem) {
  std::vector<const Tensor*> named;
  std::vector<const Tensor*> fitting;
  for (const Tensor& tensor : tensors) {
    if (tensor.rows != rows || tensor.channels != channels) continue;
    (tensor.name == name ? named : fitting).push_back(&tensor);
  }
  const std::vector<const Tensor*>& chosen = named.empty() ? fitting : named;
  if (chosen.size() == 1) return chosen.front();
  if (chosen.empty()) {
    problem = "no output is " + shown(name, rows, channels) + "; there are: " + shown(tensors);
  } else {
    problem = std::to_string(chosen.size()) + " outputs could be " + shown(name, rows, channels) +
              ": only one may have that name, or that shape where none has";
  }
  return nullptr;
}

// The levels of one layout, as far as they are there.
inline Head levels_of(const std::vector<Tensor>& tensors, const Network& network, const Layout& layout) {
  Head head;
  head.anchors = layout.anchors;
  for (const std::uint32_t stride : layout.strides) {
    const std::uint64_t cells = std::uint64_t{network.width / stride} * (network.height / stride);
    const std::uint64_t rows = cells * layout.anchors;
    const std::string level = "_" + std::to_string(stride);
    const Tensor* score = pick(tensors, "score" + level, rows, 1, head.problem);
    const Tensor* bbox = score ? pick(tensors, "bbox" + level, rows, 4, head.problem) : nullptr;
    if (!bbox) break;
    head.levels.push_back({stride, score, bbox, pick(tensors, "kps" + level, rows, 10, head.no_landmarks)});
  }
  return head;
}

// Landmarks of some levels only would come and go with the size of a face: then there are none.
inline void require_all_landmarks(Head& head) {
  if (head.no_landmarks.empty()) return;
  for (Level& level : head.levels) level.kps = nullptr;
}

inline bool suits(const Network& network, const Layout& layout) {
  const std::uint32_t step = layout.strides.back();
  return network.width >= step && network.height >= step && network.width % step == 0 && network.height % step == 0;
}

inline Head find_head(const std::vector<Tensor>& tensors, const Network& network) {
  const Layout layouts[] = {{2, {8, 16, 32}}, {1, {8, 16, 32, 64, 128}}};
  Head furthest;
  furthest.problem = "the sides of the network are no multiples of 32 pixels";
  for (const Layout& layout : layouts) {
    if (!suits(network, layout)) continue;
    Head head = levels_of(tensors, network, layout);
    if (head.levels.size() == layout.strides.size()) {
      require_all_landmarks(head);
      return head;
    }
    if (furthest.anchors == 0 || head.levels.size() > furthest.levels.size()) furthest = head;
  }
  furthest.levels.clear();
  return furthest;
}

}  // namespace batchproof
