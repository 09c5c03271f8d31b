// Embedding a face that is tracked not in every frame, but once in a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <tuple>

namespace batchproof::align {

struct Track {
  std::uint32_t source;
  std::uint64_t id;

  bool operator<(const Track& other) const { return std::tie(source, id) < std::tie(other.source, other.id); }
};

constexpr std::uint64_t kUntracked = ~std::uint64_t{0};  // UNTRACKED_OBJECT_ID

class Throttle {
 public:
  // Of more tracks than `most_tracks`, those embedded longest ago are forgotten: their next face comes early.
  explicit Throttle(unsigned interval, std::size_t most_tracks = 16384)
      : interval_(interval), most_tracks_(most_tracks) {}

  // Whether a face of this track is due in this frame of its source; if so, the next is due `interval` frames later.
  // A face without a track is always due.
  bool take(const Track& track, std::uint64_t frame) {
    if (interval_ <= 1 || track.id == kUntracked) return true;
    const auto known = places_.find(track);
    if (known != places_.end()) {
      // Without a sign, so that a source that counts from the start again is far away, and due.
      if (frame - known->second->frame < interval_) return false;
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

  void forget_the_oldest() {
    if (places_.size() <= most_tracks_) return;
    places_.erase(taken_.front().track);
    taken_.pop_front();
  }

  unsigned interval_;
  std::size_t most_tracks_;
  std::list<Taken> taken_;  // the one embedded longest ago comes first
  std::map<Track, std::list<Taken>::iterator> places_;
};

}  // namespace batchproof::align
