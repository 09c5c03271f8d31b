// Faces of video streams as lines of JSON, for DeepStream 6.3 and later: what face_app.py does, without a gallery.
//
//     build/face_app                         the sources of configs/app.txt
//     build/face_app file:///video.mp4       others, as many as the bundle is for
//     build/face_app --help
//
// Models, tracker and sizes are those of configs/app.txt. Lines go to stdout alone, what DeepStream says to stderr.
// Compiled against the headers of DeepStream 6.2 to 9.1, and run on elements that only have DeepStream's names: there is
// no DeepStream where it was written.
#include <gst/gst.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "face_config.h"
#include "face_json.h"
#include "face_metadata.h"

#include <gstnvdsmeta.h>

namespace batchproof::app {
namespace {

constexpr int kFine = 0, kFailed = 1, kUsage = 2;
constexpr int kPushTimeout = 40000;  // microseconds that the mux waits for the other sources

struct Options {
  std::string config = "configs/app.txt";
  std::string output;
  std::vector<std::string> uris;
  bool embeddings = false;
  bool live = false;
  int max_frames = 0;
};

int fail(const std::string& what, int status) {
  std::fprintf(stderr, "face_app: error: %s\n", what.c_str());
  return status;
}

std::string taken(char* text) {
  const std::unique_ptr<char, decltype(&g_free)> owned(text, g_free);
  return owned ? owned.get() : "";
}

// Fills `options`; returns what is wrong with the command line, or nothing.
std::string read_options(int argc, char** argv, Options& options) {
  char *config = nullptr, *output = nullptr;
  char** sources = nullptr;
  gboolean embeddings = FALSE, live = FALSE;
  const GOptionEntry entries[] = {
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config, "the bundle's configs/app.txt", "FILE"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "write the lines here instead of to stdout", "FILE"},
      {"embeddings", 0, 0, G_OPTION_ARG_NONE, &embeddings, "write the embeddings, too", nullptr},
      {"live", 0, 0, G_OPTION_ARG_NONE, &live, "sources are cameras", nullptr},
      {"max-frames", 0, 0, G_OPTION_ARG_INT, &options.max_frames, "end after N frames of all streams", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &sources, nullptr, "[URI...]"},
      {}};
  const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> context(g_option_context_new(nullptr),
                                                                                  g_option_context_free);
  g_option_context_set_summary(context.get(), "Faces of video streams as lines of JSON; app/README.md describes them.");
  g_option_context_add_main_entries(context.get(), entries, nullptr);
  GError* error = nullptr;
  const bool parsed = g_option_context_parse(context.get(), &argc, &argv, &error);
  const std::string wrong = parsed ? "" : error->message;
  g_clear_error(&error);
  if (config != nullptr) options.config = taken(config);
  options.output = taken(output);
  for (char** source = sources; source != nullptr && *source != nullptr; ++source) options.uris.push_back(*source);
  g_strfreev(sources);
  options.embeddings = embeddings;
  options.live = live;
  return wrong.empty() && options.max_frames < 0 ? "--max-frames cannot be negative" : wrong;
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

// A source shows its pads when it knows what it plays; sound is left alone.
void on_pad(GstElement*, GstPad* pad, gpointer sink) {
  GstCaps* caps = gst_pad_query_caps(pad, nullptr);
  const bool video = !gst_caps_is_empty(caps) && !gst_caps_is_any(caps) &&
                     g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/");
  gst_caps_unref(caps);
  if (video && !gst_pad_is_linked(GST_PAD(sink))) gst_pad_link(pad, GST_PAD(sink));
}

GstPad* request_pad(GstElement* element, const std::string& name) {
#if GST_CHECK_VERSION(1, 20, 0)
  return gst_element_request_pad_simple(element, name.c_str());
#else
  return gst_element_get_request_pad(element, name.c_str());
#endif
}

class Pipeline {
 public:
  Pipeline() : pipeline_(gst_pipeline_new("faces")) {}
  ~Pipeline() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Appends an element to the chain; null, and a problem, where it is not installed.
  GstElement* append(const char* kind, const char* name) {
    GstElement* element = add(kind, name);
    if (element != nullptr && last_ != nullptr && !gst_element_link(last_, element)) {
      problem_ = std::string(name) + " cannot be linked";
    }
    return element == nullptr ? nullptr : last_ = element;
  }

  // Connects a source to the mux, whose pads are asked for in order, so that stream i is source i.
  void source(GstElement* mux, std::size_t index, const std::string& uri) {
    GstElement* element = add("nvurisrcbin", ("source" + std::to_string(index)).c_str());
    if (element == nullptr) return;
    g_object_set(element, "uri", uri.c_str(), nullptr);
    GstPad* sink = request_pad(mux, "sink_" + std::to_string(index));
    if (sink == nullptr) {
      problem_ = "nvstreammux takes no more sources than " + std::to_string(index);
      return;
    }
    g_signal_connect_data(element, "pad-added", G_CALLBACK(on_pad), sink,
                          [](gpointer pad, GClosure*) { gst_object_unref(pad); }, GConnectFlags{});
  }

  GstElement* get() const { return pipeline_; }
  const std::string& problem() const { return problem_; }

 private:
  GstElement* add(const char* kind, const char* name) {
    GstElement* element = gst_element_factory_make(kind, name);
    if (element == nullptr) {
      problem_ = std::string("there is no ") + kind + ": is this DeepStream?";
      return nullptr;
    }
    gst_bin_add(GST_BIN(pipeline_), element);
    return element;
  }

  GstElement* pipeline_;
  GstElement* last_ = nullptr;
  std::string problem_;
};

// Builds mux, detector, tracker, crops and embedder; returns the embedder, or null with the pipeline's problem.
GstElement* build(Pipeline& pipeline, const FaceConfig& config, const std::vector<std::string>& uris, bool live) {
  GstElement* mux = pipeline.append("nvstreammux", "mux");
  GstElement* detector = pipeline.append("nvinfer", "detector");
  GstElement* tracker = pipeline.append("nvtracker", "tracker");
  GstElement* crops = pipeline.append("nvdspreprocess", "crops");
  GstElement* embedder = pipeline.append("nvinfer", "embedder");
  GstElement* sink = pipeline.append("fakesink", "sink");
  if (!pipeline.problem().empty()) return nullptr;
  g_object_set(mux, "batch-size", static_cast<guint>(uris.size()), "width", config.width, "height", config.height,
               "batched-push-timeout", kPushTimeout, "live-source", live, "nvbuf-memory-type", config.memory_type,
               nullptr);
  g_object_set(detector, "config-file-path", config.detector.c_str(), nullptr);
  g_object_set(tracker, "ll-lib-file", config.tracker_library.c_str(), "ll-config-file", config.tracker.c_str(),
               "tracker-width", config.tracker_width, "tracker-height", config.tracker_height, nullptr);
  g_object_set(crops, "config-file", config.crops.c_str(), nullptr);
  g_object_set(embedder, "config-file-path", config.embedder.c_str(), nullptr);
  g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
  for (std::size_t i = 0; i < uris.size(); ++i) pipeline.source(mux, i, uris[i]);
  return pipeline.problem().empty() ? embedder : nullptr;
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
