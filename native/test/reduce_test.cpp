// Reductions and their gradients against their definitions in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

// Rows of one value, short and odd rows, one element below and above a chunk, several chunks;
// columns that are joined, one below and one above vectors, blocks of columns, chunks of rows with
// a rest.
constexpr size_t kShapes[][3] = {
    {0, 3, 4},    {1, 1, 1},     {5, 1, 1},     {7, 3, 1},      {4, 100, 1},
    {33, 65, 1},  {6, 128, 1},   {2, 40000, 1}, {2, 16385, 1},  {1, 100003, 1},
    {3, 1, 5},    {2, 5, 3},     {1, 1000, 2},  {2, 777, 7},    {1, 5001, 10},
    {3, 40, 16},  {2, 33, 63},   {2, 300, 64},  {1, 129, 65},   {3, 17, 1000},
    {1, 3, 1025}, {2, 50, 2049}, {1, 20000, 3}, {1, 2, 100003}, {4, 1, 0}};

hs_reduce_desc describe(hs_reduction reduction, hs_dtype type, hs_dtype out,
                        const size_t (&shape)[3], float beta = 0) {
  return {reduction,
          type,
          out,
          static_cast<int64_t>(shape[0]),
          static_cast<int64_t>(shape[1]),
          static_cast<int64_t>(shape[2]),
          beta};
}

std::string name_of(const hs_reduce_desc& d) {
  return shape_name({d.outer, d.extent, d.inner}) + " reduction " + std::to_string(d.reduction) +
         " type " + std::to_string(d.type) + " to " + std::to_string(d.out_type);
}

// The offset of the addresses in elements. It is 0 for some of the shapes whose runs are multiples
// of vectors.
size_t shift_of(const hs_reduce_desc& d) { return d.outer % 3 == 1 ? 1 : 0; }

// Calls fn(index in y, e, index in x) for each element of x; e is its index in the extent.
template <class Fn>
void for_elements(const hs_reduce_desc& d, const Fn& fn) {
  for (int64_t o = 0; o < d.outer; o++) {
    for (int64_t e = 0; e < d.extent; e++) {
      for (int64_t i = 0; i < d.inner; i++) {
        fn(static_cast<size_t>(o * d.inner + i), static_cast<int32_t>(e),
           static_cast<size_t>((o * d.extent + e) * d.inner + i));
      }
    }
  }
}

void check_sum(Device& device, const hs_reduce_desc& d) {
  const size_t outputs = static_cast<size_t>(d.outer * d.inner);
  const size_t inputs = outputs * static_cast<size_t>(d.extent);
  const size_t shift = shift_of(d);
  StorageArray x(device, d.type, normals(inputs, 1, 1, 0.5f), shift);
  StorageArray y(device, d.out_type, outputs, shift);
  std::vector<float> before(outputs);
  if (d.beta != 0) {
    y.set(normals(outputs, 2));
    before = y.get();
  }
  CHECK_OK(hs_reduce(device.stream(), &d, x.address(), y.address(), 0));
  const std::vector<float> xs = x.get();
  const double factor = d.reduction == HS_MEAN ? 1.0 / static_cast<double>(d.extent) : 1.0;
  std::vector<Expected> sums(outputs);
  for_elements(d, [&](size_t at, int32_t, size_t i) {
    sums[at].value += factor * xs[i];
    sums[at].bound += factor * std::abs(xs[i]);
  });
  for (size_t i = 0; i < outputs; i++) {
    const double old = static_cast<double>(d.beta) * before[i];
    const double lost = 4 + std::sqrt(static_cast<double>(std::min<int64_t>(d.extent, 1 << 14)));
    sums[i] = {sums[i].value + old, kUnit * (lost * sums[i].bound + 2 * std::abs(old))};
  }
  check_close(y.get(), sums, d.out_type, name_of(d));

  StorageArray dy(device, d.out_type, normals(outputs, 3), shift);
  StorageArray dx(device, d.type, inputs, shift);
  CHECK_OK(hs_reduce_backward(device.stream(), &d, dy.address(), 0, dx.address()));
  const std::vector<float> g = dy.get();
  std::vector<Expected> expected(inputs);
  for_elements(d, [&](size_t at, int32_t, size_t i) {
    expected[i] = {factor * g[at], 2 * kUnit * std::abs(factor * g[at])};
  });
  check_close(dx.get(), expected, d.type, name_of(d) + " dx");
}

