// Instances of the register kernels that read a convolution's matrix from a patch.
#include "cpu/kernels/conv2d_patch.h"

#include "cpu/kernels/matmul_plan.h"

namespace hs::cpu::HS_ISA {
namespace {

template <int kRows, int kVectors, bool kTail>
void patch_tile(const PatchTile& t) {
  const OuterTile& o = t.tile;
  const Mask tail = o.tail;
  const auto load_part = [tail](const float* p, int j) __attribute__((always_inline)) {
    return kTail && j == kVectors - 1 ? load(p + j * kLanes, tail) : load(p + j * kLanes);
  };
  vf sum[kRows][kVectors];
  const float* a[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    a[i] = t.patch + t.places[i];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      __builtin_prefetch(o.c + i * o.ldc + j * kLanes, 1);
      sum[i][j] = vf{};
    }
  }
  const float* b = o.b;
  const int64_t a_step = o.a_step, b_step = o.b_step;
  for (const Run* run = t.runs; run != t.runs + t.count; ++run) {
    int64_t at = run->at;
    for (int64_t left = run->steps; left > 0; --left) {
      vf row[kVectors];
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) row[j] = load_part(b, j);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const vf spread = set1(a[i][at]);
#pragma GCC unroll 8
        for (int j = 0; j < kVectors; ++j) sum[i][j] = spread * row[j] + sum[i][j];
      }
      at += a_step;
      b += b_step;
    }
  }
  const Epilogue epilogue(o);
  float* c = o.c;
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      if (kTail && j == kVectors - 1) {
        epilogue(sum[i][j], c + j * kLanes, j * kLanes, tail);
      } else {
        epilogue(sum[i][j], c + j * kLanes, j * kLanes, AllLanes{});
      }
    }
    c += o.ldc;
  }
}

using PatchFn = void (*)(const PatchTile&);

// The kernels for each number of rows, without and with a partial last vector: of[rows - 1][tail].
template <int kMax>
struct Kernels {
  PatchFn of[kMax][2];
};

template <int kMax, int kVectors, int kRows = kMax>
constexpr void fill(Kernels<kMax>& table) {
  table.of[kRows - 1][0] = patch_tile<kRows, kVectors, false>;
  table.of[kRows - 1][1] = patch_tile<kRows, kVectors, true>;
  if constexpr (kRows > 1) fill<kMax, kVectors, kRows - 1>(table);
}

template <int kVectors>
constexpr auto all_rows() {
  Kernels<kPatchRows[kVectors]> table{};
  fill<kPatchRows[kVectors], kVectors>(table);
  return table;
}

template <int kVectors>
constexpr auto kPatch = all_rows<kVectors>();

// The kernel for `vectors` vectors, 1 ... kVectors.
template <int kVectors>
PatchFn patch_kernel(int64_t rows, int64_t vectors, bool tail) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return patch_kernel<kVectors - 1>(rows, vectors, tail);
  }
  return kPatch<kVectors>.of[rows - 1][tail];
}

}  // namespace

void run_patch_panel(PatchTile t, int64_t rows, int64_t columns) {
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  const int64_t last = columns - (vectors - 1) * kLanes;
  t.tile.tail = first_lanes(last);
  const Cut parts = cut(rows, (rows + kPatchRows[vectors] - 1) / kPatchRows[vectors]);
  for (int64_t i = 0; i < parts.parts; ++i) {
    const int64_t height = parts.begin(i + 1) - parts.begin(i);
    patch_kernel<kMaxVectors>(height, vectors, last != kLanes)(t);
    t.places += height;
    t.tile.c += height * t.tile.ldc;
  }
}

}  // namespace hs::cpu::HS_ISA
