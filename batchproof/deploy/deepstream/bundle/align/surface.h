// DeepStream's frames and faces, as the aligner takes them. The only headers of the SDK that it needs are here.
#pragma once

// nvdspreprocess_interface.h uses these without including them; that of nvll_osd_struct.h up to DeepStream 6.
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "nvbufsurface.h"
#include "nvll_osd_struct.h"

#include "nvdspreprocess_interface.h"

#include "frame.h"
#include "placement.h"

namespace batchproof::align {

inline bool read_format(NvBufSurfaceColorFormat format, Format& read) {
  switch (format) {
    case NVBUF_COLOR_FORMAT_RGBA: return read = Format::kRgba, true;
    case NVBUF_COLOR_FORMAT_NV12: return read = Format::kNv12Bt601, true;
    case NVBUF_COLOR_FORMAT_NV12_ER: return read = Format::kNv12Bt601Full, true;
    case NVBUF_COLOR_FORMAT_NV12_709: return read = Format::kNv12Bt709, true;
    case NVBUF_COLOR_FORMAT_NV12_709_ER: return read = Format::kNv12Bt709Full, true;
    default: return false;
  }
}

// One plane of a surface; without data when it would reach beyond what is allocated, where that is known.
inline Plane read_plane(const NvBufSurfaceParams& surface, unsigned index, int width, int height, int bytes) {
  const NvBufSurfacePlaneParams& planes = surface.planeParams;
  const std::uint64_t end = planes.offset[index] + std::uint64_t{planes.pitch[index]} * (height - 1) +
                            static_cast<std::uint64_t>(width) * bytes;
  const bool inside = surface.dataPtr != nullptr && width > 0 && height > 0 &&
                      (surface.dataSize == 0 || end <= surface.dataSize);
  const auto* data = static_cast<const std::uint8_t*>(surface.dataPtr);
  return {inside ? data + planes.offset[index] : nullptr, planes.pitch[index], width, height, bytes};
}

// Describes one frame of a batch; returns what is wrong with it, or nothing.
inline std::string read_frame(const NvBufSurfaceParams* surface, Frame& frame) {
  if (surface == nullptr) return "a face came without its frame";
  if (surface->layout != NVBUF_LAYOUT_PITCH) return "frames are block-linear, expected pitch-linear ones";
  if (!read_format(surface->colorFormat, frame.format)) {
    return "frames have the NvBufSurfaceColorFormat " + std::to_string(surface->colorFormat) +
           ", expected RGBA or 8-bit NV12 of BT.601 or BT.709: put an nvvideoconvert before nvstreammux";
  }
  const bool rgba = frame.format == Format::kRgba;
  const int width = static_cast<int>(surface->width), height = static_cast<int>(surface->height);
  frame.pixels = read_plane(*surface, 0, width, height, rgba ? 4 : 1);
  frame.chroma = {};
  if (!rgba && surface->planeParams.num_planes >= 2) {
    frame.chroma = read_plane(*surface, 1, (width + 1) / 2, (height + 1) / 2, 2);
  }
  return frame.well_formed() ? "" : "a frame's planes do not hold the pixels that its size announces";
}

// Where frames lie, when CUDA cannot read them there; else nothing.
inline const char* unreadable_memory(NvBufSurfaceMemType type) {
  switch (type) {
    case NVBUF_MEM_DEFAULT:  // of a GPU that is a card
    case NVBUF_MEM_CUDA_PINNED:
    case NVBUF_MEM_CUDA_DEVICE:
    case NVBUF_MEM_CUDA_UNIFIED: return nullptr;
    case NVBUF_MEM_SURFACE_ARRAY: return "surface arrays of Jetson";
    case NVBUF_MEM_HANDLE: return "handles of Jetson";
    case NVBUF_MEM_SYSTEM: return "system memory";
    default: return "memory of a kind that not all versions of DeepStream have";
  }
}

// The face behind an object; false for none, and for one that the tracker assumes and nobody has detected.
inline bool read_face(const NvDsObjectMeta* object, Detected& face) {
  if (object == nullptr || object->confidence < 0) return false;
  const NvBbox_Coords& box = object->detector_bbox_info.org_bbox_coords;
  face = {{box.left, box.top, box.left + box.width, box.top + box.height},
          object->mask_params.data,
          object->mask_params.size};
  return true;
}

}  // namespace batchproof::align
