// The choice of the instruction set.
#include "cpu/isa.h"

#include <cstring>

#include "test.h"

using namespace hs::cpu;

TEST(without_a_wish_the_best_supported_one_is_taken) {
  Isa isa;
  char problem[200] = "";
  CHECK(choose_isa(nullptr, &isa, problem, sizeof problem));
  CHECK(isa_supported(isa));
  const Isa best = isa;
  CHECK(choose_isa("", &isa, problem, sizeof problem) && isa == best);
  CHECK(problem[0] == '\0');
}

TEST(a_name_is_taken_if_and_only_if_the_machine_runs_it) {
  for (Isa wanted : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    Isa isa;
    char problem[200] = "";
    const bool accepted = choose_isa(isa_name(wanted), &isa, problem, sizeof problem);
    CHECK(accepted == isa_supported(wanted));
    CHECK(accepted ? isa == wanted : std::strstr(problem, "cannot run") != nullptr);
  }
  CHECK(isa_supported(Isa::kPortable));
}

TEST(an_unknown_name_is_refused_with_the_possible_ones) {
  Isa isa;
  char problem[200] = "";
  CHECK(!choose_isa("avx1024", &isa, problem, sizeof problem));
  CHECK(std::strstr(problem, "avx1024") != nullptr);
  CHECK(std::strstr(problem, "avx512, avx2 and portable") != nullptr);
}

TEST_MAIN()
