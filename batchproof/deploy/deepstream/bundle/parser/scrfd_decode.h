// From the raw outputs of one frame to its faces, in pixels of the network's input, as insightface decodes SCRFD.
//
// Float32 and the order of operations are insightface's, so scores, boxes and landmarks are equal to the bit as long as
// no multiplication and addition are contracted into one: build with -ffp-contract=off. insightface suppresses after it
// has scaled the boxes to the picture; nobody here knows that scale, so a `+ 1` is one pixel of the network instead.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nms.h"
#include "scrfd_layers.h"

namespace batchproof {

struct Point {
  float x;
  float y;
};

struct Face {
  Box box;  // clipped to the network
  float score;
  bool has_points;
  std::array<Point, 5> points;  // eyes, nose, corners of the mouth, from left to right; may lie outside of the network
};

struct Limits {
  float threshold;  // smallest score of a face
  float iou;        // largest overlap of two faces
  std::size_t faces;
};

// Faces, best first, and what was wrong with the outputs, if anything.
struct Decoded {
  std::vector<Face> faces;
  std::string problem;
  std::string no_landmarks;
};

struct Candidate {
  Box box;
  float score;
  const Level* level;
  std::uint64_t row;
};

inline bool finite(const Box& box) {
  return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) && std::isfinite(box.bottom);
}

// The anchor of a row: the top-left corner of its cell. Cells go line by line, `anchors` rows each.
inline Point anchor(const Head& head, const Level& level, const Network& network, std::uint64_t row) {
  const std::uint64_t cell = row / head.anchors;
  const std::uint64_t columns = network.width / level.stride;
  return {static_cast<float>(cell % columns * level.stride), static_cast<float>(cell / columns * level.stride)};
}

// Distances from the anchor to the four sides, in strides.
inline Box box_of(const Head& head, const Level& level, const Network& network, std::uint64_t row) {
  const Point centre = anchor(head, level, network, row);
  const float stride = static_cast<float>(level.stride);
  const auto distance = [&](std::uint64_t side) { return (*level.bbox)[row * 4 + side] * stride; };
  return {centre.x - distance(0), centre.y - distance(1), centre.x + distance(2), centre.y + distance(3)};
}

inline void add_points(const Head& head, const Network& network, const Candidate& from, Face& face) {
  if (!from.level->kps) return;
  const Point centre = anchor(head, *from.level, network, from.row);
  const float stride = static_cast<float>(from.level->stride);
  const auto offset = [&](std::uint64_t value) { return (*from.level->kps)[from.row * 10 + value] * stride; };
  face.has_points = true;
  for (std::size_t index = 0; index < face.points.size(); ++index) {
    Point& point = face.points[index];
    point = {centre.x + offset(2 * index), centre.y + offset(2 * index + 1)};
    face.has_points = face.has_points && std::isfinite(point.x) && std::isfinite(point.y);
  }
}

// The rows of a level whose score is at or above the threshold, or not a number.
inline std::vector<std::uint64_t> promising(const Tensor& scores, float threshold) {
  std::vector<std::uint64_t> rows;
  for (std::uint64_t row = 0; row < scores.rows; ++row) {
    const float score = scores[row];
    if (score >= threshold || std::isnan(score)) rows.push_back(row);
  }
  return rows;
}

// Everything at or above the threshold, level by level and row by row. What is not a number is no face: it would
// outlive every comparison, and suppression its rivals. Rows first, then boxes: they lie far apart in memory that nobody
// has read yet, and the processor can wait for many at once.
inline std::vector<Candidate> candidates(const Head& head, const Network& network, float threshold,
                                         std::size_t& dropped) {
  std::vector<Candidate> found;
  for (const Level& level : head.levels) {
    for (const std::uint64_t row : promising(*level.score, threshold)) {
      const Candidate candidate{box_of(head, level, network, row), (*level.score)[row], &level, row};
      if (std::isfinite(candidate.score) && finite(candidate.box)) {
        found.push_back(candidate);
      } else {
        ++dropped;
      }
    }
  }
  return found;
}

inline std::vector<Candidate> suppressed(std::vector<Candidate> found, const Limits& limits) {
  const auto better = [](const Candidate& one, const Candidate& other) { return one.score > other.score; };
  std::stable_sort(found.begin(), found.end(), better);
  std::vector<Box> boxes;
  boxes.reserve(found.size());
  for (const Candidate& candidate : found) boxes.push_back(candidate.box);
  std::vector<Candidate> kept;
  for (const std::size_t index : suppress(boxes, limits.iou, limits.faces)) kept.push_back(found[index]);
  return kept;
}

// nvinfer sets a negative left or top to 0 and leaves the size as it was: boxes must not come to it that reach outside.
inline Box clipped(const Box& box, const Network& network) {
  const auto width = static_cast<float>(network.width);
  const auto height = static_cast<float>(network.height);
  return {std::clamp(box.left, 0.0f, width), std::clamp(box.top, 0.0f, height), std::clamp(box.right, 0.0f, width),
          std::clamp(box.bottom, 0.0f, height)};
}

inline Decoded decode(const std::vector<Tensor>& tensors, const Network& network, const Limits& limits) {
  const Head head = find_head(tensors, network);
  Decoded decoded{{}, head.problem, head.no_landmarks};
  std::size_t dropped = 0;
  for (const Candidate& candidate : suppressed(candidates(head, network, limits.threshold, dropped), limits)) {
    Face face{clipped(candidate.box, network), candidate.score, false, {}};
    if (!(face.box.right > face.box.left && face.box.bottom > face.box.top)) continue;  // nothing of it is in the frame
    add_points(head, network, candidate, face);
    decoded.faces.push_back(face);
  }
  if (dropped) decoded.problem = std::to_string(dropped) + " scores or boxes are not finite: those faces are dropped";
  return decoded;
}

}  // namespace batchproof
