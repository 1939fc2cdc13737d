// Measures the machine's ceilings: multiply-adds in registers, and y = a x + y over arrays that are
// far larger than the caches.
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench.h"
#include "cpu/each_isa.h"
#include "cpu/isa.h"

namespace hs::bench {

// For each instruction set: runs multiply-adds in registers and returns the FLOP done
// (isa/peak.cpp).
#define HS_DECLARE(isa)       \
  namespace isa {             \
  double peak(int64_t steps); \
  }
HS_EACH_ISA(HS_DECLARE)
#undef HS_DECLARE

namespace {

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double peak_of_isa(int64_t steps) {
  const std::string name = cpu::active_isa().name;
#define HS_TRY(isa) \
  if (name == #isa) return isa::peak(steps);
  HS_EACH_ISA(HS_TRY)
#undef HS_TRY
  return 0;
}

// Runs fn(thread) on all threads at once, in several rounds; returns the time of the best in
// seconds.
template <class Fn>
double best_time(int threads, const Fn& fn) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double start = now();
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&fn, i] { fn(i); });
    fn(0);
    for (std::thread& other : others) other.join();
    best = std::min(best, now() - start);
  }
  return best;
}

}  // namespace

double peak_gflops(int threads) {
  constexpr int64_t kSteps = 1 << 20;
  const double flops = peak_of_isa(1) * static_cast<double>(kSteps) * threads;
  return flops / best_time(threads, [](int) { peak_of_isa(kSteps); }) * 1e-9;
}

double axpy_gb_per_s(int threads) {
  constexpr int64_t kCount = 32 << 20;  // floats: 128 MB per array
  const auto x = normal_floats(kCount), y = normal_floats(kCount);
  const double seconds = best_time(threads, [&](int thread) {
    const int64_t begin = kCount * thread / threads, end = kCount * (thread + 1) / threads;
    float* const to = y.get();
    const float* const from = x.get();
    for (int64_t i = begin; i < end; ++i) to[i] = 0.5f * from[i] + to[i];
  });
  return 12.0 * static_cast<double>(kCount) / seconds * 1e-9;
}

}  // namespace hs::bench
