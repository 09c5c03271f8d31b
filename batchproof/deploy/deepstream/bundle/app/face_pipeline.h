// The bundle's pipeline in GStreamer's own terms: the C++ twin of face_pipeline.py.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "face_config.h"

namespace batchproof::app {

constexpr int kPushTimeout = 40000;  // microseconds that the mux waits for the other sources

// A source shows its pads when it knows what it plays; sound is left alone.
inline void on_pad(GstElement*, GstPad* pad, gpointer sink) {
  GstCaps* caps = gst_pad_query_caps(pad, nullptr);
  const bool video = !gst_caps_is_empty(caps) && !gst_caps_is_any(caps) &&
                     g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/");
  gst_caps_unref(caps);
  if (video && !gst_pad_is_linked(GST_PAD(sink))) gst_pad_link(pad, GST_PAD(sink));
}

inline GstPad* request_pad(GstElement* element, const std::string& name) {
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
inline GstElement* build(Pipeline& pipeline, const FaceConfig& config, const std::vector<std::string>& uris,
                         bool live) {
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

}  // namespace batchproof::app
