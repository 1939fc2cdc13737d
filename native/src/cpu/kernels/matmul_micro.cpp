// Instances of the register kernels for every tile shape.
#include "cpu/kernels/matmul_micro.h"

namespace hs::cpu::HS_ISA {
namespace {

// The kernels for one number of vectors, without and with a masked last vector: of[rows - 1][tail].
template <int kMax>
struct Kernels {
  OuterFn of[kMax][2];
};

template <int kMax, int kVectors, int kRows = kMax>
constexpr void fill(Kernels<kMax>& table) {
  table.of[kRows - 1][0] = outer_tile<kRows, kVectors, false>;
  table.of[kRows - 1][1] = outer_tile<kRows, kVectors, true>;
  if constexpr (kRows > 1) fill<kMax, kVectors, kRows - 1>(table);
}

template <int kVectors, int kMax = kVectors <= kMaxVectors ? kMostRows[kVectors] : kWideRows>
constexpr Kernels<kMax> all_rows() {
  Kernels<kMax> table{};
  fill<kMax, kVectors>(table);
  return table;
}

struct DotKernels {
  DotFn of[kDotRows][kDotColumns];
};

template <int kIndex = kDotRows* kDotColumns - 1>
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

template <int kVectors>
constexpr auto kOuter = all_rows<kVectors>();
constexpr DotKernels kDots = all_dots();

// The kernel for `vectors` vectors, 1 ... kVectors.
template <int kVectors>
OuterFn outer_of(int rows, int vectors, bool tail) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return outer_of<kVectors - 1>(rows, vectors, tail);
  }
  return kOuter<kVectors>.of[rows - 1][tail];
}

}  // namespace

OuterFn outer_kernel(int rows, int vectors, bool tail) {
  if (vectors == kWideVectors) return kOuter<kWideVectors>.of[rows - 1][tail];
  return outer_of<kMaxVectors>(rows, vectors, tail);
}

DotFn dot_kernel(int rows, int columns) { return kDots.of[rows - 1][columns - 1]; }

}  // namespace hs::cpu::HS_ISA
