// Greedy suppression with insightface's arithmetic: float32, step by step in its order, areas with `+ 1`.
//
// nvinfer's own NMS counts areas without the `+ 1`, so that it keeps other faces: it must stay off (cluster-mode=4).
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#ifdef __FAST_MATH__
#error "-ffast-math rounds otherwise and takes NaN for a number: build without it"
#endif

namespace batchproof {

struct Box {
  float left;
  float top;
  float right;
  float bottom;
};

// A box holds its border pixels: a side is `right - left + 1` long.
inline float area(const Box& box) { return (box.right - box.left + 1.0f) * (box.bottom - box.top + 1.0f); }

// Intersection over union; NaN or meaningless for boxes without area.
inline float overlap(const Box& one, float area_of_one, const Box& other) {
  const float width = std::max(0.0f, std::min(one.right, other.right) - std::max(one.left, other.left) + 1.0f);
  const float height = std::max(0.0f, std::min(one.bottom, other.bottom) - std::max(one.top, other.top) + 1.0f);
  const float common = width * height;
  return common / (area_of_one + area(other) - common);
}

// Which of `ranked`, best first, are kept, and at most `limit`: a box goes when its overlap with a better one that is
// kept is above `iou`, or is not a number.
inline std::vector<std::size_t> suppress(const std::vector<Box>& ranked, float iou, std::size_t limit) {
  std::vector<std::size_t> kept;
  std::vector<std::size_t> waiting(ranked.size());
  std::iota(waiting.begin(), waiting.end(), std::size_t{0});
  while (!waiting.empty() && kept.size() < limit) {
    const Box& best = ranked[waiting.front()];
    const float area_of_best = area(best);
    kept.push_back(waiting.front());
    const auto goes = [&](std::size_t index) { return !(overlap(best, area_of_best, ranked[index]) <= iou); };
    waiting.erase(waiting.begin());
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(), goes), waiting.end());
  }
  return kept;
}

}  // namespace batchproof
