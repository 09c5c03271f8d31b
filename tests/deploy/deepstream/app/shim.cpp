// The C++ half of the applications, as far as it needs no DeepStream, for ctypes.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "app/face_json.h"

using namespace batchproof;

extern "C" {

// As the parser packs them: 20 floats.
void shim_mask(const float* points, float score, float network_width, float network_height, float* floats) {
  LandmarkMask mask{};
  for (unsigned i = 0; i < LandmarkMask::kPoints; ++i) mask.points[i] = {points[2 * i], points[2 * i + 1], score};
  mask.network_width = network_width;
  mask.network_height = network_height;
  mask.mark = LandmarkMask::kMark;
  std::memcpy(floats, &mask, sizeof mask);
}

bool shim_letterbox(unsigned frame_width, unsigned frame_height, unsigned width, unsigned height, double* scales) {
  align::Scales found{};
  const bool fits = align::fitted(align::Letterbox::kNvinfer, frame_width, frame_height, width, height, found);
  scales[0] = found.x;
  scales[1] = found.y;
  return fits;
}

// One line for a face of which all is known that metadata holds; `embedding` is as the network gave it.
const char* shim_line(const std::uint64_t* numbers, float score, const float* box, const float* mask, unsigned mask_bytes,
                      unsigned width, unsigned height, const float* embedding, unsigned channels, bool with_embedding) {
  static thread_local std::string line;
  app::FaceRecord face{};
  face.stream = static_cast<unsigned>(numbers[0]);
  face.frame = static_cast<std::int64_t>(numbers[1]);
  face.time_ns = numbers[2];
  face.track = numbers[3];
  face.score = score;
  std::memcpy(face.box, box, sizeof face.box);
  face.has_landmarks = app::frame_landmarks(mask, mask_bytes, width, height, face.landmarks);
  if (embedding != nullptr) face.embedding = app::unit(std::vector<float>(embedding, embedding + channels));
  line = app::json_line(face, with_embedding);
  return line.c_str();
}

}
