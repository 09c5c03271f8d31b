// What the library keeps between batches.
#pragma once

#include <memory>

#include "crop_dump.h"
#include "device_warper.h"
#include "log.h"
#include "options.h"
#include "throttle.h"

// The interface of nvdspreprocess declares it, outside any namespace.
struct CustomCtx {
  CustomCtx(const batchproof::Options& options, int capacity, int size, bool bgr)
      : options(options),
        capacity(capacity),
        tensor{nullptr, size, options.mean, static_cast<float>(1.0 / options.std), bgr},
        throttle(options.embed_interval),
        dump(options.dump_folder) {}

  const batchproof::Options options;
  const int capacity;               // faces in a tensor
  const batchproof::Tensor tensor;  // all but where it lies
  batchproof::Throttle throttle;
  batchproof::CropDump dump;
  batchproof::Log log;
  std::unique_ptr<batchproof::DeviceWarper> warper;  // made with the first batch
};
