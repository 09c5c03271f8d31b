// From nvdspreprocess's configuration to the library's context.
#pragma once

#include <unistd.h>

#include <string>

#include "context.h"
#include "log.h"
#include "options.h"
#include "surface.h"

namespace batchproof::align {

// What is wrong with the tensor that the configuration announces, or nothing.
inline std::string check_tensor(const NvDsPreProcessTensorParams& tensor, Mode mode) {
  if (tensor.data_type != NvDsDataType_FP32) return "tensor-data-type must be 0, FP32";
  if (tensor.network_input_order == NvDsPreProcessNetworkInputOrder_kNHWC) return "network-input-order must be 0, NCHW";
  const NvDsPreProcessFormat colour = tensor.network_color_format;
  if (colour != NvDsPreProcessFormat_RGB && colour != NvDsPreProcessFormat_BGR) {
    return "network-color-format must be 0 or 1, RGB or BGR";
  }
  return check_shape(tensor.network_input_shape, mode);
}

inline std::string check_folder(const std::string& folder) {
  const bool writable = folder.empty() || access((folder + "/.").c_str(), W_OK | X_OK) == 0;
  return writable ? "" : "[user-configs] dump-folder=" + folder + " is no folder that can be written to";
}

// The context for a configuration; null, and a line that says why, when it cannot be followed.
inline CustomCtx* make_context(const CustomInitParams& parameters) {
  Options options;
  const NvDsPreProcessTensorParams& tensor = parameters.tensor_params;
  std::string wrong = read_options(parameters.user_configs, options);
  if (wrong.empty()) wrong = check_tensor(tensor, options.mode);
  if (wrong.empty()) wrong = check_folder(options.dump_folder);
  if (!wrong.empty()) return Log::say(wrong), nullptr;
  const bool bgr = tensor.network_color_format == NvDsPreProcessFormat_BGR;
  return new CustomCtx(options, tensor.network_input_shape[0], tensor.network_input_shape[2], bgr);
}

}  // namespace batchproof::align
