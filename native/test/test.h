// A test executable: TEST(name) { CHECK(condition); } ... and one main, which runs them all.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace hs::test {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  std::printf("%s:%d: %s\n", file, line, what.c_str());
  ++failures();
}

// Runs the cases whose name contains the argument (all without one); 1 when a check failed.
inline int run(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  int ran = 0;
  int failed = 0;
  for (const Case& c : cases()) {
    if (std::string(c.name).find(filter) == std::string::npos) continue;
    const int before = failures();
    try {
      c.body();
    } catch (const std::exception& e) {
      fail(__FILE__, __LINE__, std::string("exception: ") + e.what());
    }
    const bool ok = failures() == before;
    std::printf("%s %s\n", ok ? "ok  " : "FAIL", c.name);
    ++ran;
    if (!ok) ++failed;
  }
  std::printf("%d passed, %d failed\n", ran - failed, failed);
  return failed > 0 || ran == 0 ? 1 : 0;
}

}  // namespace hs::test

#define TEST(name)                                                      \
  static void name();                                                   \
  static const hs::test::Registration name##_registration(#name, name); \
  static void name()

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) hs::test::fail(__FILE__, __LINE__, "not true: " #condition); \
  } while (false)

// For conditions whose values matter: CHECK_THAT(a == b, "a is " + std::to_string(a)).
#define CHECK_THAT(condition, message)                                                           \
  do {                                                                                           \
    if (!(condition))                                                                            \
      hs::test::fail(__FILE__, __LINE__, std::string("not true: " #condition ": ") + (message)); \
  } while (false)

#define TEST_MAIN() \
  int main(int argc, char** argv) { return hs::test::run(argc, argv); }
