// Embedding a face that is tracked not in every frame, but once in a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <unordered_map>

namespace batchproof::align {

struct Track {
  std::uint32_t source;
  std::uint64_t id;

  bool operator==(const Track& other) const { return source == other.source && id == other.id; }
};

constexpr std::uint64_t kUntracked = ~std::uint64_t{0};  // UNTRACKED_OBJECT_ID

class Throttle {
 public:
  // Of more tracks than `most_tracks`, those embedded longest ago are forgotten: their next face comes early.
  explicit Throttle(unsigned interval, std::size_t most_tracks = 16384)
      : interval_(interval), most_tracks_(most_tracks) {}

  // Whether a face of this track is due in this frame of its source; if so, the next is due `interval` frames later.
  // A face without a track is always due, and so is one of a source that counts its frames from the start again.
  bool take(const Track& track, std::uint64_t frame) {
    if (interval_ <= 1 || track.id == kUntracked) return true;
    const auto known = places_.find(track);
    if (known != places_.end()) {
      const std::uint64_t last = known->second->frame;
      if (frame >= last && frame - last < interval_) return false;
      taken_.erase(known->second);
    }
    taken_.push_back({track, frame});
    places_[track] = std::prev(taken_.end());
    forget_the_oldest();
    return true;
  }

  std::size_t tracks() const { return places_.size(); }

 private:
  struct Taken {
    Track track;
    std::uint64_t frame;
  };

  struct Hash {
    std::size_t operator()(const Track& track) const {
      return std::hash<std::uint64_t>()(track.id * 0x9E3779B97F4A7C15u ^ track.source);
    }
  };

  void forget_the_oldest() {
    if (places_.size() <= most_tracks_) return;
    places_.erase(taken_.front().track);
    taken_.pop_front();
  }

  unsigned interval_;
  std::size_t most_tracks_;
  std::list<Taken> taken_;  // the one embedded longest ago comes first
  std::unordered_map<Track, std::list<Taken>::iterator, Hash> places_;
};

}  // namespace batchproof::align