void check_max(Device& device, const hs_reduce_desc& d, const std::vector<float>& values) {
  const size_t outputs = static_cast<size_t>(d.outer * d.inner), inputs = values.size();
  const size_t shift = shift_of(d);
  StorageArray x(device, d.type, values, shift), y(device, d.out_type, outputs, shift);
  Array<int32_t> index(device, outputs, 1);
  CHECK_OK(hs_reduce(device.stream(), &d, x.address(), y.address(), index.address()));
  const std::vector<float> xs = x.get(), ys = y.get();
  const std::vector<int32_t> places = index.get();
  std::vector<float> best(outputs);
  std::vector<int32_t> best_places(outputs, -1);
  for_elements(d, [&](size_t at, int32_t e, size_t i) {
    const bool larger = xs[i] > best[at] || (std::isnan(xs[i]) && !std::isnan(best[at]));
    if (best_places[at] >= 0 && !larger) return;
    best[at] = xs[i];
    best_places[at] = e;
  });
  size_t wrong = 0;
  for (size_t i = 0; i < outputs; i++) {
    const bool same = std::isnan(best[i]) ? std::isnan(ys[i]) : ys[i] == best[i];
    if (!same || places[i] != best_places[i]) wrong++;
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " in " + name_of(d));
  StorageArray without(device, d.out_type, outputs, 1);
  CHECK_OK(hs_reduce(device.stream(), &d, x.address(), without.address(), 0));
  CHECK(same_bits(without.get(), ys));

  StorageArray dy(device, d.out_type, normals(outputs, 3), shift);
  StorageArray dx(device, d.type, inputs, shift);
  CHECK_OK(hs_reduce_backward(device.stream(), &d, dy.address(), index.address(), dx.address()));
  const std::vector<float> g = dy.get();
  std::vector<Expected> expected(inputs);
  for_elements(d, [&](size_t at, int32_t e, size_t i) {
    expected[i] = {e == places[at] ? g[at] : 0.0, 0};
  });
  check_close(dx.get(), expected, d.type, name_of(d) + " dx");
}

}  // namespace

TEST(sums_and_means_match_the_definition) {
  on_devices([](Device& device) {
    for (const auto& shape : kShapes) {
      for (const StorageType& type : kStorageTypes) {
        check_sum(device, describe(HS_SUM, type.type, HS_F32, shape));
        check_sum(device, describe(HS_MEAN, type.type, type.type, shape, 0.5f));
      }
    }
  });
}

TEST(maxima_and_their_places_match_the_definition) {
  on_devices([](Device& device) {
    for (const auto& shape : kShapes) {
      const size_t count = shape[0] * shape[1] * shape[2];
      for (const StorageType& type : kStorageTypes) {
        check_max(device, describe(HS_MAX, type.type, type.type, shape), normals(count, 1));
        check_max(device, describe(HS_MAX, type.type, HS_F32, shape), normals(count, 2, 100));
      }
    }
  });
}

TEST(the_first_of_equal_maxima_and_the_first_NaN_win) {
  on_devices([](Device& device) {
    for (const auto& shape : kShapes) {
      const size_t count = shape[0] * shape[1] * shape[2];
      std::vector<float> few(count), none(count, -kInfinity), nans = normals(count, 3);
      for (size_t i = 0; i < count; i++) {
        few[i] = static_cast<float>(i * 7919 % 3);
        if (i % 11 == 5) nans[i] = kNaN;
      }
      const hs_reduce_desc d = describe(HS_MAX, HS_F32, HS_F32, shape);
      check_max(device, d, few);
      check_max(device, d, none);
      check_max(device, d, nans);
    }
  });
}

