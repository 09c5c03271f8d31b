// A frame as it lies in memory, pitch-linear: RGBA, or luma and chroma planes of NV12.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host_device.h"

namespace batchproof::align {

enum class Format : int { kRgba, kNv12Bt601, kNv12Bt601Full, kNv12Bt709, kNv12Bt709Full };  // "full": 0 to 255

struct Plane {
  const std::uint8_t* data;
  std::uint32_t pitch;  // bytes from row to row
  int width;            // samples, of `bytes_per_sample` bytes each
  int height;
  int bytes_per_sample;

  BATCHPROOF_HOST_DEVICE bool holds(int column, int row) const {
    return column >= 0 && row >= 0 && column < width && row < height;
  }

  BATCHPROOF_HOST_DEVICE const std::uint8_t* at(int column, int row) const {
    return data + static_cast<std::size_t>(pitch) * row + static_cast<std::size_t>(bytes_per_sample) * column;
  }

  // Whether every row holds the samples that the width announces.
  bool well_formed() const {
    return data != nullptr && width > 0 && height > 0 &&
           static_cast<std::size_t>(width) * bytes_per_sample <= static_cast<std::size_t>(pitch);
  }
};

struct Frame {
  Format format;
  Plane pixels;  // RGBA, or luma
  Plane chroma;  // pairs of blue and red difference at half the resolution; unused for RGBA

  bool well_formed() const {
    if (format == Format::kRgba) return pixels.bytes_per_sample == 4 && pixels.well_formed();
    return pixels.bytes_per_sample == 1 && pixels.well_formed() && chroma.bytes_per_sample == 2 && chroma.well_formed();
  }
};

}  // namespace batchproof::align
