// The bundle's configs/app.txt, as far as the application needs it: deepstream-app's own file, read by GLib.
#pragma once

#include <glib.h>

#include <memory>
#include <string>
#include <vector>

namespace batchproof::app {

class KeyFile {
 public:
  explicit KeyFile(const std::string& path) : path_(path), file_(g_key_file_new(), g_key_file_free) {
    GError* error = nullptr;
    if (!g_key_file_load_from_file(file_.get(), path.c_str(), G_KEY_FILE_NONE, &error)) {
      problem_ = path + ": " + error->message;
      g_clear_error(&error);
    }
  }

  bool has(const std::string& group) const { return g_key_file_has_group(file_.get(), group.c_str()); }

  // A missing key is a problem, told once.
  std::string text(const std::string& group, const char* key) {
    std::unique_ptr<char, decltype(&g_free)> value(
        g_key_file_get_string(file_.get(), group.c_str(), key, nullptr), g_free);
    if (!value && problem_.empty()) problem_ = path_ + ": [" + group + "] has no " + key;
    return value ? value.get() : "";
  }

  int number(const std::string& group, const char* key) {
    GError* error = nullptr;
    const int value = g_key_file_get_integer(file_.get(), group.c_str(), key, &error);
    if (error != nullptr && problem_.empty()) problem_ = path_ + ": [" + group + "] has no number " + key;
    g_clear_error(&error);
    return value;
  }

  // What is named beside the file.
  std::string path(const std::string& group, const char* key) {
    const std::string named = text(group, key);
    if (named.empty() || named[0] == '/') return named;
    std::unique_ptr<char, decltype(&g_free)> folder(g_path_get_dirname(path_.c_str()), g_free);
    return std::string(folder.get()) + "/" + named;
  }

  const std::string& problem() const { return problem_; }

 private:
  std::string path_;
  std::unique_ptr<GKeyFile, decltype(&g_key_file_free)> file_;
  std::string problem_;
};

struct FaceConfig {
  std::vector<std::string> uris;
  int streams, width, height, live, memory_type, embedder_id;
  std::string detector, tracker_library, tracker, crops, embedder, embedding;
  int tracker_width, tracker_height;
};

// Fills `config`; returns what is wrong with the file, or nothing. The embedder is the first model on faces.
inline std::string read_config(const std::string& path, FaceConfig& config) {
  KeyFile app(path);
  if (!app.problem().empty()) return app.problem();
  for (int i = 0; app.has("source" + std::to_string(i)); ++i) {
    config.uris.push_back(app.text("source" + std::to_string(i), "uri"));
  }
  config.streams = app.number("streammux", "batch-size");
  config.width = app.number("streammux", "width");
  config.height = app.number("streammux", "height");
  config.live = app.number("streammux", "live-source");
  config.memory_type = app.number("streammux", "nvbuf-memory-type");
  config.detector = app.path("primary-gie", "config-file");
  config.tracker_library = app.path("tracker", "ll-lib-file");
  config.tracker = app.path("tracker", "ll-config-file");
  config.tracker_width = app.number("tracker", "tracker-width");
  config.tracker_height = app.number("tracker", "tracker-height");
  config.crops = app.path("secondary-pre-process0", "config-file");
  config.embedder = app.path("secondary-gie0", "config-file");
  config.embedder_id = app.number("secondary-gie0", "gie-unique-id");
  if (!app.problem().empty()) return app.problem();
  KeyFile embedder(config.embedder);
  if (!embedder.problem().empty()) return embedder.problem();
  config.embedding = embedder.text("property", "output-blob-names");
  while (!config.embedding.empty() && config.embedding.back() == ';') config.embedding.pop_back();
  return embedder.problem();
}

}  // namespace batchproof::app
