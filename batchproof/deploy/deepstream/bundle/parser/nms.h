// Greedy suppression with insightface's arithmetic: float32, step by step in its order, areas with `+ 1`.
//
// nvinfer's own NMS counts areas without the `+ 1`, so that it keeps other faces: it must stay off (cluster-mode=4).
#pragma once

#include <algorithm>
#include <cstddef>
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
inline float overlap(const Box& one, float area_of_one, const Box& other, float area_of_other) {
  const float width = std::max(0.0f, std::min(one.right, other.right) - std::max(one.left, other.left) + 1.0f);
  const float height = std::max(0.0f, std::min(one.bottom, other.bottom) - std::max(one.top, other.top) + 1.0f);
  const float common = width * height;
  return common / (area_of_one + area_of_other - common);
}

// Which of `ranked`, best first, are kept, and at most `limit`: a box goes when its overlap with a better one that is
// kept is above `iou`, or is not a number.
inline std::vector<std::size_t> suppress(const std::vector<Box>& ranked, float iou, std::size_t limit) {
  std::vector<float> areas(ranked.size());
  std::transform(ranked.begin(), ranked.end(), areas.begin(), area);
  std::vector<char> gone(ranked.size(), false);
  std::vector<std::size_t> kept;
  for (std::size_t best = 0; best < ranked.size() && kept.size() < limit; ++best) {
    if (gone[best]) continue;
    kept.push_back(best);
    for (std::size_t other = best + 1; other < ranked.size(); ++other) {
      // Of those that are gone, too: a branch costs more, and without one the compiler takes several boxes at once.
      gone[other] |= !(overlap(ranked[best], areas[best], ranked[other], areas[other]) <= iou);
    }
  }
  return kept;
}

}  // namespace batchproof
