// The register kernels of every tile shape.
#include "cpu/kernels/matmul_micro.h"

namespace hs::cpu::HS_ISA {
namespace {

// table[rows - 1] = the kernel of that many rows.
template <int kMax>
struct Kernels {
  OuterFn of[kMax];
};

template <int kMax, int kVectors, bool kTail, int kRows = kMax>
constexpr void fill(Kernels<kMax>& table) {
  table.of[kRows - 1] = outer_tile<kRows, kVectors, kTail>;
  if constexpr (kRows > 1) fill<kMax, kVectors, kTail, kRows - 1>(table);
}

template <int kMax, int kVectors, bool kTail>
constexpr Kernels<kMax> all_rows() {
  Kernels<kMax> table{};
  fill<kMax, kVectors, kTail>(table);
  return table;
}

struct DotKernels {
  DotFn of[kDotRows][kDotColumns];
};

template <int kIndex = kDotRows * kDotColumns - 1>
constexpr void fill(DotKernels& table) {
  constexpr int kRow = kIndex / kDotColumns, kColumn = kIndex % kDotColumns;
  table.of[kRow][kColumn] = dot_tile<kRow + 1, kColumn + 1>;
  if constexpr (kIndex > 0) fill<kIndex - 1>(table);
}

constexpr DotKernels all_dots() {
  DotKernels table{};
  fill(table);
  return table;
}

constexpr Kernels<kRows1> kOne = all_rows<kRows1, 1, false>();
constexpr Kernels<kRows1> kOneTail = all_rows<kRows1, 1, true>();
constexpr Kernels<kRows2> kTwo = all_rows<kRows2, 2, false>();
constexpr Kernels<kRows2> kTwoTail = all_rows<kRows2, 2, true>();
constexpr Kernels<kWideRows> kWide = all_rows<kWideRows, kWideVectors, false>();
constexpr DotKernels kDots = all_dots();

}  // namespace

OuterFn outer_kernel(int rows, int vectors, bool tail) {
  if (vectors == 1) return (tail ? kOneTail : kOne).of[rows - 1];
  if (vectors == 2) return (tail ? kTwoTail : kTwo).of[rows - 1];
  return kWide.of[rows - 1];
}

DotFn dot_kernel(int rows, int columns) { return kDots.of[rows - 1][columns - 1]; }

}  // namespace hs::cpu::HS_ISA
