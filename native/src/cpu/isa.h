// The instruction sets that the kernels are compiled for, and which one this process uses.
#ifndef HALFSTEP_CPU_ISA_H
#define HALFSTEP_CPU_ISA_H

#include <cstddef>
#include <span>

namespace hs {
struct KernelTable;
}

namespace hs::cpu {

struct Isa {
  const char* name;  // "avx512", "avx2", "portable" ...: what HALFSTEP_CPU_ISA and cmake call it
  const KernelTable* kernels;
};

// Those of this build, the best first. Every processor that can load the library runs the last.
std::span<const Isa> all_isas();

// Whether this machine, and its operating system, can run it.
bool isa_supported(const Isa& isa);

// The best one that the machine has, or the one that the environment variable HALFSTEP_CPU_ISA
// names; read once. When that name is refused, the best one and isa_problem() says why.
const Isa& active_isa();

// Null, or one sentence that says why HALFSTEP_CPU_ISA was refused.
const char* isa_problem();

// The rule behind both: `wanted` is null or empty for the best one. *isa is the one to use. Returns
// false and writes a sentence to `problem` (of `size` bytes) for a name that is unknown or that the
// machine cannot run; *isa is the best one then.
bool choose_isa(const char* wanted, const Isa** isa, char* problem, size_t size);

}  // namespace hs::cpu

#endif  // HALFSTEP_CPU_ISA_H
