// For tests alone: what the C++ application reads of a batch, as its lines and what it counted.
#include "metadata_glue.h"

using namespace batchproof::app;

extern "C" const char* glue_read(const GlueFace* faces, int count, int frames, unsigned width, unsigned height,
                                 unsigned embedder_id, unsigned long long* tally) {
  static thread_local std::string text;
  GlueBatch batch(faces, count, frames, width, height);
  FaceReader reader(embedder_id, "embedding");
  text.clear();
  for (const FaceRecord& face : reader.read(batch.get())) text += json_line(face, true) + "\n";
  text += reader.problem();
  const Tally& counted = reader.tally();
  const unsigned long long numbers[] = {counted.frames, counted.faces, counted.embedded, counted.broken};
  std::memcpy(tally, numbers, sizeof numbers);
  return text.c_str();
}
