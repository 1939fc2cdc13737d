// Tensor cores: ldmatrix loads blocks of 8 x 8 16-bit (or 8 x 4 32-bit) elements from shared
// memory; mma.sync (m16n8k16, and m16n8k8 for TF32) multiplies blocks that a warp holds in
// registers. With g = lane / 4 and t = lane % 4, a lane holds these elements:
//   A [16, 16]  a[0]: row g, columns 2t, 2t + 1; a[1]: row g + 8; a[2], a[3]: the same, columns + 8
//   B [16, 8]   b[0]: rows 2t, 2t + 1, column g; b[1]: rows + 8
//   C [16, 8]   c[0], c[1]: row g, columns 2t, 2t + 1; c[2], c[3]: row g + 8
// and for TF32
//   A [16, 8]   a[0]: row g, column t; a[1]: row g + 8; a[2], a[3]: the same, column + 4
//   B [8, 8]    b[0]: row t, column g; b[1]: row + 4
// The PTX ISA defines this in "Matrix fragments for mma.m16n8k16" and "... m16n8k8".
#ifndef HALFSTEP_CUDA_PTX_MATRIX_H
#define HALFSTEP_CUDA_PTX_MATRIX_H

#include "cuda/platform.h"
#include "cuda/ptx/convert.h"

namespace hs::cuda {

#ifdef HS_SIM

struct MatrixRow {
  const void* address;
  std::uint32_t words[4];
};

template <bool kTranspose>
void complete_ldmatrix(sim::Collective& c) {
  std::uint16_t blocks[4][8][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    std::memcpy(blocks[lane / 8][lane % 8], c.slot<MatrixRow>(lane).address, 16);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned g = lane / 4, t = 2 * (lane % 4);
    for (unsigned b = 0; b < 4; ++b) {
      std::uint32_t low = kTranspose ? blocks[b][t][g] : blocks[b][g][t];
      std::uint32_t high = kTranspose ? blocks[b][t + 1][g] : blocks[b][g][t + 1];
      c.slot<MatrixRow>(lane).words[b] = low | high << 16;
    }
  }
}

struct MmaOperands {
  std::uint32_t a[4], b[2];
  float c[4];
};

template <class T>
void complete_mma(sim::Collective& c) {
  auto half = [](std::uint32_t word, unsigned at) {
    return to_float(T{static_cast<std::uint16_t>(word >> (16 * at))});
  };
  float a[16][16], b[16][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const MmaOperands& o = c.slot<MmaOperands>(lane);
    unsigned g = lane / 4, t = 2 * (lane % 4);
    for (unsigned i = 0; i < 4; ++i) {
      for (unsigned h = 0; h < 2; ++h) a[g + i % 2 * 8][t + i / 2 * 8 + h] = half(o.a[i], h);
    }
    for (unsigned i = 0; i < 2; ++i) {
      for (unsigned h = 0; h < 2; ++h) b[t + i * 8 + h][g] = half(o.b[i], h);
    }
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    MmaOperands& o = c.slot<MmaOperands>(lane);
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + i / 2 * 8, column = 2 * (lane % 4) + i % 2;
      for (unsigned k = 0; k < 16; ++k) o.c[i] += a[row][k] * b[k][column];
    }
  }
}

// The units ignore the mantissa bits that TF32 does not have.
inline void complete_mma_tf32(sim::Collective& c) {
  auto value = [](std::uint32_t word) { return float_from_bits(word & 0xffffe000); };
  float a[16][8], b[8][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const MmaOperands& o = c.slot<MmaOperands>(lane);
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) a[g + i % 2 * 8][t + i / 2 * 4] = value(o.a[i]);
    for (unsigned i = 0; i < 2; ++i) b[t + i * 4][g] = value(o.b[i]);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    MmaOperands& o = c.slot<MmaOperands>(lane);
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + i / 2 * 8, column = 2 * (lane % 4) + i % 2;
      for (unsigned k = 0; k < 8; ++k) o.c[i] += a[row][k] * b[k][column];
    }
  }
}

#endif

// Loads four 8 x 8 blocks. `row` of lane l is the address, aligned to 16 bytes, of row l % 8 of
// block l / 8; words[b] receives the lane's part of block b, which is transposed if kTranspose.
template <bool kTranspose>
HS_DEVICE void ldmatrix_x4(std::uint32_t (&words)[4], const void* row HS_AND_CALLER) {
#ifdef HS_SIM
  sim::Executor& executor = sim::Executor::of_this_thread();
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    executor.misuse("ldmatrix needs addresses aligned to 16 bytes", place);
  }
  MatrixRow operand{row, {}};
  executor.collect(kFullMask, &operand, sizeof operand, complete_ldmatrix<kTranspose>, place);
  std::memcpy(words, operand.words, sizeof words);
#else
  auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (kTranspose) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  }
#endif
}

// c += a b, with FP32 accumulation. T is Bf16 or F16.
template <class T>
HS_DEVICE void mma_m16n8k16(float (&c)[4], const std::uint32_t (&a)[4],
                            const std::uint32_t (&b)[2] HS_AND_CALLER) {
#ifdef HS_SIM
  MmaOperands o{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}};
  sim::Executor::of_this_thread().collect(kFullMask, &o, sizeof o, complete_mma<T>, place);
  std::memcpy(c, o.c, sizeof c);
#else
  if constexpr (std::is_same_v<T, Bf16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#endif
}

// c += a b, with FP32 accumulation, for operands that have been rounded to TF32.
HS_DEVICE void mma_m16n8k8_tf32(float (&c)[4], const std::uint32_t (&a)[4],
                                const std::uint32_t (&b)[2] HS_AND_CALLER) {
#ifdef HS_SIM
  MmaOperands o{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}};
  sim::Executor::of_this_thread().collect(kFullMask, &o, sizeof o, complete_mma_tf32, place);
  std::memcpy(c, o.c, sizeof c);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_MATRIX_H