TEST(a_place_outside_of_what_was_reduced_receives_nothing) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_F32, HS_BF16, HS_F16}) {
      for (size_t inner : {1, 3}) {
        const size_t shape[3] = {5, 4, inner};
        const hs_reduce_desc d = describe(HS_MAX, type, HS_F32, shape);
        Array<float> dy(device, std::vector<float>(5 * inner, 7));
        std::vector<int32_t> places;
        for (int32_t place : {-1, 2, 4, 1 << 30, INT32_MIN})
          places.insert(places.end(), inner, place);
        Array<int32_t> index(device, places);
        StorageArray dx(device, type, 5 * 4 * inner, 1);
        CHECK_OK(
            hs_reduce_backward(device.stream(), &d, dy.address(), index.address(), dx.address()));
        std::vector<float> expected(5 * 4 * inner);
        for (size_t i = 0; i < inner; i++) expected[(1 * 4 + 2) * inner + i] = 7;
        CHECK_THAT(dx.get() == expected, name_of(d));
      }
    }
  });
}

TEST(integer_sums_are_exact) {
  on_devices([](Device& device) {
    for (const auto& shape : kShapes) {
      const hs_reduce_desc d = describe(HS_SUM, HS_F32, HS_F32, shape);
      const size_t outputs = shape[0] * shape[2], inputs = outputs * shape[1];
      std::vector<float> values(inputs);
      for (size_t i = 0; i < inputs; i++) values[i] = static_cast<float>(i % 17) - 8;
      Array<float> x(device, values, 1), y(device, outputs, 1);
      CHECK_OK(hs_reduce(device.stream(), &d, x.address(), y.address(), 0));
      std::vector<float> sums(outputs);
      for_elements(d, [&](size_t at, int32_t, size_t i) { sums[at] += values[i]; });
      CHECK_THAT(y.get() == sums, name_of(d));
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    constexpr size_t kLarge[][3] = {{3, 100003, 1}, {2, 5001, 100}, {1000, 33, 1}, {1, 100003, 3}};
    for (const auto& shape : kLarge) {
      for (hs_reduction reduction : {HS_SUM, HS_MAX}) {
        const hs_reduce_desc d = describe(reduction, HS_F32, HS_F32, shape);
        Array<float> x(device, normals(shape[0] * shape[1] * shape[2], 1));
        Array<float> y(device, shape[0] * shape[2]);
        check_same_everywhere(
            device, [&](hs_stream s) { CHECK_OK(hs_reduce(s, &d, x.address(), y.address(), 0)); },
            [&] { return y.get(); });
      }
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    const size_t shape[3] = {2, 3, 4}, empty[3] = {2, 0, 4};
    const auto call = [&](const hs_reduce_desc& d, hs_ptr index = 0) {
      return hs_reduce(s, &d, at, at, index);
    };
    CHECK_REFUSED(call(describe(3, HS_F32, HS_F32, shape)), "3 is not an hs_reduction");
    CHECK_REFUSED(call(describe(HS_SUM, HS_I32, HS_F32, shape)), "of I32 into F32");
    CHECK_REFUSED(call(describe(HS_SUM, HS_BF16, HS_F16, shape)), "of BF16 into F16");
    CHECK_REFUSED(call(describe(HS_SUM, HS_F32, HS_F32, empty)), "extent must be positive");
    CHECK_REFUSED(call(describe(HS_MAX, HS_F32, HS_F32, shape, 1)), "cannot be accumulated");
    CHECK_REFUSED(call(describe(HS_SUM, HS_F32, HS_F32, shape), at), "only a maximum has places");
    const hs_reduce_desc sum = describe(HS_SUM, HS_F32, HS_F32, shape);
    const hs_reduce_desc maximum = describe(HS_MAX, HS_F32, HS_F32, shape);
    CHECK_REFUSED(hs_reduce(s, nullptr, at, at, 0), "desc is null");
    CHECK_REFUSED(hs_reduce(s, &sum, at, 0, 0), "y is 0");
    CHECK_REFUSED(hs_reduce_backward(s, &maximum, at, 0, at), "needs the index");
    CHECK_REFUSED(hs_reduce_backward(s, &sum, 0, 0, at), "dy is 0");
  });
}

KERNEL_TEST_MAIN()
