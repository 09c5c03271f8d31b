// Loads a parser library as nvinfer does, and parses a frame of 64 x 64 pixels made by hand: `parser_check LIBRARY`.
//
// Exit code 0 when everything is as expected, 1 when not, 2 when the library cannot be loaded.
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "batchproof/landmark_mask.h"
#include "ds_abi.h"

namespace {

using batchproof::LandmarkMask;

constexpr unsigned kSide = 64;
constexpr unsigned kAnchors = 2;
constexpr double kIou = BATCHPROOF_NMS_IOU;  // of the library: both are built with the same flags

// All that is needed, written down and not computed.
std::uint16_t to_half(float value) {
  const std::map<float, std::uint16_t> known = {{0.0f, 0x0000}, {0.5f, 0x3800}, {0.75f, 0x3a00}, {1.0f, 0x3c00}};
  return known.at(value);
}

// The outputs of one frame, all zero until a face is put there.
class Frame {
 public:
  Frame() {
    for (const unsigned stride : {8u, 16u, 32u}) {
      for (const auto& [kind, channels] : std::map<std::string, unsigned>{{"score", 1}, {"bbox", 4}, {"kps", 10}}) {
        const unsigned rows = (kSide / stride) * (kSide / stride) * kAnchors;
        values_[kind + "_" + std::to_string(stride)].assign(rows * channels, 0.0f);
      }
    }
  }

  std::vector<float>& operator[](const std::string& name) { return values_.at(name); }

  // A face whose box reaches `reach` strides to every side of its anchor, and its points 0.5 strides to the right.
  void put(unsigned stride, unsigned row, float score, float reach) {
    const std::string level = "_" + std::to_string(stride);
    values_.at("score" + level)[row] = score;
    for (unsigned side = 0; side < 4; ++side) values_.at("bbox" + level)[row * 4 + side] = reach;
    for (unsigned point = 0; point < 5; ++point) values_.at("kps" + level)[row * 10 + point * 2] = 0.5f;
  }

  std::vector<NvDsInferLayerInfo> layers(NvDsInferDataType type) {
    std::vector<NvDsInferLayerInfo> all;
    for (auto& [name, values] : values_) {
      NvDsInferLayerInfo layer{};
      const unsigned channels = name[0] == 's' ? 1 : name[0] == 'b' ? 4 : 10;
      const auto elements = static_cast<unsigned>(values.size());
      layer.dataType = type;
      layer.inferDims = {2, {elements / channels, channels}, elements};
      layer.layerName = name.c_str();
      layer.buffer = type == HALF ? static_cast<void*>(halved(name)) : values.data();
      all.push_back(layer);
    }
    return all;
  }

 private:
  std::uint16_t* halved(const std::string& name) {
    std::vector<std::uint16_t>& halves = halves_[name];
    halves.clear();
    for (const float value : values_.at(name)) halves.push_back(to_half(value));
    return halves.data();
  }

  std::map<std::string, std::vector<float>> values_;
  std::map<std::string, std::vector<std::uint16_t>> halves_;
};

class Check {
 public:
  explicit Check(void* library)
      : boxes_(reinterpret_cast<NvDsInferParseCustomFunc>(dlsym(library, "NvDsInferParseCustomScrfd"))),
        masks_(reinterpret_cast<NvDsInferInstanceMaskParseCustomFunc>(
            dlsym(library, "NvDsInferParseCustomScrfdMask"))) {
    expect(boxes_ && masks_, "both functions are exported under their names");
  }

  void expect(bool holds, const char* what) {
    if (!holds) std::fprintf(stderr, "parser_check: wrong: %s\n", what);
    failed_ = failed_ || !holds;
  }

  bool failed() const { return failed_; }

  std::vector<NvDsInferObjectDetectionInfo> boxes(const std::vector<NvDsInferLayerInfo>& layers) {
    std::vector<NvDsInferObjectDetectionInfo> found;
    expect(boxes_(layers, {kSide, kSide, 3}, {1, {0.5f}, {}}, found), "boxes: true is returned");
    return found;
  }

