// Which faces of a batch are to be embedded, and where their crops lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "context.h"
#include "placement.h"
#include "surface.h"
#include "throttle.h"
#include "warp.h"

namespace batchproof::align {

// The faces of a batch that are to be embedded, one entry each.
struct Selected {
  std::vector<Job> jobs;
  std::vector<NvDsRoiMeta> rois;
  std::vector<Track> tracks;
  std::vector<std::uint64_t> frames;
};

// Decides about one face, and describes its crop when it is to be embedded.
inline Outcome consider(CustomCtx& context, const NvDsPreProcessUnit& unit, bool full, Job& job, Track& track) {
  Detected face{};
  const NvDsObjectMeta* object = unit.roi_meta.object_meta;
  if (!read_face(object, face) || unit.frame_meta == nullptr) return Outcome::kWithoutLandmarks;
  const std::string wrong = read_frame(unit.input_surf_params, job.frame);
  if (!wrong.empty()) return context.log.once(wrong), Outcome::kUnreadable;
  const Plane& pixels = job.frame.pixels;
  const Outcome outcome =
      place(face, pixels.width, pixels.height, context.options, context.tensor.size, job.to_frame);
  if (outcome != Outcome::kPlaced) return outcome;
  if (full) return Outcome::kBeyondBatch;
  track = {unit.frame_meta->source_id, object->object_id};
  return context.throttle.take(track, unit.frame_num) ? Outcome::kPlaced : Outcome::kThrottled;
}

inline Selected select(CustomCtx& context, const NvDsPreProcessBatch& batch) {
  Selected selected;
  for (const NvDsPreProcessUnit& unit : batch.units) {
    Job job{};
    Track track{};
    const bool full = selected.jobs.size() == static_cast<std::size_t>(context.capacity);
    const Outcome outcome = consider(context, unit, full, job, track);
    context.log.count(outcome);
    if (outcome != Outcome::kPlaced) continue;
    selected.jobs.push_back(job);
    selected.rois.push_back(unit.roi_meta);
    selected.tracks.push_back(track);
    selected.frames.push_back(unit.frame_num);
  }
  return selected;
}

}  // namespace batchproof::align
