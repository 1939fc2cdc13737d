#include "cpu/isa.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/kernels.h"
#include "cpu/each_isa.h"
#include "platform/processor.h"

namespace hs::cpu {

#define HS_DECLARE(isa)            \
  namespace isa {                  \
  extern const KernelTable kTable; \
  }
HS_EACH_ISA(HS_DECLARE)
#undef HS_DECLARE

namespace {

constexpr Isa kAll[] = {
#define HS_ENTRY(isa) {#isa, &isa::kTable},
    HS_EACH_ISA(HS_ENTRY)
#undef HS_ENTRY
};

const Isa& best() {
  const Isa* isa = kAll;
  while (!isa_supported(*isa)) ++isa;
  return *isa;
}

// All names in one text, such as "avx512, avx2 and portable".
std::string all_names() {
  std::string names;
  for (const Isa& isa : kAll) {
    if (&isa != kAll) names += &isa == std::end(kAll) - 1 ? " and " : ", ";
    names += isa.name;
  }
  return names;
}

struct Choice {
  const Isa* isa;
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

std::span<const Isa> all_isas() { return kAll; }

bool isa_supported(const Isa& isa) { return platform::runs(isa.name); }

bool choose_isa(const char* wanted, const Isa** isa, char* problem, size_t size) {
  *isa = &best();
  if (wanted == nullptr || *wanted == '\0') return true;
  for (const Isa& candidate : kAll) {
    if (std::strcmp(wanted, candidate.name) != 0) continue;
    if (isa_supported(candidate)) {
      *isa = &candidate;
      return true;
    }
    std::snprintf(problem, size,
                  "HALFSTEP_CPU_ISA is '%s', which this processor cannot run: its best is '%s'",
                  wanted, (*isa)->name);
    return false;
  }
  std::snprintf(problem, size,
                "HALFSTEP_CPU_ISA is '%.40s': possible are %s, or unset for the best of this "
                "machine ('%s')",
                wanted, all_names().c_str(), (*isa)->name);
  return false;
}

const Isa& active_isa() { return *choice().isa; }

const char* isa_problem() { return choice().accepted ? nullptr : choice().problem; }

}  // namespace hs::cpu
