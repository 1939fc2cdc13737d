// The kernels' launchers. Each launches its kernels and returns at once; core has checked the
// arguments. The plug-in and the simulated device share the table.
#ifndef HALFSTEP_CUDA_KERNELS_H
#define HALFSTEP_CUDA_KERNELS_H

#include "core/kernels.h"

namespace hs::cuda {

#define HS_DECLARE(name, Args) hs_status name(void* stream, const Args& args);
HS_KERNELS(HS_DECLARE)
#undef HS_DECLARE

KernelTable kernel_table();

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_KERNELS_H
