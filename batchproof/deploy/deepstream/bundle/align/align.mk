# The alignment library of nvdspreprocess. Also a Makefile by itself, from the bundle's folder: make -f align/align.mk
#     CUDA_VER=12.8            the CUDA to build with, where the default one in /usr/local is another
#     GPU_ARCHS="75 86"        compute capabilities; newer GPUs compile for themselves at their first run
#     NMS_IOU, MAX_FACES       as in parser/parser.mk, for source=tensor: the same as the parser of the detector has
#     CXXFLAGS, NVDS_HEADERS   as in the bundle's Makefile

BUILD ?= build
CXX ?= g++
CXXFLAGS ?= -O2
DEEPSTREAM ?= /opt/nvidia/deepstream/deepstream
NVDS_HEADERS ?= $(DEEPSTREAM)/sources/includes
CUDA_HOME ?= /usr/local/cuda$(addprefix -,$(CUDA_VER))
NVCC ?= $(CUDA_HOME)/bin/nvcc
GPU_ARCHS ?= 75 80 86 87 89 90
NMS_IOU ?= 0.4
MAX_FACES ?= 4096

ALIGN := $(BUILD)/libbatchproof_align.so
ALIGN_CHECK := $(BUILD)/align_check

# Contracted to fused operations, crops would be rounded otherwise on a GPU than on a processor, where they are tested.
align_flags := -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra
align_cxx := $(CXX) $(CXXFLAGS) -std=c++17 $(align_flags) -Iinclude
comma := ,
newest := $(lastword $(GPU_ARCHS))
align_nvcc = $(NVCC) -O2 -std=c++17 -fmad=false $(addprefix -Xcompiler=,$(align_flags)) \
  $(foreach arch,$(GPU_ARCHS),-gencode=arch=compute_$(arch)$(comma)code=sm_$(arch)) \
  -gencode=arch=compute_$(newest)$(comma)code=compute_$(newest)
gstreamer = $(shell pkg-config $(1) gstreamer-1.0)
align_preprocess = $(align_cxx) -DBATCHPROOF_NMS_IOU=$(NMS_IOU) -DBATCHPROOF_MAX_FACES=$(MAX_FACES) \
  $(patsubst -I%,-isystem %,$(call gstreamer,--cflags-only-I)) -isystem $(NVDS_HEADERS) -isystem $(CUDA_HOME)/include
align_headers := $(wildcard align/*.h parser/*.h include/batchproof/*.h)

.PHONY: all check align check-align FORCE
all: align
check: check-align
align: $(ALIGN)
FORCE:

# What is missing is told with what to do: neither is sure to be in a container.
$(BUILD)/align_warp.o: align/warp.cu $(align_headers)
	@command -v $(NVCC) >/dev/null || { echo 'no $(NVCC): install cuda-nvcc, or set CUDA_VER or NVCC' >&2; exit 1; }
	@mkdir -p $(@D)
	$(align_nvcc) -c $< -o $@

$(BUILD)/align_warp_cpu.o: align/warp_cpu.cpp $(align_headers)
	@mkdir -p $(@D)
	$(align_cxx) -c $< -o $@

# Rewritten only when it changes, as the parser's: other limits build anew.
$(BUILD)/align.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(align_preprocess)' | cmp -s - $@ || echo '$(align_preprocess)' > $@

$(BUILD)/align_preprocess.o: align/preprocess_align.cpp $(align_headers) $(BUILD)/align.flags
	@pkg-config --exists gstreamer-1.0 || { echo 'no GStreamer to compile with: install libgstreamer1.0-dev' >&2; exit 1; }
	$(align_preprocess) -c $< -o $@

$(ALIGN): $(BUILD)/align_preprocess.o $(BUILD)/align_warp.o
	$(NVCC) -shared -cudart=shared $^ $(call gstreamer,--libs) -o $@

$(ALIGN_CHECK): align/align_check.cu $(BUILD)/align_warp.o $(BUILD)/align_warp_cpu.o
	$(align_nvcc) $^ -o $@

# The kernel against the same pixels on the processor; 77 says that there is no GPU, and so does the line before it.
ifneq ($(shell command -v $(NVCC)),)
check-align: $(ALIGN_CHECK)
	$(ALIGN_CHECK) || test $$? -eq 77
else
check-align:
	@echo 'check-align: not_run: there is no $(NVCC)'
endif
