# The parser library of nvinfer. Settings:
#     NMS_IOU=0.4      largest overlap of two faces; nvinfer has no key that it would hand to a parser
#     MAX_FACES=4096   of one frame, best first
#     SDK_HEADERS=1    DeepStream's headers instead of ours; they need TensorRT's and CUDA's, which -I in CXXFLAGS finds

NMS_IOU ?= 0.4
MAX_FACES ?= 4096
PARSER := $(BUILD)/libbatchproof_scrfd_parser.so
PARSER_CHECK := $(BUILD)/parser_check

ifdef SDK_HEADERS
abi_flags := -DBATCHPROOF_SDK_HEADERS -isystem $(NVDS_HEADERS)
else
abi_flags := -DNVDS_VERSION_MAJOR=$(NVDS_MAJOR) -DNVDS_VERSION_MINOR=$(NVDS_MINOR)
endif
limits := -DBATCHPROOF_NMS_IOU=$(NMS_IOU) -DBATCHPROOF_MAX_FACES=$(MAX_FACES)
parser_flags := $(CXXFLAGS) $(REQUIRED_FLAGS) $(abi_flags) $(limits)
parser_headers := $(wildcard parser/*.h include/batchproof/*.h)

.PHONY: parser check-parser
all: parser
check: check-parser
parser: $(PARSER)

# Rewritten only when it changes: other settings build anew.
$(BUILD)/parser.flags: FORCE | $(BUILD)
	@echo '$(CXX) $(parser_flags)' | cmp -s - $@ || echo '$(CXX) $(parser_flags)' > $@

$(PARSER): parser/scrfd_parser.cpp $(parser_headers) $(BUILD)/parser.flags
	$(CXX) $(parser_flags) -shared $< -o $@

$(PARSER_CHECK): parser/parser_check.cpp $(parser_headers) $(BUILD)/parser.flags
	$(CXX) $(parser_flags) $< -ldl -o $@

check-parser: $(PARSER) $(PARSER_CHECK)
	$(PARSER_CHECK) $(PARSER)
