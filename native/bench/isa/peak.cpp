// Multiply-adds without memory accesses, compiled for each instruction set as the kernels are.
#include "cpu/simd.h"

namespace hs::bench::HS_ISA {

using hs::cpu::HS_ISA::kLanes;
using hs::cpu::HS_ISA::vf;

double peak(int64_t steps);

// Twelve sums hide the latency of two units. They start with different values, so that the compiler
// must compute each of them.
double peak(int64_t steps) {
  const vf x = vf{} + 0.999f;
  vf sum[12];
  for (int j = 0; j < 12; ++j) sum[j] = vf{} + static_cast<float>(j);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) sum[j] = sum[j] * x + x;
  }
  vf all{};
#pragma GCC unroll 12
  for (int j = 0; j < 12; ++j) all = all + sum[j];
  volatile float sink = all[0];
  (void)sink;
  return static_cast<double>(steps) * 12 * 2 * kLanes;
}

}  // namespace hs::bench::HS_ISA