  // The faces, their masks read and freed as nvinfer does it.
  std::vector<LandmarkMask> masks(const std::vector<NvDsInferLayerInfo>& layers) {
    std::vector<NvDsInferInstanceMaskInfo> found;
    expect(masks_(layers, {kSide, kSide, 3}, {1, {0.5f}, {}}, found), "masks: true is returned");
    std::vector<LandmarkMask> read(found.size());
    for (std::size_t index = 0; index < found.size(); ++index) {
      const NvDsInferInstanceMaskInfo& face = found[index];
      expect(face.mask_width * face.mask_height * sizeof(float) == face.mask_size, "a mask is as large as it says");
      expect(LandmarkMask::read(face.mask, face.mask_size, read[index]), "a mask holds landmarks");
      delete[] face.mask;
    }
    return read;
  }

 private:
  NvDsInferParseCustomFunc boxes_;
  NvDsInferInstanceMaskParseCustomFunc masks_;
  bool failed_ = false;
};

// Row 2 of stride 32 is the second cell: anchor (32, 0). Its better rival on row 3 is the same box.
void check_faces(Check& check, NvDsInferDataType type) {
  Frame frame;
  frame.put(32, 2, 0.75f, 0.5f);
  frame.put(32, 3, 1.0f, 0.5f);
  frame.put(8, 2 * 36, 0.5f, 1.0f);  // cell (4, 4): anchor (32, 32), at the threshold
  const auto layers = frame.layers(type);
  const auto boxes = check.boxes(layers);
  check.expect(boxes.size() == 2, "two faces: one suppressed, one at the threshold kept");
  if (boxes.size() != 2) return;
  const auto& best = boxes[0];
  check.expect(best.detectionConfidence == 1.0f && boxes[1].detectionConfidence == 0.5f, "best first");
  check.expect(best.left == 16 && best.top == 0 && best.width == 32 && best.height == 16, "clipped to the network");
  check.expect(boxes[1].left == 24 && boxes[1].top == 24 && boxes[1].width == 16, "a box of the finest level");
  const auto masks = check.masks(layers);
  check.expect(masks.size() == 2, "as many masks as boxes");
  if (masks.size() != 2) return;
  check.expect(masks[0].points[4].x == 48 && masks[0].points[4].y == 0, "landmarks in pixels of the network");
  check.expect(masks[0].network_width == kSide && masks[0].network_height == kSide, "the size of the network");
}

// Their overlap is 0.4 in float32, step by step, and above it where the product of the sides is not rounded by itself.
void check_rounding(Check& check) {
  const std::vector<float> box = {0.0f, 0.0f, 0x1.03e70ap+5f, 0x1.0d3a76p+4f};
  const std::vector<float> rival = {0x1.e23f96p+2f, 0x1.586966p+2f, 0x1.23b08p+5f, 0x1.6354dp+4f};
  Frame frame;
  frame.put(8, 0, 1.0f, 0.0f);  // both on the two anchors of the first cell, (0, 0)
  frame.put(8, 1, 0.75f, 0.0f);
  for (unsigned side = 0; side < 4; ++side) {
    const float direction = side < 2 ? -0.125f : 0.125f;
    frame["bbox_8"][side] = box[side] * direction;
    frame["bbox_8"][4 + side] = rival[side] * direction;
  }
  check.expect(check.boxes(frame.layers(FLOAT)).size() == 2, "two faces whose overlap is just allowed");
}

void check_bad_outputs(Check& check) {
  Frame frame;
  frame.put(16, 0, 1.0f, 1.0f);
  check.expect(check.boxes({}).empty() && check.masks({}).empty(), "no outputs, no faces");
  check.expect(check.boxes(frame.layers(INT32)).empty(), "integers are no scores");
  frame["score_16"][0] = std::nanf("");
  check.expect(check.masks(frame.layers(FLOAT)).empty(), "a score that is not a number is no face");
}

}  // namespace

int main(int argc, char** argv) {
  void* library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) {
    std::fprintf(stderr, "parser_check: %s\n", argc == 2 ? dlerror() : "usage: parser_check LIBRARY");
    return 2;
  }
  Check check(library);
  if (!check.failed()) {
    check_faces(check, FLOAT);
    check_faces(check, HALF);
    if (std::abs(kIou - 0.4) < 1e-6) check_rounding(check);
    std::fprintf(stderr, "parser_check: warnings of the parser follow, for outputs made wrong\n");
    check_bad_outputs(check);
  }
  std::printf("parser_check: %s\n", check.failed() ? "FAILED" : "ok");
  return check.failed();
}
