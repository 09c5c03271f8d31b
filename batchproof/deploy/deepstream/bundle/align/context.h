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
  CustomCtx(const batchproof::align::Options& options, int capacity, int size, bool bgr)
      : options(options),
        capacity(capacity),
        tensor{nullptr, size, options.mean, static_cast<float>(1.0 / options.std), bgr},
        throttle(options.embed_interval),
        dump(options.dump_folder) {}

  const batchproof::align::Options options;
  const int capacity;               // faces in a tensor
  const batchproof::align::Tensor tensor;  // all but where it lies
  batchproof::align::Throttle throttle;
  batchproof::align::CropDump dump;
  batchproof::align::Log log;
  std::unique_ptr<batchproof::align::DeviceWarper> warper;  // made with the first batch
};
