// What the application is told on its command line.
#pragma once

#include <glib.h>

#include <memory>
#include <string>
#include <vector>

namespace batchproof::app {

struct Options {
  std::string config = "configs/app.txt";
  std::string output;
  std::vector<std::string> uris;
  bool embeddings = false;
  bool live = false;
  int max_frames = 0;
};

inline std::string taken(char* text) {
  const std::unique_ptr<char, decltype(&g_free)> owned(text, g_free);
  return owned ? owned.get() : "";
}

// Fills `options`; returns what is wrong with the command line, or nothing.
inline std::string read_options(int argc, char** argv, Options& options) {
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

}  // namespace batchproof::app
