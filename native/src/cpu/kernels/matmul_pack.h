// Packs parts of matmul's operands: copies them in the order in which the register kernels read
// them, as floats whatever the operand's type.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_PACK_H
#define HALFSTEP_CPU_KERNELS_MATMUL_PACK_H

#include "cpu/simd.h"

namespace hs::cpu::HS_ISA {

// Transposes kLanes vectors in registers; each stage halves the size of the blocks that it swaps.
HS_INLINE void transpose(vf* v) {
  const vi lane = iota();
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2) {
    const vi upper = (lane & half) != 0;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if ((i & half) != 0) continue;
      const vf x = v[i], y = v[i + half];
      v[i] = shuffle(x, y, lane + (upper & (kLanes - half)));
      v[i + half] = shuffle(x, y, lane + half + (upper & (kLanes - half)));
    }
  }
}

// Packs a strip of at most kLanes rows: dst[p * width + i] = src[i * stride + p] for i < rows,
// p < count, and 0 for i in [rows, room).
template <class T>
void pack_strip_across(const T* src, int64_t stride, int rows, int64_t count, int64_t width,
                       int64_t room, float* dst) {
  const Mask lanes = first_lanes(room);  // lanes that are written: the strip and its padding
  for (int64_t p = 0; p < count; p += kLanes) {
    vf v[kLanes];
    if (p + kLanes <= count) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) v[i] = i < rows ? load(src + i * stride + p) : vf{};
    } else {
      const Mask part = first_lanes(count - p);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) v[i] = i < rows ? load(src + i * stride + p, part) : vf{};
    }
    transpose(v);
    const int64_t steps = count - p < kLanes ? count - p : kLanes;
    if (steps == kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(dst + (p + i) * width, v[i], lanes);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        if (i < steps) store(dst + (p + i) * width, v[i], lanes);
      }
    }
  }
}

// Prefetches run this many steps ahead: the rows are too far apart for the hardware prefetchers.
inline constexpr int64_t kAhead = 12;

// Packs a panel for the outer kernel: dst[p * width + i] = element (i, p) of src for i < rows, p <
// count, and zero for i in [rows, width). `along` is the distance between elements of neighbouring
// i, `step` that between elements of neighbouring p; one of them is 1.
template <class T>
void pack_panel(const T* src, int64_t along, int64_t step, int64_t rows, int64_t count,
                int64_t width, float* dst) {
  if (along == 1) {
    for (int64_t i = 0; i < width; i += 2 * kLanes) {
      const Mask from0 = first_lanes(rows - i), from1 = first_lanes(rows - i - kLanes);
      const Mask to0 = first_lanes(width - i), to1 = first_lanes(width - i - kLanes);
      const T* from = src + i;
      float* to = dst + i;
      for (int64_t p = 0; p < count; ++p) {
        __builtin_prefetch(from + kAhead * step);
        __builtin_prefetch(from + kAhead * step + kLanes);
        store(to, load(from, from0), to0);
        if (to1.count > 0) store(to + kLanes, load(from + kLanes, from1), to1);
        from += step;
        to += width;
      }
    }
  } else {
    for (int64_t i = 0; i < width; i += kLanes) {
      const int64_t left = rows - i;
      const int strip = left < 0 ? 0 : left > kLanes ? kLanes : static_cast<int>(left);
      pack_strip_across(src + i * along, along, strip, count, width, width - i, dst + i);
    }
  }
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_PACK_H
