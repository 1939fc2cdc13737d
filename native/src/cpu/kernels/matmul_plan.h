// How one matrix product is cut and which register kernel computes it: a function of the shape
// alone, so that results do not depend on the number of threads.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H
#define HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H

#include "cpu/kernels/matmul_micro.h"
#include "halfstep.h"

namespace hs::cpu::HS_ISA {

// `count` things cut into parts whose sizes differ by at most one, the longer ones first.
struct Cut {
  int64_t parts, base, longer;
  int64_t begin(int64_t i) const { return i * base + (i < longer ? i : longer); }
};
HS_INLINE Cut cut(int64_t count, int64_t parts) {
  return parts == 0 ? Cut{0, 0, 0} : Cut{parts, count / parts, count % parts};
}

enum class PackA {
  kInPlace,  // the kernel reads A where it lies
  kByTile,   // each tile packs its rows, one block of k at a time
  kOnce,     // packed before the tiles start, for all of them
};

struct MatmulPlan {
  bool dot;       // dot_tile, else thin_row or outer_tile
  bool in_place;  // the register kernel writes C itself; else sums are finished in a second pass
  PackA pack_a;
  bool pack_b;
  bool thin;   // thin_row, row after row
  bool wide;   // tiles of kWideRows x kWideVectors, as far as they go
  Cut blocks;  // of k, summed one after the other
  // Panels of C's rows; panels of its columns, counted in columns for dot_tile and in vectors for
  // outer_tile.
  Cut rows, columns;
  // Tiles of the pool: these parts of the panels of one matrix, or `group` whole matrices.
  Cut down, across;
  bool columns_first;  // tiles that follow each other lie below each other
  int64_t group, groups;
  double cost_ns;  // of the whole product, on one thread

  int64_t tiles() const { return groups * down.parts * across.parts; }
};

// `simple` says that C is F32 and its activation can be applied in registers (none or ReLU, no
// aux).
MatmulPlan plan_matmul(const hs_matmul_desc& desc, bool simple);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_PLAN_H
