// The choice of the instruction set.
#include "cpu/isa.h"

#include <cstring>
#include <string>

#include "test.h"

using namespace hs::cpu;

TEST(without_a_wish_the_best_supported_one_is_taken) {
  const Isa* isa = nullptr;
  char problem[200] = "";
  CHECK(choose_isa(nullptr, &isa, problem, sizeof problem));
  const Isa* const best = isa;
  for (const Isa& better : all_isas()) {
    if (&better == best) break;
    CHECK(!isa_supported(better));
  }
  CHECK(isa_supported(*best));
  CHECK(choose_isa("", &isa, problem, sizeof problem) && isa == best);
  CHECK(problem[0] == '\0');
}

TEST(a_name_is_taken_if_and_only_if_the_machine_runs_it) {
  for (const Isa& wanted : all_isas()) {
    const Isa* isa = nullptr;
    char problem[200] = "";
    const bool accepted = choose_isa(wanted.name, &isa, problem, sizeof problem);
    CHECK(accepted == isa_supported(wanted));
    CHECK(accepted ? isa == &wanted : std::strstr(problem, "cannot run") != nullptr);
  }
  CHECK(all_isas().back().name == std::string("portable") && isa_supported(all_isas().back()));
}

TEST(an_unknown_name_is_refused_with_the_possible_ones) {
  const Isa* isa = nullptr;
  char problem[200] = "";
  CHECK(!choose_isa("avx1024", &isa, problem, sizeof problem));
  CHECK(std::strstr(problem, "avx1024") != nullptr);
#if defined(__x86_64__)
  CHECK(std::strstr(problem, "possible are avx512, avx2 and portable, or unset") != nullptr);
#else
  CHECK(std::strstr(problem, "possible are portable, or unset") != nullptr);
#endif
}

TEST_MAIN()
