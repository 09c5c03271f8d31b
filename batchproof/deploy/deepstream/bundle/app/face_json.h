// One face of one frame and its line of JSON: the C++ twin of face_record.py, by which it is tested.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include "align/letterbox.h"
#include "batchproof/landmark_mask.h"

namespace batchproof::app {

constexpr std::uint64_t kUntracked = std::numeric_limits<std::uint64_t>::max();

// Coordinates are pixels of the frame as nvstreammux hands it on.
struct FaceRecord {
  unsigned stream;
  std::int64_t frame;
  std::uint64_t time_ns;
  std::uint64_t track;  // kUntracked without a tracker
  float score;          // negative for a face that only the tracker sees
  float box[4];         // left, top, right, bottom, as the tracker leaves them
  bool has_landmarks;
  float landmarks[LandmarkMask::kPoints][2];
  std::vector<float> embedding;  // of length 1, or empty
};

// Maps the landmarks that the parser sent as an instance mask to pixels of the frame; false where there are none.
inline bool frame_landmarks(const void* data, std::size_t bytes, unsigned frame_width, unsigned frame_height,
                            float (&landmarks)[LandmarkMask::kPoints][2]) {
  constexpr float largest_network = 65536;
  LandmarkMask mask;
  align::Scales scales;
  if (!LandmarkMask::read(data, bytes, mask)) return false;
  if (mask.network_width > largest_network || mask.network_height > largest_network) return false;
  // Masks come from nvinfer alone.
  if (!align::fitted(align::Letterbox::kNvinfer, frame_width, frame_height, static_cast<unsigned>(mask.network_width),
                     static_cast<unsigned>(mask.network_height), scales)) {
    return false;
  }
  for (unsigned i = 0; i < LandmarkMask::kPoints; ++i) {
    const align::Point point = align::to_frame(mask.points[i].x, mask.points[i].y, scales);
    landmarks[i][0] = static_cast<float>(point.x);
    landmarks[i][1] = static_cast<float>(point.y);
  }
  return true;
}

// What the embedder gave, at length 1; empty for zeros, and for what is not finite.
inline std::vector<float> unit(const std::vector<float>& values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length == 0) return {};
  std::vector<float> scaled;
  scaled.reserve(values.size());
  for (const float value : values) scaled.push_back(static_cast<float>(value / length));
  return scaled;
}

// Writes one value after another, with a point whatever the locale; nine digits bring a float back to the bit.
class JsonLine {
 public:
  JsonLine() {
    stream_.imbue(std::locale::classic());
    stream_.precision(9);
  }

  template <typename Value>
  JsonLine& operator<<(const Value& value) {
    stream_ << value;
    return *this;
  }

  template <typename Values>
  JsonLine& list(const Values& values) {
    const char* before = "[";
    for (const float value : values) {
      stream_ << before << value;
      before = ",";
    }
    stream_ << (*before == '[' ? "[]" : "]");
    return *this;
  }

  std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
};

// Without the end of the line. README.md of this folder describes it; there is no gallery here, hence no matches.
inline std::string json_line(const FaceRecord& face, bool with_embedding) {
  JsonLine json;
  json << "{\"stream\":" << face.stream << ",\"frame\":" << face.frame << ",\"time_ns\":" << face.time_ns << ",\"track\":";
  face.track == kUntracked ? json << "null" : json << face.track;
  json << ",\"score\":";
  face.score >= 0 ? json << face.score : json << "null";
  (json << ",\"box\":").list(face.box) << ",\"landmarks\":";
  const char* before = face.has_landmarks ? "[" : "null";
  for (unsigned i = 0; i < LandmarkMask::kPoints && face.has_landmarks; ++i) {
    (json << before).list(face.landmarks[i]);
    before = ",";
  }
  json << (face.has_landmarks ? "]" : before);
  if (with_embedding) {
    json << ",\"embedding\":";
    face.embedding.empty() ? json << "null" : json.list(face.embedding);
  }
  json << ",\"matches\":null}";
  return json.text();
}

}  // namespace batchproof::app
