// Compares a kernel's results with a reference in fp64; each value has its own error bound.
#ifndef HALFSTEP_TEST_COMPARE_H
#define HALFSTEP_TEST_COMPARE_H

#include <functional>

#include "device.h"

namespace hs::test {

inline constexpr double kUnit = 0x1p-24;  // the unit roundoff of a float

// The largest error of rounding a value to the storage type.
inline double rounding(hs_dtype type, double value) {
  for (const StorageType& t : kStorageTypes) {
    if (t.type == type) return t.unit * std::abs(value) + (type == HS_F16 ? 0x1p-25 : 1e-37);
  }
  return 0;
}

// A reference value and the largest error of a result, besides the rounding to the storage type.
struct Expected {
  double value, bound;
};

inline void check_close(const std::vector<float>& got, const std::vector<Expected>& expected,
                        hs_dtype type, const std::string& where) {
  CHECK_THAT(got.size() == expected.size(), where);
  size_t wrong = 0;
  std::string first;
  for (size_t i = 0; i < got.size(); i++) {
    const auto [value, bound] = expected[i];
    if (std::abs(got[i] - value) <= bound + rounding(type, value)) continue;
    if (wrong++ == 0) {
      char text[120];
      std::snprintf(text, sizeof text, "value %zu is %.9g for %.9g +- %.3g", i,
                    static_cast<double>(got[i]), value, bound);
      first = text;
    }
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(got.size()) +
                             " beyond the bound in " + where + ": " + first);
}

// The derivative of f in x[i], by central differences in fp64.
inline double slope(std::vector<double> x, size_t i,
                    const std::function<double(const std::vector<double>&)>& f) {
  const double at = x[i], h = 1e-5 * std::max(1.0, std::abs(at));
  x[i] = at + h;
  const double above = f(x);
  x[i] = at - h;
  return (above - f(x)) / (2 * h);
}

inline std::vector<double> wide(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

template <class T>
std::string shape_name(std::initializer_list<T> extents) {
  std::string text = "[";
  for (const T extent : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

}  // namespace hs::test

#endif  // HALFSTEP_TEST_COMPARE_H
