// The instruction sets that the kernels are compiled for, and the choice of the one that this
// process uses.
#ifndef HALFSTEP_CPU_ISA_H
#define HALFSTEP_CPU_ISA_H

#include <cstddef>
#include <span>

namespace hs {
struct KernelTable;
}

namespace hs::cpu {

struct Isa {
  const char* name;  // its name in HALFSTEP_CPU_ISA and cmake: "avx512", "avx2", "portable" ...
  const KernelTable* kernels;
};

// The instruction sets of this build, the best first. Every processor that can load the library can
// run the last one.
std::span<const Isa> all_isas();

// Whether this machine and its operating system can run it.
bool isa_supported(const Isa& isa);

// The instruction set in use: the one that the environment variable HALFSTEP_CPU_ISA names, or
// otherwise the best that the machine has. The variable is read once. If its name is refused,
// isa_problem() says why, and this returns the best one.
const Isa& active_isa();

// Null, or one sentence that says why HALFSTEP_CPU_ISA was refused.
const char* isa_problem();

// Chooses the instruction set for both: sets *isa to the one named `wanted`, or to the best one if
// `wanted` is null or empty. If the name is unknown, or the machine cannot run it, sets *isa to the
// best one, writes a sentence to `problem` (of `size` bytes) and returns false.
bool choose_isa(const char* wanted, const Isa** isa, char* problem, size_t size);

}  // namespace hs::cpu

#endif  // HALFSTEP_CPU_ISA_H
