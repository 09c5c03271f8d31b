#include "warp.h"

namespace batchproof::align {

void warp_on_host(const Job* jobs, int faces, const Tensor& tensor) {
  for (int face = 0; face < faces; ++face) {
    for (int row = 0; row < tensor.size; ++row) {
      for (int column = 0; column < tensor.size; ++column) write_pixel(jobs[face], tensor, face, column, row);
    }
  }
}

}  // namespace batchproof::align
