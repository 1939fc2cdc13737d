// Which of the instruction sets that the kernels are compiled for this process uses.
#ifndef HALFSTEP_CPU_ISA_H
#define HALFSTEP_CPU_ISA_H

namespace hs::cpu {

enum class Isa { kPortable, kAvx2, kAvx512 };

// "portable", "avx2" or "avx512".
const char* isa_name(Isa isa);

// Whether this machine, and its operating system, can run it.
bool isa_supported(Isa isa);

// The best one that the machine has, or the one that the environment variable HALFSTEP_CPU_ISA
// names; read once. When that name is refused, the best one and isa_problem() says why.
Isa active_isa();

// Null, or one sentence that says why HALFSTEP_CPU_ISA was refused.
const char* isa_problem();

// The rule behind both: `wanted` is null or empty for the best one. Returns false and writes a
// sentence to `problem` (of `size` bytes) for a name that is unknown or that the machine cannot
// run; *isa is the best one then.
bool choose_isa(const char* wanted, Isa* isa, char* problem, unsigned long size);

}  // namespace hs::cpu

#endif  // HALFSTEP_CPU_ISA_H
