// The plan of a matrix product: how it is cut into tiles, and which register kernel computes them.
// It depends on the shape alone, so that results do not depend on the number of threads.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H
#define HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H

#include "cpu/kernels/matmul_micro.h"
#include "halfstep.h"

namespace hs::cpu::HS_ISA {

// A range of `count` items cut into parts whose sizes differ by at most one, the longer parts
// first.
struct Cut {
  int64_t parts, base, longer;
  int64_t begin(int64_t i) const { return i * base + (i < longer ? i : longer); }
};
HS_INLINE Cut cut(int64_t count, int64_t parts) {
  return parts == 0 ? Cut{0, 0, 0} : Cut{parts, count / parts, count % parts};
}

enum class PackA {
  kInPlace,  // the kernel reads A itself
  kByTile,   // each tile packs its rows, one block of k at a time
  kOnce,     // all of A is packed before the tiles start
};

struct MatmulPlan {
  bool dot;       // true: dot_tile; false: thin_row or outer_tile
  bool in_place;  // the register kernel writes C itself; otherwise a second pass does, from sums
  PackA pack_a;
  bool pack_b;
  bool thin;   // thin_row computes each row
  bool wide;   // tiles are kWideRows x kWideVectors, except at the edges
  Cut blocks;  // blocks of k, added one after the other
  // Panels of C's rows, and panels of its columns, counted in columns for dot_tile and in vectors
  // for outer_tile.
  Cut rows, columns;
  // The pool's tiles: parts of the panels of one matrix, or `group` whole matrices.
  Cut down, across;
  bool columns_first;  // consecutive tiles cover the same columns, one below the other
  int64_t group, groups;
  double cost_ns;  // time of the whole product on one thread

  int64_t tiles() const { return groups * down.parts * across.parts; }
};

// Plans a product. `simple`: C is F32, there is no aux, and the activation can be applied in
// registers (none or ReLU).
MatmulPlan plan_matmul(const hs_matmul_desc& desc, bool simple);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H
