// The table of the kernels.
#include "cuda/kernels.h"

#include "core/error.h"

namespace hs::cuda {

KernelTable kernel_table() {
  KernelTable table{};
#define HS_MISSING(name, Args)                                                          \
  table.name = [](void*, const Args&) -> hs_status {                                    \
    return fail(HS_UNSUPPORTED, #name " does not run on CUDA devices: use device cpu"); \
  };
  HS_KERNELS(HS_MISSING)
#undef HS_MISSING
#define HS_PRESENT(name, Args) table.name = cuda::name;
  HS_CUDA_KERNELS(HS_PRESENT)
#undef HS_PRESENT
  return table;
}

}  // namespace hs::cuda
