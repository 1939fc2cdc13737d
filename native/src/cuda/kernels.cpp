// The table of the kernels.
#include "cuda/kernels.h"

namespace hs::cuda {

KernelTable kernel_table() {
  KernelTable table;
#define HS_ENTER(name, Args) table.name = cuda::name;
  HS_KERNELS(HS_ENTER)
#undef HS_ENTER
  return table;
}

}  // namespace hs::cuda
