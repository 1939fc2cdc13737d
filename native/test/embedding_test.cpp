// Embedding: the rows of a table that tokens name, and the gradient of the table.
#include "compare.h"

using namespace hs::test;

namespace {

// Vocabulary, width, tokens: one of each; odd widths; one below and one above a block of columns;
// more tokens than rows and fewer; many tiles of rows; no tokens.
constexpr size_t kShapes[][3] = {{1, 1, 1},    {5, 3, 20},     {10, 16, 7},   {100, 65, 300},
                                 {7, 255, 40}, {3, 257, 100},  {50, 768, 33}, {20000, 5, 1000},
                                 {13, 64, 0},  {2, 1000, 5000}};

// A skewed distribution: token 0 is frequent, some tokens never occur.
std::vector<int32_t> some_tokens(size_t vocabulary, size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; i++) {
    const size_t token = i * 7919 % (2 * vocabulary);
    tokens[i] = static_cast<int32_t>(token < vocabulary ? token : 0);
  }
  return tokens;
}

struct Sizes {
  int64_t vocabulary, width, count;
};
Sizes sizes_of(const size_t (&shape)[3]) {
  return {static_cast<int64_t>(shape[0]), static_cast<int64_t>(shape[1]),
          static_cast<int64_t>(shape[2])};
}

}  // namespace

TEST(each_token_gives_its_row) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (const auto& shape : kShapes) {
        const auto [vocabulary, width, count] = sizes_of(shape);
        const std::vector<int32_t> tokens = some_tokens(shape[0], shape[2]);
        const size_t shift = shape[0] % 2;
        StorageArray table(device, type.type, normals(shape[0] * shape[1], 1), shift);
        StorageArray y(device, type.type, shape[1] * shape[2], shift);
        Array<int32_t> places(device, tokens, 1);
        CHECK_OK(hs_embedding(device.stream(), type.type, vocabulary, width, count, table.address(),
                              places.address(), 0, y.address()));
        const std::vector<float> rows = table.get();
        std::vector<float> expected;
        for (int32_t token : tokens) {
          const auto begin = rows.begin() + token * width;
          expected.insert(expected.end(), begin, begin + width);
        }
        CHECK_THAT(same_bits(y.get(), expected), shape_name({vocabulary, width, count}));
      }
    }
  });
}

TEST(a_token_outside_the_table_gives_zeros_and_is_noted) {
  on_devices([](Device& device) {
    Array<float> table(device, {1, 2, 3, 4}), y(device, 8);
    Array<int32_t> tokens(device, {1, -1, 2, 0});
    Array<hs_step_state> state(device, std::vector{hs_step_state{}});
    const auto run = [&](hs_ptr noted) {
      CHECK_OK(hs_embedding(device.stream(), HS_F32, 2, 2, 4, table.address(), tokens.address(),
                            noted, y.address()));
      CHECK(y.get() == std::vector<float>({3, 4, 0, 0, 0, 0, 1, 2}));
    };
    run(0);
    CHECK(state.get()[0].error == 0);
    run(state.address());
    CHECK(state.get()[0].error == HS_ERROR_INDEX);
  });
}

TEST(the_gradient_sums_the_places_of_each_token) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (const auto& shape : kShapes) {
        for (float beta : {0.0f, 1.0f, -0.5f}) {
          const auto [vocabulary, width, count] = sizes_of(shape);
          std::vector<int32_t> tokens = some_tokens(shape[0], shape[2]);
          for (size_t i = 3; i < tokens.size(); i += 10) {  // invalid tokens, which are ignored
            tokens[i] = i % 20 == 3 ? -1 : static_cast<int32_t>(vocabulary);
          }
          Array<int32_t> places(device, tokens, 1);
          const size_t shift = shape[0] % 2;
          StorageArray dy(device, type.type, normals(shape[1] * shape[2], 2), shift);
          Array<float> d_table(device, shape[0] * shape[1], shift);
          std::vector<float> before(shape[0] * shape[1]);
          if (beta != 0) d_table.set(before = normals(before.size(), 3));
          Array<int32_t> workspace(device, shape[0] + 1 + shape[2], 1);
          CHECK_OK(hs_embedding_backward(device.stream(), type.type, vocabulary, width, count,
                                         dy.address(), places.address(), beta, d_table.address(),
                                         workspace.address()));
          const std::vector<float> g = dy.get();
          std::vector<Expected> expected(before.size());
          for (size_t i = 0; i < before.size(); i++) {
            const double old = static_cast<double>(beta) * before[i];
            expected[i] = {old, 2 * kUnit * std::abs(old)};
          }
          std::vector<double> number(shape[0]);  // places of each token so far
          for (size_t i = 0; i < tokens.size(); i++) {
            if (tokens[i] < 0 || tokens[i] >= vocabulary) continue;
            const size_t row = static_cast<size_t>(tokens[i]);
            const double lost = 2 + std::sqrt(number[row]++);
            for (size_t c = 0; c < shape[1]; c++) {
              const double value = g[i * shape[1] + c];
              expected[row * shape[1] + c].value += value;
              expected[row * shape[1] + c].bound += lost * kUnit * std::abs(value);
            }
          }
          check_close(d_table.get(), expected, HS_F32,
                      shape_name({vocabulary, width, count}) + " beta " + std::to_string(beta));
        }
      }
    }
  });
}

TEST(places_are_added_in_their_order) {
  on_devices([](Device& device) {
    // Added in this order the sum is 1; in other orders the small terms are lost.
    Array<float> dy(device, {1e8f, -1e8f, 1, 5, 0.0f}), d_table(device, 2);
    Array<int32_t> tokens(device, {1, 1, 1, 0, 1}), workspace(device, 2 + 1 + 5);
    CHECK_OK(hs_embedding_backward(device.stream(), HS_F32, 2, 1, 5, dy.address(), tokens.address(),
                                   0, d_table.address(), workspace.address()));
    CHECK(d_table.get() == std::vector<float>({5, 1}));
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t vocabulary = 3000, width = 300, count = 2000;
    Array<int32_t> tokens(device, some_tokens(vocabulary, count));
    Array<float> dy(device, normals(width * count, 1)), d_table(device, vocabulary * width);
    Array<int32_t> workspace(device, vocabulary + 1 + count);
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_embedding_backward(s, HS_F32, vocabulary, width, count, dy.address(),
                                         tokens.address(), 0, d_table.address(),
                                         workspace.address()));
        },
        [&] { return d_table.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    CHECK_REFUSED(hs_embedding(s, HS_I32, 4, 4, 4, at, at, 0, at), "of I32");
    CHECK_REFUSED(hs_embedding(s, HS_F32, 0, 4, 4, at, at, 0, at), "table [0, 4]");
    CHECK_REFUSED(hs_embedding(s, HS_F32, 4, 0, 4, at, at, 0, at), "table [4, 0]");
    CHECK_REFUSED(hs_embedding(s, HS_F32, 4, 4, -4, at, at, 0, at), "count is -4");
    CHECK_REFUSED(hs_embedding(s, HS_F32, 4, 4, 4, at, 0, 0, at), "tokens is 0");
    CHECK_REFUSED(hs_embedding(s, HS_F32, int64_t{1} << 31, 4, 4, at, at, 0, at), "fit 31 bits");
    CHECK_REFUSED(hs_embedding_backward(s, HS_F32, 4, 4, 4, at, at, 0, at, 0), "workspace is 0");
    CHECK_REFUSED(hs_embedding_backward(s, HS_U8, 4, 4, 4, at, at, 0, at, at), "of U8");
  });
}

KERNEL_TEST_MAIN()
