#include "cpu/isa.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace hs::cpu {
namespace {

constexpr Isa kAll[] = {Isa::kAvx512, Isa::kAvx2, Isa::kPortable};  // best first

Isa best() {
  for (Isa isa : kAll) {
    if (isa_supported(isa)) return isa;
  }
  return Isa::kPortable;
}

struct Choice {
  Isa isa;
  bool accepted;
  char problem[200];
};

const Choice& choice() {
  static const Choice chosen = [] {
    Choice c{};
    c.accepted = choose_isa(std::getenv("HALFSTEP_CPU_ISA"), &c.isa, c.problem, sizeof c.problem);
    return c;
  }();
  return chosen;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    default:
      return "portable";
  }
}

// The levels that the kernels are compiled for (-march=x86-64-v4 and -v3). The compiler's check
// asks the processor and whether the operating system saves the registers.
bool isa_supported(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return __builtin_cpu_supports("x86-64-v4") != 0;
    case Isa::kAvx2:
      return __builtin_cpu_supports("x86-64-v3") != 0;
    default:
      return true;
  }
}

bool choose_isa(const char* wanted, Isa* isa, char* problem, unsigned long size) {
  *isa = best();
  if (wanted == nullptr || *wanted == '\0') return true;
  for (Isa candidate : kAll) {
    if (std::strcmp(wanted, isa_name(candidate)) != 0) continue;
    if (isa_supported(candidate)) {
      *isa = candidate;
      return true;
    }
    std::snprintf(problem, size,
                  "HALFSTEP_CPU_ISA is '%s', which this processor cannot run: its best is '%s'",
                  wanted, isa_name(*isa));
    return false;
  }
  std::snprintf(problem, size,
                "HALFSTEP_CPU_ISA is '%.40s': possible are avx512, avx2 and portable, or unset "
                "for the best of this machine ('%s')",
                wanted, isa_name(*isa));
  return false;
}

Isa active_isa() { return choice().isa; }

const char* isa_problem() { return choice().accepted ? nullptr : choice().problem; }

}  // namespace hs::cpu
