// Faces of video streams as lines of JSON, for DeepStream 6.3 and later: what face_app.py does, without a gallery.
//
//     build/face_app                         the sources of configs/app.txt
//     build/face_app file:///video.mp4       others, as many as the bundle is for
//     build/face_app --help
//
// Models, tracker and sizes are those of configs/app.txt. Lines go to stdout alone, what DeepStream says to stderr.
// Compiled against the headers of DeepStream 6.2 to 9.1, and run on elements that only have DeepStream's names: there is
// no DeepStream where it was written.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "face_config.h"
#include "face_json.h"
#include "face_metadata.h"
#include "face_options.h"
#include "face_pipeline.h"

#include <gstnvdsmeta.h>

namespace batchproof::app {
namespace {

constexpr int kFine = 0, kFailed = 1, kUsage = 2;

int fail(const std::string& what, int status) {
  std::fprintf(stderr, "face_app: error: %s\n", what.c_str());
  return status;
}

// What the probe and the bus know of each other.
struct Run {
  GMainLoop* loop;
  FaceReader reader;
  std::FILE* lines;
  bool embeddings;
  unsigned long long max_frames;
  bool unwritable;      // said by the probe,
  std::string problem;  // and this by the bus, on another thread
};

GstPadProbeReturn on_batch(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Run& run = *static_cast<Run*>(data);
  NvDsBatchMeta* batch = gst_buffer_get_nvds_batch_meta(GST_PAD_PROBE_INFO_BUFFER(info));
  if (batch == nullptr) return GST_PAD_PROBE_OK;
  for (const FaceRecord& face : run.reader.read(*batch)) {
    const std::string line = json_line(face, run.embeddings) + "\n";
    std::fputs(line.c_str(), run.lines);
  }
  run.unwritable = std::fflush(run.lines) != 0;
  const bool enough = run.max_frames != 0 && run.reader.tally().frames >= run.max_frames;
  if (!enough && !run.unwritable && run.reader.problem().empty()) return GST_PAD_PROBE_OK;
  g_main_loop_quit(run.loop);
  return GST_PAD_PROBE_REMOVE;
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  Run& run = *static_cast<Run*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    run.problem = std::string(GST_OBJECT_NAME(message->src)) + ": " + error->message;
    g_clear_error(&error);
    g_main_loop_quit(run.loop);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    g_main_loop_quit(run.loop);
  }
  return TRUE;
}

// Runs until the sources end, or one thing fails; returns the exit status.
int play(Pipeline& pipeline, GstElement* embedder, Run& run) {
  GstPad* pad = gst_element_get_static_pad(embedder, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_batch, &run, nullptr);
  gst_object_unref(pad);
  GstBus* bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline.get()));
  gst_bus_add_watch(bus, on_message, &run);
  // An error on the way to playing arrives as a message, with its reason.
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  g_main_loop_run(run.loop);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);  // from here on the probe is silent
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  const Tally& tally = run.reader.tally();
  std::fprintf(stderr, "face_app: %llu frames, %llu faces, %llu embeddings, %llu broken: zero or not finite\n",
               tally.frames, tally.faces, tally.embedded, tally.broken);
  if (run.unwritable) return fail("the lines cannot be written", kFailed);
  if (!run.problem.empty()) return fail(run.problem, kFailed);
  if (!run.reader.problem().empty()) return fail(run.reader.problem(), kFailed);
  if (tally.frames == 0) return fail("no source gave a frame", kFailed);
  return tally.broken == 0 ? kFine : kFailed;
}

// Opens where lines go. Plugins print to stdout themselves; from here on that goes to stderr.
std::FILE* open_lines(const std::string& path) {
  if (!path.empty()) return std::fopen(path.c_str(), "w");
  const int lines = dup(STDOUT_FILENO);
  return lines < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? nullptr : fdopen(lines, "w");
}

int run(int argc, char** argv) {
  Options options;
  FaceConfig config{};
  std::string wrong = read_options(argc, argv, options);
  if (wrong.empty()) wrong = read_config(options.config, config);
  if (!wrong.empty()) return fail(wrong, kUsage);
  const std::vector<std::string>& uris = options.uris.empty() ? config.uris : options.uris;
  if (uris.empty() || uris.size() > static_cast<std::size_t>(config.streams)) {
    return fail("this bundle is for 1 to " + std::to_string(config.streams) + " sources", kUsage);
  }
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> lines(open_lines(options.output), std::fclose);
  if (!lines) return fail(options.output + " cannot be written", kUsage);
  gst_init(nullptr, nullptr);
  const std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> loop(g_main_loop_new(nullptr, FALSE),
                                                                      g_main_loop_unref);
  Run state{loop.get(), FaceReader(static_cast<unsigned>(config.embedder_id), config.embedding), lines.get(),
            options.embeddings, static_cast<unsigned long long>(options.max_frames), false, ""};
  Pipeline pipeline;
  GstElement* embedder = build(pipeline, config, uris, options.live || config.live != 0);
  if (embedder == nullptr) return fail(pipeline.problem(), kFailed);
  return play(pipeline, embedder, state);
}

}  // namespace
}  // namespace batchproof::app

int main(int argc, char** argv) { return batchproof::app::run(argc, argv); }
