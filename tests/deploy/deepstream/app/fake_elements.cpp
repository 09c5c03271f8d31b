// For tests alone: DeepStream's elements by name, as a plugin of GStreamer, so that the C++ application runs whole. They
// pass buffers on and say on stdout what they are told, as the real ones say a lot there. A source gives three buffers
// and shows a pad of sound before that of pictures; one that is named "broken" fails.
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {

enum : guint { kFirst = 1, kUri, kBatch };
const char* const kTexts[] = {"config-file-path", "config-file", "ll-lib-file", "ll-config-file"};
const char* const kNumbers[] = {"width", "height", "batched-push-timeout", "nvbuf-memory-type", "tracker-width",
                                "tracker-height", "batch-size"};

void told(GObject* object, guint, const GValue* value, GParamSpec* spec) {
  char* text = g_strdup_value_contents(value);
  std::printf("%s.%s=%s\n", GST_OBJECT_NAME(object), spec->name, text);
  std::fflush(stdout);
  g_free(text);
}

void take_properties(GObjectClass* type) {
  type->set_property = told;
  guint id = kFirst;
  for (const char* name : kTexts) {
    g_object_class_install_property(type, id++, g_param_spec_string(name, "", "", "", G_PARAM_WRITABLE));
  }
  for (const char* name : kNumbers) {
    g_object_class_install_property(type, id++, g_param_spec_int(name, "", "", 0, G_MAXINT, 0, G_PARAM_WRITABLE));
  }
  g_object_class_install_property(type, id, g_param_spec_boolean("live-source", "", "", FALSE, G_PARAM_WRITABLE));
}

GstStaticPadTemplate any_sink = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate any_src = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate mux_sink =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate video =
    GST_STATIC_PAD_TEMPLATE("vsrc_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate sound =
    GST_STATIC_PAD_TEMPLATE("asrc_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS("audio/x-raw"));

// nvinfer, nvtracker, nvdspreprocess.
struct Passing {
  GstBaseTransform parent;
};
struct PassingClass {
  GstBaseTransformClass parent_class;
};
G_DEFINE_TYPE(Passing, passing, GST_TYPE_BASE_TRANSFORM)
void passing_class_init(PassingClass* type) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(type), "passing", "Generic", "for tests", "Batchproof");
  take_properties(G_OBJECT_CLASS(type));
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &any_sink);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &any_src);
  type->parent_class.transform_ip = [](GstBaseTransform*, GstBuffer*) { return GST_FLOW_OK; };
}
void passing_init(Passing*) {}

// nvstreammux: a funnel, whose pads are asked for by their names.
struct Mux {
  GstBin parent;
  GstElement* funnel;
};
struct MuxClass {
  GstBinClass parent_class;
};
G_DEFINE_TYPE(Mux, mux, GST_TYPE_BIN)
GstPad* request(GstElement* element, GstPadTemplate*, const gchar* name, const GstCaps*) {
  std::printf("asked for %s\n", name);
  std::fflush(stdout);
  GstPad* inner = gst_element_request_pad_simple(reinterpret_cast<Mux*>(element)->funnel, "sink_%u");
  GstPad* pad = gst_ghost_pad_new(name, inner);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}
void mux_class_init(MuxClass* type) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(type), "mux", "Generic", "for tests", "Batchproof");
  take_properties(G_OBJECT_CLASS(type));
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &mux_sink);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &any_src);
  GST_ELEMENT_CLASS(type)->request_new_pad = request;
}
void mux_init(Mux* mux) {
  mux->funnel = gst_element_factory_make("funnel", nullptr);
  gst_bin_add(GST_BIN(mux), mux->funnel);
  GstPad* src = gst_element_get_static_pad(mux->funnel, "src");
  gst_element_add_pad(GST_ELEMENT(mux), gst_ghost_pad_new("src", src));
  gst_object_unref(src);
}

// nvurisrcbin: shows its pads only when it is about to play.
struct Source {
  GstBin parent;
  GstElement *source, *filter;
  gboolean broken;
};
struct SourceClass {
  GstBinClass parent_class;
};
G_DEFINE_TYPE(Source, source, GST_TYPE_BIN)
void set_uri(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  told(object, id, value, spec);
  reinterpret_cast<Source*>(object)->broken = std::strstr(g_value_get_string(value), "broken") != nullptr;
}
GstStateChangeReturn change(GstElement* element, GstStateChange transition) {
  Source* self = reinterpret_cast<Source*>(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (self->broken) {
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("no such file"), (nullptr));
      return GST_STATE_CHANGE_FAILURE;
    }
    gst_element_add_pad(element, gst_pad_new_from_static_template(&sound, "asrc_0"));
    GstPad* inner = gst_element_get_static_pad(self->filter, "src");
    GstPad* pad = gst_ghost_pad_new("vsrc_0", inner);
    gst_pad_set_active(pad, TRUE);
    gst_element_add_pad(element, pad);
    gst_object_unref(inner);
  }
  return GST_ELEMENT_CLASS(source_parent_class)->change_state(element, transition);
}
void source_class_init(SourceClass* type) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(type), "source", "Generic", "for tests", "Batchproof");
  G_OBJECT_CLASS(type)->set_property = set_uri;
  g_object_class_install_property(G_OBJECT_CLASS(type), kUri,
                                  g_param_spec_string("uri", "", "", "", G_PARAM_WRITABLE));
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &video);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(type), &sound);
  GST_ELEMENT_CLASS(type)->change_state = change;
}
void source_init(Source* self) {
  self->source = gst_element_factory_make("fakesrc", nullptr);
  self->filter = gst_element_factory_make("capsfilter", nullptr);
  GstCaps* caps = gst_caps_new_empty_simple("video/x-raw");
  g_object_set(self->source, "num-buffers", 3, "sizetype", 2, "format", 3, nullptr);
  g_object_set(self->filter, "caps", caps, nullptr);
  gst_caps_unref(caps);
  gst_bin_add_many(GST_BIN(self), self->source, self->filter, nullptr);
  gst_element_link(self->source, self->filter);
}

gboolean start(GstPlugin* plugin) {
  for (const char* name : {"nvinfer", "nvtracker", "nvdspreprocess"}) {
    gst_element_register(plugin, name, GST_RANK_NONE, passing_get_type());
  }
  return gst_element_register(plugin, "nvstreammux", GST_RANK_NONE, mux_get_type()) &&
         gst_element_register(plugin, "nvurisrcbin", GST_RANK_NONE, source_get_type());
}

}  // namespace

#define PACKAGE "fakedeepstream"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fakedeepstream, "for tests", start, "1", "Apache 2.0",
                  "fakedeepstream", "none")
