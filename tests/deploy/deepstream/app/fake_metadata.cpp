// For tests alone: the one function of DeepStream's libraries that the C++ application calls. Every buffer is a frame
// with two faces, one of them embedded; the embedding of "nan" is none.
#include <cstdlib>
#include <limits>
#include <memory>

#include "metadata_glue.h"

extern "C" NvDsBatchMeta* gst_buffer_get_nvds_batch_meta(GstBuffer*) {
  static std::unique_ptr<GlueBatch> batch;
  static float embedding[] = {3, -4};
  if (std::getenv("FAKE_NAN") != nullptr) embedding[0] = std::numeric_limits<float>::quiet_NaN();
  GlueFace embedded{}, plain{};
  embedded.embedder_id = 2;
  embedded.channels = 2;
  embedded.confidence = plain.confidence = 0.5f;
  embedded.width = embedded.height = plain.width = plain.height = 20;
  embedded.embedding = embedding;
  embedded.id = 7;
  plain.id = 8;
  const GlueFace faces[] = {embedded, plain};
  batch = std::make_unique<GlueBatch>(faces, 2, 1, 640u, 480u);
  return &batch->get();
}
