// Describes faults in words: the kernel, the block, the thread, and the place in the source.
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>

#include "sim/executor.h"

namespace hs::sim {
namespace {

std::string at(Place place) {
  const char* file = std::strrchr(place.file, '/');
  return std::string(file ? file + 1 : place.file) + ":" + std::to_string(place.line);
}

std::string triple(Dim3 d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

std::string who(const Thread& thread) {
  return "block " + triple(thread.block->index) + ", thread " + triple(thread.index);
}

const char* action(State state) {
  switch (state) {
    case State::kAtBarrier:
      return "at the barrier ";
    case State::kAtClusterBarrier:
      return "at the cluster's barrier ";
    case State::kAtTeamBarrier:
      return "at the barrier of several blocks ";
    case State::kInCollective:
      return "in the warp operation ";
    case State::kEnded:
      return "ended";
    case State::kReady:
      return "running, last seen at ";
  }
  return "";
}

// Describes where the threads of a block are: "threads 0-15, 48 at the barrier copy.cu:12; threads
// 16-47 ended".
std::string places(const Block& block, const std::vector<Thread>& threads) {
  struct Group {
    State state;
    Place place;
    std::string numbers;
    unsigned last;
    bool open_range;
  };
  std::vector<Group> groups;
  std::size_t first = std::size_t{block.first_warp} * kWarp;
  auto close = [](Group& g) {
    if (g.open_range) g.numbers += "-" + std::to_string(g.last);
    g.open_range = false;
  };
  for (std::size_t i = first; i < threads.size() && threads[i].block == &block; ++i) {
    const Thread& t = threads[i];
    auto number = static_cast<unsigned>(i - first);
    auto same = [&](const Group& g) {
      return g.state == t.state && (t.state == State::kEnded || g.place == t.place);
    };
    auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) {
      groups.push_back({t.state, t.place, std::to_string(number), number, false});
    } else if (number == found->last + 1) {
      found->last = number;
      found->open_range = true;
    } else {
      close(*found);
      found->numbers += ", " + std::to_string(number);
      found->last = number;
    }
  }
  std::string text;
  for (Group& g : groups) {
    close(g);
    text += (text.empty() ? "threads " : "; threads ") + g.numbers + " " + action(g.state);
    if (g.state != State::kEnded) text += at(g.place);
  }
  return text;
}

// The module and the offset of an instruction, as addr2line takes them.
std::string instruction(const void* code) {
  Dl_info info;
  if (!code || !dladdr(code, &info) || !info.dli_fname) return "";
  char offset[32];
  std::snprintf(offset, sizeof offset, "%#tx",
                static_cast<const char*>(code) - static_cast<const char*>(info.dli_fbase));
  return ", at " + std::string(info.dli_fname) + "+" + offset;
}

}  // namespace

std::string describe(const Fault& fault, const std::string& where, const LaunchShape& shape,
                     const std::vector<Thread>& threads, const std::vector<Block>& blocks) {
  std::string text = std::string(shape.name) + ": ";
  switch (fault.kind) {
    case Fault::kNone:
      return "";
    case Fault::kDeadlock:
      text += "some threads wait for others that never come";
      break;
    case Fault::kBarrier:
      text += who(*fault.thread) + " came to the barrier " + at(fault.place) +
              " while others wait at another";
      break;
    case Fault::kCollective:
      text += who(*fault.thread) + " came to the warp operation " + at(fault.place) +
              " while lanes of the same mask are in another";
      break;
    case Fault::kMask:
      return text + who(*fault.thread) + " at " + at(fault.place) +
             ": the mask leaves out the calling lane or names lanes that the warp does not have";
    case Fault::kMisuse:
      return text + who(*fault.thread) + " at " + at(fault.place) + ": " + fault.words;
    case Fault::kAddress:
      text += who(*fault.thread) + ": " + where + instruction(fault.code);
      if (fault.place.line) text += ", after " + at(fault.place);
      return text;
  }
  for (const Block& block : blocks) {
    if (fault.thread && fault.thread->block != &block) continue;
    text += "; block " + triple(block.index) + ": " + places(block, threads);
  }
  return text;
}

}  // namespace hs::sim
