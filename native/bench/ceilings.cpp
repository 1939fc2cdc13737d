// The machine's ceilings: multiply-adds in registers, and y = a x + y over arrays far larger than
// the caches.
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <vector>

#include "bench.h"
#include "cpu/isa.h"

namespace hs::bench {
namespace {

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Twelve independent sums hide the latency of two units. Returns the FLOP done.
#define HS_PEAK(name, isa, bytes)                                                            \
  __attribute__((target(isa))) double name(int64_t steps) {                                  \
    typedef float v __attribute__((vector_size(bytes)));                                     \
    v x = v{} + 0.999f, sum[12] = {};                                                        \
    for (int64_t i = 0; i < steps; ++i) {                                                    \
      _Pragma("GCC unroll 12") for (int j = 0; j < 12; ++j) sum[j] = sum[j] * x + x;         \
      _Pragma("GCC unroll 12") for (int j = 0; j < 12; ++j) asm volatile("" : "+v"(sum[j])); \
    }                                                                                        \
    v all{};                                                                                 \
    _Pragma("GCC unroll 12") for (int j = 0; j < 12; ++j) all = all + sum[j];                \
    volatile float sink = all[0];                                                            \
    (void)sink;                                                                              \
    return static_cast<double>(steps) * 12 * 2 * (bytes / 4);                                \
  }
HS_PEAK(peak_avx512, "avx512f", 64)
HS_PEAK(peak_avx2, "avx2,fma", 32)
HS_PEAK(peak_portable, "sse2", 16)
#undef HS_PEAK

double peak_of_isa(int64_t steps) {
  switch (cpu::active_isa()) {
    case cpu::Isa::kAvx512:
      return peak_avx512(steps);
    case cpu::Isa::kAvx2:
      return peak_avx2(steps);
    default:
      return peak_portable(steps);
  }
}

// Runs fn(thread) on all threads at once; the best of some rounds, in seconds.
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
  constexpr int64_t kCount = 32 << 20;  // floats: 128 MB an array
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
