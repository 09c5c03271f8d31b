// What [user-configs] of the nvdspreprocess configuration may say, and what its tensor must be.
//
//   mode            arcface5: five landmarks to the ArcFace template (default); bbox1.5: the square about the box
//   mean, std       value = (pixel - mean) / std; default 127.5 and 127.5
//   source          mask: landmarks from the parser's mask_params (default); tensor is not supported
//   min-face        drops faces whose detected box is shorter than this on either side, frame pixels; default 0
//   embed-interval  a track gives a crop at most once in so many frames of its source; default 1, every frame
//   dump-folder     an existing folder that the first kMostDumps crops are written to, as PPM; default none
//
// Size and order of colours are not repeated here: they are those of network-input-shape and network-color-format.
#pragma once

#include <cmath>
#include <locale>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "similarity.h"

namespace batchproof::align {

enum class Mode { kArcface5, kBox };

struct Options {
  Mode mode = Mode::kArcface5;
  float mean = 127.5f;
  float std = 127.5f;
  float min_face = 0;
  unsigned embed_interval = 1;
  std::string dump_folder;
};

constexpr int kLargestCrop = 1024;   // pixels a side
constexpr int kLargestBatch = 1024;  // nvinfer's own limit

// A whole string that is one finite number, with a point whatever the locale of the application.
inline bool read_number(const std::string& text, double& number) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  char rest;
  return stream >> number && !(stream >> rest) && std::isfinite(number);
}

inline bool set(float& option, double number, bool valid) {
  if (valid) option = static_cast<float>(number);
  return valid;
}

// Reads one option; false when the key or the value means nothing.
inline bool read_option(const std::string& key, const std::string& value, Options& options) {
  double number = -1;
  const bool is_number = read_number(value, number);
  if (key == "mode") {
    options.mode = value == "bbox1.5" ? Mode::kBox : Mode::kArcface5;
    return value == "bbox1.5" || value == "arcface5";
  }
  if (key == "source") return value == "mask";
  if (key == "mean") return set(options.mean, number, is_number && number >= 0 && number <= 255);
  if (key == "std") return set(options.std, number, is_number && number >= 1e-3 && number <= 1e6);
  if (key == "min-face") return set(options.min_face, number, is_number && number >= 0 && number <= 1e6);
  if (key == "embed-interval") {
    const bool valid = is_number && number >= 1 && number <= 1e6 && number == std::floor(number);
    if (valid) options.embed_interval = static_cast<unsigned>(number);
    return valid;
  }
  options.dump_folder = value;
  return key == "dump-folder" && !value.empty();
}

// What is wrong with one option, for the user.
inline std::string complaint(const std::string& key, const std::string& value) {
  if (key == "source" && value == "tensor") {
    return "source=tensor is not supported: carry the landmarks in the mask (PGIE with network-type=3), source=mask";
  }
  for (const char* known : {"mode", "source", "mean", "std", "min-face", "embed-interval", "dump-folder"}) {
    if (key == known) return "[user-configs] " + key + " cannot be '" + value + "'";
  }
  return "[user-configs] has no key " + key;
}

// Reads [user-configs]; returns what is wrong with it, or nothing.
inline std::string read_options(const std::unordered_map<std::string, std::string>& configs, Options& options) {
  for (const auto& [key, value] : configs) {
    if (!read_option(key, value, options)) return complaint(key, value);
  }
  return "";
}

// Whether crops of `mode` fit network-input-shape; returns what is wrong with it, or nothing.
inline std::string check_shape(const std::vector<int>& shape, Mode mode) {
  if (shape.size() != 4 || shape[1] != 3 || shape[2] != shape[3]) return "network-input-shape must be N;3;SIZE;SIZE";
  if (shape[0] < 1 || shape[0] > kLargestBatch) {
    return "network-input-shape is for " + std::to_string(shape[0]) + " faces, expected 1 to 1024";
  }
  const int size = shape[2];
  Point target[kLandmarks];
  if (mode == Mode::kArcface5 && !arcface_template(size, target)) {
    return "no alignment template for crops of " + std::to_string(size) + " pixels: a multiple of 112 or 128 has one";
  }
  if (size < 1 || size > kLargestCrop) return "network-input-shape has " + std::to_string(size) + " pixels a side";
  return "";
}

}  // namespace batchproof::align
