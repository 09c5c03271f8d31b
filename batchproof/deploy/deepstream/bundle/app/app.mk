# The application in C++, from the bundle's folder: make -f app/app.mk. Needs DeepStream and GStreamer's headers.
#     make -f app/app.mk                   build/face_app
#     CXXFLAGS, DEEPSTREAM, NVDS_HEADERS   as in the bundle's Makefile

BUILD ?= build
CXX ?= g++
CXXFLAGS ?= -O2
DEEPSTREAM ?= /opt/nvidia/deepstream/deepstream
NVDS_HEADERS ?= $(DEEPSTREAM)/sources/includes
CUDA_HOME ?= /usr/local/cuda$(addprefix -,$(CUDA_VER))

FACE_APP := $(BUILD)/face_app

app_flags := $(CXXFLAGS) -std=c++17 -Wall -Wextra -I. -Iinclude -isystem $(NVDS_HEADERS) -isystem $(CUDA_HOME)/include
app_gstreamer = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I gstreamer-1.0))
app_libraries = $(shell pkg-config --libs gstreamer-1.0) -L$(DEEPSTREAM)/lib -Wl,-rpath,$(DEEPSTREAM)/lib \
  -lnvdsgst_meta -lnvds_meta

.PHONY: app
app: $(FACE_APP)

$(FACE_APP): app/face_app.cpp $(wildcard app/*.h align/*.h parser/*.h include/batchproof/*.h)
	@mkdir -p $(@D)
	$(CXX) $(app_flags) $(app_gstreamer) $< $(app_libraries) -o $@
