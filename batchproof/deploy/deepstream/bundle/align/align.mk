# The alignment library of nvdspreprocess: `make align`; `make check-align` compares its kernel with the processor.
# Part of the bundle's Makefile, and a whole one by itself: `make -f align/align.mk`.

ALIGN := $(dir $(lastword $(MAKEFILE_LIST)))
ALIGN_LIBRARY := libbatchproof_align.so

# The SDK's headers, of the version that will load the library: its structures grew with 9.0.
DEEPSTREAM ?= /opt/nvidia/deepstream/deepstream
NVDS_INCLUDES ?= $(DEEPSTREAM)/sources/includes
# Empty for the CUDA that is installed as the default one.
CUDA_VER ?=
CUDA_HOME ?= /usr/local/cuda$(addprefix -,$(CUDA_VER))
NVCC ?= $(CUDA_HOME)/bin/nvcc
# Every GPU from Turing on: newer ones compile from the PTX of the last at their first run.
GPU_ARCHS ?= 75 80 86 87 89 90
# What CUDA compiles and links with nvcc, the rest with $(CXX). Neither may fuse multiplications with additions, nor
# calculate otherwise than IEEE 754: results would differ between processor and GPU, and from insightface's.
ALIGN_CXXFLAGS := -std=c++17 -O2 -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra
ALIGN_NVCCFLAGS := -std=c++17 -O2 -fmad=false -Xcompiler -fPIC,-fvisibility=hidden,-ffp-contract=off,-Wall,-Wextra \
  $(foreach arch,$(GPU_ARCHS),-gencode arch=compute_$(arch),code=sm_$(arch)) \
  -gencode arch=compute_$(lastword $(GPU_ARCHS)),code=compute_$(lastword $(GPU_ARCHS))
ALIGN_HEADERS := $(wildcard $(ALIGN)*.h $(ALIGN)../include/batchproof/*.h)

.PHONY: align check check-align clean-align

align: $(ALIGN_LIBRARY)

$(ALIGN_LIBRARY): align_warp.o align_preprocess.o
	$(NVCC) -shared -cudart shared -o $@ $^ $(shell pkg-config --libs gstreamer-1.0)

align_preprocess.o: $(ALIGN)preprocess_align.cpp $(ALIGN_HEADERS)
	$(CXX) $(ALIGN_CXXFLAGS) -c -o $@ $< -isystem $(NVDS_INCLUDES) -isystem $(CUDA_HOME)/include \
	  $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gstreamer-1.0))

align_warp.o: $(ALIGN)warp.cu $(ALIGN_HEADERS)
	$(NVCC) $(ALIGN_NVCCFLAGS) -c -o $@ $<

align_warp_cpu.o: $(ALIGN)warp_cpu.cpp $(ALIGN_HEADERS)
	$(CXX) $(ALIGN_CXXFLAGS) -c -o $@ $<

check_align: $(ALIGN)check_align.cu align_warp.o align_warp_cpu.o
	$(NVCC) $(ALIGN_NVCCFLAGS) -o $@ $^

check-align: check_align
	./check_align || test $$? -eq 77  # 77: there is no GPU, and the line above says so

check: check-align

clean-align:
	rm -f align_warp.o align_preprocess.o align_warp_cpu.o check_align $(ALIGN_LIBRARY)
