// For tests alone: the headers of the bundle behind plain C, which ctypes can call.
#include <cstring>
#include <locale>
#include <string>

#include "align/options.h"
#include "align/placement.h"
#include "align/throttle.h"
#include "align/warp.h"

using namespace batchproof::align;
using batchproof::LandmarkMask;

struct FrameView {
  int format, width, height;
  const std::uint8_t* pixels;
  std::uint32_t pitch;
  const std::uint8_t* chroma;
  std::uint32_t chroma_pitch;
};

namespace {

Frame frame_of(const FrameView& view) {
  const Format format = static_cast<Format>(view.format);
  const int bytes = format == Format::kRgba ? 4 : 1;
  return {format,
          {view.pixels, view.pitch, view.width, view.height, bytes},
          {view.chroma, view.chroma_pitch, (view.width + 1) / 2, (view.height + 1) / 2, 2}};
}

void copy(const Affine& map, double* matrix) {
  const double values[] = {map.xx, map.xy, map.x, map.yx, map.yy, map.y};
  std::memcpy(matrix, values, sizeof values);
}

Affine affine_of(const double* matrix) {
  return {matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]};
}

}  // namespace

extern "C" {

int shim_template(int size, double* points) {
  Point target[kLandmarks];
  if (!arcface_template(size, target)) return 0;
  std::memcpy(points, target, sizeof target);
  return 1;
}

int shim_similarity(const double* source, const double* target, double* matrix) {
  Point from[kLandmarks], to[kLandmarks];
  std::memcpy(from, source, sizeof from);
  std::memcpy(to, target, sizeof to);
  Affine map{};
  const bool found = similarity(from, to, map);
  copy(map, matrix);
  return found;
}

int shim_invert(const double* matrix, double* back) {
  Affine map{};
  const bool found = invert(affine_of(matrix), map);
  copy(map, back);
  return found;
}

int shim_upright(const float* box, int size, double* matrix) {
  Affine map{};
  const bool found = upright({box[0], box[1], box[2], box[3]}, size, map);
  copy(map, matrix);
  return found;
}

int shim_letterbox(unsigned width, unsigned height, unsigned network_width, unsigned network_height, double* scales) {
  Scales found{};
  const bool fits = nvinfer_letterbox(width, height, network_width, network_height, found);
  scales[0] = found.x;
  scales[1] = found.y;
  return fits;
}

// The mask as the parser writes it.
void shim_mask(const float* points, float network_width, float network_height, float* mask) {
  LandmarkMask made{};
  for (unsigned i = 0; i < LandmarkMask::kPoints; ++i) made.points[i] = {points[2 * i], points[2 * i + 1], 0.9f};
  made.network_width = network_width;
  made.network_height = network_height;
  made.mark = LandmarkMask::kMark;
  std::memcpy(mask, &made, sizeof made);
}

int shim_place(const float* box, const void* mask, std::size_t bytes, int width, int height, int box_mode,
               float min_face, int size, double* to_frame) {
  Options options;
  options.mode = box_mode ? Mode::kBox : Mode::kArcface5;
  options.min_face = min_face;
  Affine map{};
  const Outcome outcome = place({{box[0], box[1], box[2], box[3]}, mask, bytes}, width, height, options, size, map);
  copy(map, to_frame);
  return static_cast<int>(outcome);
}

const char* shim_described(int outcome) { return described(static_cast<Outcome>(outcome)); }

int shim_warp(const FrameView* view, const double* matrices, int faces, int size, float mean, float scale, int bgr,
              float* tensor) {
  const Frame frame = frame_of(*view);
  if (!frame.well_formed()) return 0;
  std::vector<Job> jobs;
  for (int face = 0; face < faces; ++face) jobs.push_back({frame, affine_of(matrices + 6 * face)});
  warp_on_host(jobs.data(), faces, {tensor, size, mean, scale, bgr != 0});
  return 1;
}

// What is wrong, or nothing and what was read.
const char* shim_options(const char* const* keys, const char* const* values, int count, int* box_mode, double* numbers,
                         const char** folder) {
  static Options options;
  static std::string wrong;
  options = {};
  std::unordered_map<std::string, std::string> configs;
  for (int i = 0; i < count; ++i) configs[keys[i]] = values[i];
  wrong = read_options(configs, options);
  *box_mode = options.mode == Mode::kBox;
  const double read[] = {options.mean, options.std, options.min_face, static_cast<double>(options.embed_interval)};
  std::memcpy(numbers, read, sizeof read);
  *folder = options.dump_folder.c_str();
  return wrong.c_str();
}

const char* shim_shape(const int* shape, int dimensions, int box_mode) {
  static std::string wrong;
  wrong = check_shape({shape, shape + dimensions}, box_mode ? Mode::kBox : Mode::kArcface5);
  return wrong.c_str();
}

// The application speaks a language that writes 0,5: as std::locale::global does, without one being installed.
void shim_decimal_comma(int on) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
  };
  std::locale::global(on ? std::locale(std::locale::classic(), new Comma) : std::locale::classic());
}

Throttle* shim_throttle(unsigned interval, std::size_t most_tracks) { return new Throttle(interval, most_tracks); }
void shim_throttle_end(Throttle* throttle) { delete throttle; }
std::size_t shim_tracks(const Throttle* throttle) { return throttle->tracks(); }

int shim_take(Throttle* throttle, std::uint32_t source, std::uint64_t id, std::uint64_t frame) {
  return throttle->take({source, id}, frame);
}

}  // extern "C"
