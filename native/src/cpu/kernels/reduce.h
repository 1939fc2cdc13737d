// Declarations that the reductions share.
#ifndef HALFSTEP_CPU_KERNELS_REDUCE_H
#define HALFSTEP_CPU_KERNELS_REDUCE_H

#include "cpu/kernels/columns.h"
#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {

// Calls fn(type of x, type of y), each as a Type<...>.
template <class Fn>
HS_INLINE void with_types(const hs_reduce_desc& desc, const Fn& fn) {
  with_storage(desc.type, [&](auto type) {
    if (desc.out_type == HS_F32) {
      fn(type, Type<float>{});
    } else {
      fn(type, type);
    }
  });
}

// HS_MAX; defined in reduce_max.cpp.
void reduce_max(const ReduceArgs& args);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_REDUCE_H
