// The table of this instruction set's kernels.
#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {

extern const KernelTable kTable;

const KernelTable kTable = {
#define HS_ENTRY(name, Args)                 \
  [](void*, const Args& args) -> hs_status { \
    HS_ISA::name(args);                      \
    return HS_OK;                            \
  },
    HS_KERNELS(HS_ENTRY)
#undef HS_ENTRY
};

}  // namespace hs::cpu::HS_ISA
