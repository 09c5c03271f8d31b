// The crops as pictures, to look at: what the embedder sees, before it is normalised.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "throttle.h"
#include "warp.h"

namespace batchproof::align {

constexpr int kMostDumps = 1000;  // a forgotten option must not fill the disk

class CropDump {
 public:
  explicit CropDump(std::string folder) : folder_(std::move(folder)) {}

  bool wanted() const { return !folder_.empty() && dumped_ < kMostDumps; }

  // Writes one face of a tensor that lies in host memory; false when the file cannot be written.
  bool write(const Tensor& tensor, int face, const Track& track, std::uint64_t frame) {
    const std::string id = track.id == kUntracked ? "none" : std::to_string(track.id);
    const std::string name = std::to_string(dumped_++) + "_source" + std::to_string(track.source) + "_frame" +
                             std::to_string(frame) + "_track" + id + ".ppm";
    std::ofstream file(folder_ + "/" + name, std::ios::binary);
    const std::vector<char> pixels = levels(tensor, face);
    const std::string size = std::to_string(tensor.size);  // a stream might group its digits, as the locale has it
    file << "P6\n" + size + " " + size + "\n255\n";
    file.write(pixels.data(), static_cast<std::streamsize>(pixels.size()));
    return file.flush().good();
  }

 private:
  // Red, green and blue of each pixel, exactly: they were whole before they were normalised.
  static std::vector<char> levels(const Tensor& tensor, int face) {
    const std::size_t plane = static_cast<std::size_t>(tensor.size) * tensor.size;
    std::vector<char> pixels(3 * plane);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const std::size_t channel = tensor.bgr ? 2 - i % 3 : i % 3;
      const float value = tensor.data[3 * plane * face + plane * channel + i / 3];
      const float level = std::round(value / tensor.scale + tensor.mean);
      pixels[i] = static_cast<char>(static_cast<unsigned char>(std::min(std::max(level, 0.0f), 255.0f)));
    }
    return pixels;
  }

  std::string folder_;
  int dumped_ = 0;
};

}  // namespace batchproof::align
