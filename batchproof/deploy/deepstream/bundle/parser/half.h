// Half precision to single, exactly: every half is a float, infinities, NaN and subnormal numbers included.
#pragma once

#include <cstdint>
#include <cstring>

namespace batchproof {

inline float half_to_float(std::uint16_t half) {
  constexpr float kSubnormalUnit = 0x1p-24f;
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * kSubnormalUnit;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
  const std::uint32_t bits = sign | (widened << 23) | (fraction << 13);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace batchproof
