// The table of kernels that a backend must provide: one function for each kernel.
#ifndef HALFSTEP_CORE_KERNELS_H
#define HALFSTEP_CORE_KERNELS_H

#include "core/kernel_args.h"  // generated, as are the checks of addresses: see native/kernels.txt

namespace hs {

// `stream` comes from the backend's stream_create (null for a call without a stream on the CPU).
// Core has checked the arguments (core/calls), and a backend may rely on that.
struct KernelTable {
#define HS_KERNEL_MEMBER(name, Args) hs_status (*name)(void* stream, const Args& args);
  HS_KERNELS(HS_KERNEL_MEMBER)
#undef HS_KERNEL_MEMBER
};

}  // namespace hs

#endif  // HALFSTEP_CORE_KERNELS_H
