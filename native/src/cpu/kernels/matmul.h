// The matrix product for kernels that go on with its parts.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_H
#define HALFSTEP_CPU_KERNELS_MATMUL_H

#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {

// Called by the thread that has finished a part of C, rows x columns from `c` on, while it lies in
// that thread's caches. The gradient of the bias is not yet there.
struct PartDone {
  void (*call)(void* context, const float* c, int64_t rows, int64_t columns);  // null: nobody asks
  void* context;
};

// matmul, batch 1 and C in F32 where `done` is asked for.
void matmul_in_parts(const MatmulArgs& args, const PartDone& done);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_H
