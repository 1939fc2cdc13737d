// The CPU's kernels, declared here and defined once for each instruction set (HS_ISA). They run on
// the calling thread and the pool. Core has checked their arguments; only thread_scratch can throw.
#ifndef HALFSTEP_CPU_KERNELS_H
#define HALFSTEP_CPU_KERNELS_H

#include "core/kernels.h"

namespace hs::cpu::HS_ISA {

#define HS_DECLARE(name, Args) void name(const Args& args);
HS_KERNELS(HS_DECLARE)
#undef HS_DECLARE

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_H
