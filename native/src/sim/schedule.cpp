#include "sim/schedule.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <numeric>

namespace hs::sim {
namespace {

ScheduleOptions from_environment() {
  const char* word = std::getenv("HALFSTEP_SIM_ORDER");
  if (!word) return {};
  if (std::strcmp(word, "reverse") == 0) return {Order::kReverse, 0};
  if (std::strncmp(word, "random:", 7) == 0) {
    return {Order::kRandom, std::strtoull(word + 7, nullptr, 10)};
  }
  return {};
}

std::mutex mutex;

ScheduleOptions& options_of_process() {
  static ScheduleOptions options = from_environment();
  return options;
}

}  // namespace

void set_schedule(ScheduleOptions options) {
  std::lock_guard lock(mutex);
  options_of_process() = options;
}

ScheduleOptions schedule_options() {
  std::lock_guard lock(mutex);
  return options_of_process();
}

void Schedule::begin(ScheduleOptions options, std::size_t groups) {
  order_ = options.order;
  state_ = options.seed;
  groups_ = groups;
  if (order_ != Order::kRandom || groups < 2) return;
  // turn -> turn * stride + offset (modulo groups) is a permutation if stride and groups are
  // coprime.
  offset_ = random() % groups;
  do {
    stride_ = random() % groups;
  } while (std::gcd(stride_, groups) != 1);
}

std::size_t Schedule::group(std::size_t turn) const {
  if (order_ == Order::kForward || groups_ < 2) return turn;
  if (order_ == Order::kReverse) return groups_ - 1 - turn;
  return static_cast<std::size_t>((static_cast<unsigned __int128>(turn) * stride_ + offset_) %
                                  groups_);
}

long Schedule::pick(const std::vector<std::uint32_t>& words) {
  std::size_t n = words.size();
  std::size_t start = order_ == Order::kRandom ? random() % n : 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t at = order_ == Order::kReverse ? n - 1 - i : (start + i) % n;
    std::uint32_t word = words[at];
    if (word == 0) continue;
    int bit;
    if (order_ == Order::kForward) {
      bit = std::countr_zero(word);
    } else if (order_ == Order::kReverse) {
      bit = 31 - std::countl_zero(word);
    } else {
      int turn = static_cast<int>(random() % 32);
      bit = (std::countr_zero(std::rotr(word, turn)) + turn) % 32;
    }
    return static_cast<long>(at * 32) + bit;
  }
  return -1;
}

bool Schedule::copy_lands_at_once() {
  if (order_ == Order::kRandom) return random() % 2 == 0;
  return order_ == Order::kReverse;
}

// SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t Schedule::random() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace hs::sim
