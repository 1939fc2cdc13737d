// The matrix product for kernels that process parts of C as soon as they are computed.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_H
#define HALFSTEP_CPU_KERNELS_MATMUL_H

#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {

// A callback for finished parts of C, rows x columns from `c` on. The thread that computed the part
// calls it, while the part is in its caches. bias_grad may not have been computed yet.
struct PartDone {
  void (*call)(void* context, const float* c, int64_t rows, int64_t columns);  // null: no callback
  void* context;
};

// matmul with a callback. If `done.call` is not null, batch must be 1 and C must be F32.
void matmul_in_parts(const MatmulArgs& args, const PartDone& done);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_H
