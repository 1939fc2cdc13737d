// Permutations of dimensions, compared byte by byte.
#include <numeric>

#include "compare.h"

using namespace hs::test;

namespace {

template <class T>
std::vector<T> numbered(size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; i++) values[i] = static_cast<T>(i * 2654435761u + 12345);
  return values;
}

template <class T>
void check_permutation(Device& device, hs_dtype type, const std::vector<int64_t>& extents,
                       const std::vector<int32_t>& permutation) {
  const size_t rank = extents.size();
  const size_t count = static_cast<size_t>(
      std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>()));
  const std::vector<T> values = numbered<T>(count);
  const size_t shift = rank % 2;
  Array<T> x(device, values, shift), y(device, count, 3 * shift);
  CHECK_OK(hs_permute(device.stream(), type, static_cast<int32_t>(rank), extents.data(),
                      permutation.data(), x.address(), y.address()));
  // Computes each element of y from its index in every dimension.
  std::vector<size_t> stride(rank, 1);
  for (size_t d = rank - 1; d > 0; d--) stride[d - 1] = stride[d] * static_cast<size_t>(extents[d]);
  std::vector<T> expected(count);
  for (size_t i = 0; i < count; i++) {
    size_t rest = i, from = 0;
    for (size_t d = rank; d-- > 0;) {
      const size_t dimension = static_cast<size_t>(permutation[d]);
      const size_t extent = static_cast<size_t>(extents[dimension]);
      from += rest % extent * stride[dimension];
      rest /= extent;
    }
    expected[i] = values[from];
  }
  std::string name;
  for (size_t d = 0; d < rank; d++) {
    name += std::to_string(extents[d]) + "->" + std::to_string(permutation[d]) + " ";
  }
  CHECK_THAT(same_bits(y.get(), expected), name + "type " + std::to_string(type));
}

}  // namespace

TEST(every_permutation_of_four_dimensions_is_right) {
  on_devices([](Device& device) {
    for (const std::vector<int64_t>& extents :
         {std::vector<int64_t>{2, 3, 4, 5}, {1, 17, 1, 33}, {3, 16, 16, 2}, {5, 1, 40, 19}}) {
      std::vector<int32_t> permutation{0, 1, 2, 3};
      do {
        check_permutation<uint32_t>(device, HS_F32, extents, permutation);
      } while (std::next_permutation(permutation.begin(), permutation.end()));
    }
  });
}

TEST(all_types_and_ranks_are_moved) {
  on_devices([](Device& device) {
    const std::vector<int64_t> extents{7, 31, 18};
    const std::vector<int32_t> permutation{2, 0, 1};
    check_permutation<uint8_t>(device, HS_U8, extents, permutation);
    check_permutation<uint16_t>(device, HS_BF16, extents, permutation);
    check_permutation<uint16_t>(device, HS_F16, extents, permutation);
    check_permutation<uint32_t>(device, HS_F32, extents, permutation);
    check_permutation<uint32_t>(device, HS_I32, extents, permutation);
    check_permutation<uint64_t>(device, HS_I64, extents, permutation);
    check_permutation<uint64_t>(device, HS_F64, extents, permutation);
    check_permutation<uint32_t>(device, HS_F32, {5}, {0});
    check_permutation<uint32_t>(device, HS_F32, {1, 1}, {1, 0});
    check_permutation<uint32_t>(device, HS_F32, {100003}, {0});
    check_permutation<uint32_t>(device, HS_F32, {2, 0, 3}, {2, 1, 0});
    check_permutation<uint32_t>(device, HS_F32, {300, 1001}, {1, 0});
    check_permutation<uint16_t>(device, HS_BF16, {64, 28 * 28, 3}, {0, 2, 1});  // NHWC to NCHW
    check_permutation<uint32_t>(device, HS_F32, {2, 12, 8, 64}, {0, 2, 1, 3});  // attention heads
    check_permutation<uint32_t>(device, HS_F32, {2, 3, 4, 5, 6, 7}, {5, 3, 1, 0, 2, 4});
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const int64_t extents[] = {50, 33, 70};
    const int32_t permutation[] = {2, 0, 1};
    const size_t count = 50 * 33 * 70;
    Array<uint32_t> x(device, numbered<uint32_t>(count)), y(device, count);
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_permute(s, HS_F32, 3, extents, permutation, x.address(), y.address()));
        },
        [&] { return y.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    const int64_t extents[] = {2, 3, -1};
    const int32_t fine[] = {1, 0}, twice[] = {1, 1}, outside[] = {0, 2}, three[] = {0, 1, 2};
    CHECK_REFUSED(hs_permute(s, 9, 2, extents, fine, at, at), "9 is not an hs_dtype");
    CHECK_REFUSED(hs_permute(s, HS_F32, 0, extents, fine, at, at), "rank 0");
    CHECK_REFUSED(hs_permute(s, HS_F32, 7, extents, fine, at, at), "rank 7");
    CHECK_REFUSED(hs_permute(s, HS_F32, 2, nullptr, fine, at, at), "is null");
    CHECK_REFUSED(hs_permute(s, HS_F32, 2, extents, twice, at, at), "there twice");
    CHECK_REFUSED(hs_permute(s, HS_F32, 2, extents, outside, at, at), "dimension 2 at place 1");
    CHECK_REFUSED(hs_permute(s, HS_F32, 3, extents, three, at, at), "extent 2 is -1");
    CHECK_REFUSED(hs_permute(s, HS_F32, 2, extents, fine, 0, at), "x is 0");
  });
}

KERNEL_TEST_MAIN()
