// What the library tells the user: every line once, and at the end what became of the faces.
#pragma once

#include <cstdio>
#include <set>
#include <string>

#include "placement.h"

namespace batchproof::align {

class Log {
 public:
  static void say(const std::string& line) { std::fprintf(stderr, "batchproof: aligner: %s\n", line.c_str()); }

  // For what happens in every batch.
  void once(const std::string& line) {
    if (said_.insert(line).second) say(line);
  }

  void count(Outcome outcome) { ++faces_[static_cast<int>(outcome)]; }

  void summary() const {
    std::string line = std::to_string(faces_[0]) + " faces " + described(Outcome::kPlaced);
    for (int i = 1; i < kOutcomes; ++i) {
      if (faces_[i] != 0) line += ", " + std::to_string(faces_[i]) + " " + described(static_cast<Outcome>(i));
    }
    say(line);
  }

 private:
  std::set<std::string> said_;
  unsigned long long faces_[kOutcomes] = {};
};

}  // namespace batchproof::align
