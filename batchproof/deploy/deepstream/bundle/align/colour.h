// From luma and chroma to red, green and blue: BT.601 and BT.709, limited range and full.
#pragma once

#include "frame.h"

namespace batchproof::align {

struct Colour {
  float red, green, blue;  // 0 to 255
};

struct Chroma {
  float blue, red;  // differences to luma, 0 to 255 with 128 in the middle
};

BATCHPROOF_HOST_DEVICE inline float clamped(float value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

// The equations of ITU-R BT.601 and BT.709, from their weights of red and blue in luma.
BATCHPROOF_HOST_DEVICE inline Colour to_rgb(float luma, Chroma chroma, Format format) {
  const bool hd = format == Format::kNv12Bt709 || format == Format::kNv12Bt709Full;
  const bool full = format == Format::kNv12Bt601Full || format == Format::kNv12Bt709Full;
  const float of_red = hd ? 0.2126f : 0.299f, of_blue = hd ? 0.0722f : 0.114f;
  const float of_green = 1 - of_red - of_blue;
  const float y = full ? luma : (luma - 16) * (255.0f / 219.0f);
  const float stretch = full ? 1.0f : 255.0f / 224.0f;
  const float red = (chroma.red - 128) * stretch * 2 * (1 - of_red);
  const float blue = (chroma.blue - 128) * stretch * 2 * (1 - of_blue);
  return {clamped(y + red), clamped(y - (of_red * red + of_blue * blue) / of_green), clamped(y + blue)};
}

}  // namespace batchproof::align
