// The matrix product on every device, through the C ABI, against fp64: layouts, types and options,
// with shapes around the limits of the CUDA kernels. (matmul_test.cpp tests the limits of the CPU's
// kernels.)
#include <array>

#include "device.h"

using namespace hs::test;

namespace {

struct Problem {
  int64_t m, n, k;
  hs_dtype type = HS_F32;
  bool transpose_a = false, transpose_b = false;
  bool f32_output = false;
  int64_t batch = 1;
  int64_t padding = 0;  // elements after each stored row
  float alpha = 1, beta = 0;
  bool bias = false, aux = false, bias_grad = false, shared_b = false;
  hs_activation activation = HS_NONE;
  bool integers = true;  // operands are small integers, so that all sums are exact
  bool tf32 = false;
  int most = 4;      // the largest of A's integers
  size_t shift = 0;  // elements by which the operands' addresses are off their alignment

  std::string name() const {
    char text[160];
    std::snprintf(text, sizeof text,
                  "%lld x %lld x %lld, batch %lld, type %d, layout %d%d, padding %lld, bias %d, "
                  "activation %d, beta %g, tf32 %d",
                  static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k),
                  static_cast<long long>(batch), type, transpose_a, transpose_b,
                  static_cast<long long>(padding), bias, activation, static_cast<double>(beta),
                  tf32);
    return text;
  }
};

std::vector<float> numbers(size_t count, uint32_t seed, bool integers, int most = 4) {
  if (!integers) return normals(count, seed);
  std::mt19937 bits(seed);
  std::vector<float> values(count);
  const auto span = static_cast<uint32_t>(2 * most + 1);
  for (float& value : values) value = static_cast<float>(static_cast<int>(bits() % span) - most);
  return values;
}

size_t extent(int64_t rows, int64_t ld, int64_t columns) {
  return rows == 0 ? 0 : static_cast<size_t>((rows - 1) * ld + columns);
}

// An operand: `matrices` matrices [rows, columns]. Padding follows each row but the last.
struct Stored {
  int64_t rows, columns, ld, stride;
  std::vector<float> values;

  Stored(int64_t r, int64_t c, int64_t padding, int64_t matrices, uint32_t seed, bool integers,
         int most = 4)
      : rows(r), columns(c), ld(c + padding), stride(r * (c + padding)) {
    const size_t count = static_cast<size_t>((matrices - 1) * stride) + extent(r, ld, c);
    values = numbers(count, seed, integers, most);
    for (size_t i = 0; i < count; i++) {
      const bool outside = static_cast<int64_t>(i) % stride % ld >= c;
      if (outside) values[i] = kNaN;  // a kernel that uses it gives NaN
    }
  }
};

void check(Device& device, const Problem& c) {
  const hs_dtype out = c.f32_output ? HS_F32 : c.type;
  Stored a(c.transpose_a ? c.k : c.m, c.transpose_a ? c.m : c.k, c.padding, c.batch, 1, c.integers,
           c.most);
  Stored b(c.transpose_b ? c.n : c.k, c.transpose_b ? c.k : c.n, c.padding,
           c.shared_b ? 1 : c.batch, 2, c.integers);
  const int64_t ldc = c.n + c.padding, stride_c = c.m * ldc;
  const size_t count_c = static_cast<size_t>((c.batch - 1) * stride_c) + extent(c.m, ldc, c.n);
  StorageArray a_memory(device, c.type, a.values, c.shift);
  StorageArray b_memory(device, c.type, b.values, c.shift);
  StorageArray c_memory(device, out, numbers(count_c, 3, c.integers));
  const std::vector<float> before = c_memory.get();
  StorageArray aux_memory(device, out, before);
  const std::vector<float> bias = numbers(static_cast<size_t>(c.n), 4, c.integers);
  const std::vector<float> grad = numbers(static_cast<size_t>(c.m), 5, c.integers);
  Array<float> bias_memory(device, bias), grad_memory(device, grad);
  hs_matmul_desc desc{};
  desc.type = c.type;
  desc.out_type = out;
  desc.transpose_a = c.transpose_a;
  desc.transpose_b = c.transpose_b;
  desc.batch = c.batch;
  desc.m = c.m;
  desc.n = c.n;
  desc.k = c.k;
  desc.lda = a.ld;
  desc.ldb = b.ld;
  desc.ldc = ldc;
  desc.stride_a = a.stride;
  desc.stride_b = c.shared_b ? 0 : b.stride;
  desc.stride_c = stride_c;
  desc.alpha = c.alpha;
  desc.beta = c.beta;
  desc.activation = c.activation;
  desc.bias_grad_beta = c.beta;
  const Tf32 tf32(device, c.tf32);
  CHECK_OK(hs_matmul(device.stream(), &desc, a_memory.address(), b_memory.address(),
                     c_memory.address(), c.bias ? bias_memory.address() : 0,
                     c.aux ? aux_memory.address() : 0, c.bias_grad ? grad_memory.address() : 0));

  const std::vector<float> stored_a = a_memory.get();
  const std::vector<float> av = tf32.seen(stored_a), bv = tf32.seen(b_memory.get());
  const std::vector<float> cv = c_memory.get(), xv = aux_memory.get();
  const auto at_a = [&](const std::vector<float>& of, int64_t matrix, int64_t i, int64_t k) {
    return static_cast<double>(
        of[static_cast<size_t>(matrix * a.stride + (c.transpose_a ? k * a.ld + i : i * a.ld + k))]);
  };
  const double u = 0x1p-24;
  const double u_out = out == HS_F32 ? u : out == HS_BF16 ? 0x1p-8 : 0x1p-11;
  size_t wrong = 0;
  std::vector<bool> written(count_c);
  for (int64_t matrix = 0; matrix < c.batch; matrix++) {
    for (int64_t i = 0; i < c.m; i++) {
      for (int64_t j = 0; j < c.n; j++) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < c.k; k++) {
          const double term =
              at_a(av, matrix, i, k) *
              bv[static_cast<size_t>((c.shared_b ? 0 : matrix * b.stride) +
                                     (c.transpose_b ? j * b.ld + k : k * b.ld + j))];
          sum += term;
          size += std::abs(term);
        }
        const auto at = static_cast<size_t>(matrix * stride_c + i * ldc + j);
        written[at] = true;
        double x = c.alpha * sum;
        size *= std::abs(c.alpha);
        if (c.beta != 0) {
          x += static_cast<double>(c.beta) * before[at];
          size += std::abs(static_cast<double>(c.beta) * before[at]);
        }
        if (c.bias) x += bias[static_cast<size_t>(j)];
        double y = x;
        if (c.activation == HS_RELU) y = std::max(x, 0.0);
        if (c.activation == HS_GELU) y = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
        const double bound =
            4 * u * std::sqrt(static_cast<double>(c.k + 1)) * (c.integers ? 0 : size + 1) +
            (c.activation == HS_GELU ? 8 * u * (1 + std::abs(x)) : 0);
        const auto near = [&](float got, double want) {
          return std::abs(got - want) <= bound + 1.01 * u_out * std::abs(want);
        };
        if (!near(cv[at], y)) wrong++;
        if (c.aux && !near(xv[at], x)) wrong++;
      }
    }
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " elements are wrong: " + c.name());
  size_t spoilt = 0;
  for (size_t at = 0; at < count_c; at++) {
    if (!written[at] && (cv[at] != before[at] || xv[at] != before[at])) spoilt++;
  }
  CHECK_THAT(spoilt == 0, "padding was written: " + c.name());
  if (!c.bias_grad) return;
  const std::vector<float> gv = grad_memory.get();
  for (int64_t i = 0; i < c.m; i++) {
    double sum = 0, size = 0;
    for (int64_t k = 0; k < c.k; k++) {
      sum += at_a(stored_a, 0, i, k);
      size += std::abs(at_a(stored_a, 0, i, k));
    }
    sum += static_cast<double>(c.beta) * grad[static_cast<size_t>(i)];
    const double bound = c.integers ? 0 : 4 * u * std::sqrt(static_cast<double>(c.k)) * (size + 1);
    CHECK_THAT(std::abs(gv[static_cast<size_t>(i)] - sum) <= bound, "bias gradient: " + c.name());
  }
}

// Checks all types and layouts, with rows that are aligned to 16 bytes and rows that are not.
void check_variants(Device& device, Problem c) {
  for (const StorageType& type : kStorageTypes) {
    for (int layout = 0; layout < 4; layout++) {
      for (int64_t padding : {0, 3}) {
        c.type = type.type;
        c.transpose_a = (layout & 1) != 0;
        c.transpose_b = (layout & 2) != 0;
        c.padding = padding;
        check(device, c);
      }
    }
  }
}

}  // namespace

// Extents of 1, and one below, at and one above the warp's and the block's tile of 64 and the depth
// of 32.
TEST(products_of_integers_are_exact_at_the_edges_of_tiles) {
  on_devices([](Device& device) {
    for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                                  {8, 8, 8},
                                  {15, 17, 31},
                                  {16, 16, 32},
                                  {17, 15, 33},
                                  {63, 65, 16},
                                  {64, 64, 64},
                                  {65, 63, 97},
                                  {2, 130, 40},
                                  {130, 2, 24}}) {
      check_variants(device, {.m = m, .n = n, .k = k});
    }
  });
}

// Rows and operands whose addresses are multiples of 16, 8, 4 and 2 bytes, which are copied in runs
// of that size; computed in tiles and, with the batch, by warps.
TEST(rows_may_begin_anywhere) {
  on_devices([](Device& device) {
    for (int i = 0; i < 4; i++) {  // FP32 once more, as TF32
      for (int layout = 0; layout < 4; layout++) {
        for (int64_t batch : {1, 4}) {
          Problem c{.m = 22, .n = 38, .k = 54, .type = kStorageTypes[i % 3].type, .batch = batch};
          c.transpose_a = (layout & 1) != 0;
          c.transpose_b = (layout & 2) != 0;
          c.tf32 = i == 3;
          for (c.padding = 0; c.padding < 8; c.padding++) check(device, c);
          c.padding = 2;  // all rows begin at multiples of 8
          for (size_t shift : {1, 2, 4}) {
            c.shift = shift;
            check(device, c);
          }
        }
      }
    }
  });
}

// Tiles of 128, which are used if there are at least as many of them as multiprocessors.
TEST(products_of_integers_are_exact_over_large_tiles) {
  on_devices([](Device& device) {
    check_variants(device, {.m = 256, .n = 257, .k = 40});
    check_variants(device, {.m = 129, .n = 136, .k = 72, .batch = 2});
  });
}

// The tiles of warpgroups: wide, medium, tall, flat and little ones, with more steps along k than
// their rings have stages. The simulated device has four multiprocessors, so a product needs four
// tiles.
TEST(every_kind_of_tile_goes_round_its_ring) {
  on_devices([](Device& device) {
    for (const auto& [m, n, batch] : {std::array<int64_t, 3>{136, 260, 2},
                                      {136, 120, 2},
                                      {520, 40, 2},
                                      {40, 520, 2},
                                      {72, 72, 1}}) {
      for (hs_dtype type : {HS_BF16, HS_F16}) {
        for (int layout = 0; layout < 4; layout++) {
          Problem c{
              .m = m, .n = n, .k = 426, .type = type, .batch = batch, .bias_grad = batch == 1};
          c.transpose_a = (layout & 1) != 0;
          c.transpose_b = (layout & 2) != 0;
          check(device, c);
        }
      }
    }
  });
}

// Few tiles and a long k, which several blocks share; k is not a multiple of any depth.
TEST(a_long_sum_is_shared_by_blocks_and_still_exact) {
  on_devices([](Device& device) {
    check_variants(device, {.m = 20, .n = 12, .k = 1000, .bias_grad = true});
    check_variants(device, {.m = 64, .n = 100, .k = 784, .beta = 1, .bias_grad = true});
  });
}

TEST(an_empty_sum_gives_the_bias_and_empty_products_touch_nothing) {
  on_devices([](Device& device) {
    check(device, {.m = 5, .n = 7, .k = 0, .bias = true});
    check(device, {.m = 5, .n = 7, .k = 0, .type = HS_BF16, .beta = 2, .bias = true});
    check(device, {.m = 0, .n = 7, .k = 3});
    check(device, {.m = 5, .n = 0, .k = 3, .type = HS_F16});
  });
}

TEST(each_matrix_of_a_batch_has_its_own_product) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      check(device, {.m = 16, .n = 24, .k = 8, .type = type.type, .batch = 9});
      check(device, {.m = 33, .n = 31, .k = 40, .type = type.type, .batch = 3, .padding = 1});
      check(device, {.m = 40, .n = 20, .k = 16, .type = type.type, .batch = 5, .shared_b = true});
    }
  });
}

// More small matrices than multiprocessors, over which warps loop: with the sizes to which they are
// padded, and with sizes just below and above.
TEST(many_small_products_of_integers_are_exact) {
  on_devices([](Device& device) {
    check_variants(device, {.m = 16, .n = 16, .k = 16, .batch = 5});
    check_variants(device, {.m = 1, .n = 9, .k = 17, .batch = 6});
    check_variants(device, {.m = 33, .n = 20, .k = 31, .batch = 5});
    check_variants(device, {.m = 64, .n = 64, .k = 64, .batch = 4});
    check_variants(device, {.m = 65, .n = 64, .k = 64, .batch = 4});  // too large
  });
}

// So many matrices that each warp goes through its ring of stages more than once.
TEST(very_many_small_products_of_integers_are_exact) {
  on_devices([](Device& device) {
    const bool few = is_left_out(device, 64 * 50 * 60);
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (int layout = 0; layout < 4; layout++) {
        Problem c{.m = 7, .n = 8, .k = 9, .type = type, .batch = few ? 600 : 1001};
        c.transpose_a = (layout & 1) != 0;
        c.transpose_b = (layout & 2) != 0;
        check(device, c);
        c.m = 24, c.n = 32, c.k = 17, c.batch = few ? 140 : 330, c.padding = 7;
        check(device, c);
        c.m = 64, c.n = 50, c.k = 60, c.batch = few ? 17 : 150, c.padding = 4;
        check(device, c);
      }
    }
  });
}

TEST(options_hold_for_many_small_products) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (bool f32_output : {false, true}) {
        check(device, {.m = 20,
                       .n = 28,
                       .k = 16,
                       .type = type,
                       .f32_output = f32_output,
                       .batch = 150,
                       .alpha = -0.5f,
                       .beta = 2,
                       .bias = true,
                       .aux = true,
                       .shared_b = true,
                       .activation = HS_GELU,
                       .integers = false});
      }
    }
  });
}

TEST(options_follow_their_definition_in_every_type) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (hs_activation activation : {HS_NONE, HS_RELU, HS_GELU}) {
        for (int options = 0; options < 16; options++) {
          Problem c{.m = 37, .n = 41, .k = 50, .type = type.type, .transpose_b = true};
          c.activation = activation;
          c.bias = (options & 1) != 0;
          c.aux = (options & 2) != 0;
          c.f32_output = (options & 4) != 0;
          c.integers = false;
          if ((options & 8) != 0) {
            c.alpha = -0.5f;
            c.beta = 2;
            c.bias_grad = true;
          }
          check(device, c);
        }
      }
    }
  });
}

TEST(products_are_the_same_bits_captured_and_with_any_number_of_threads) {
  on_devices([](Device& device) {
    for (int i = 0; i < 4; i++) {  // FP32 once more, as TF32
      const hs_dtype type = kStorageTypes[i % 3].type;
      const Tf32 allowed(device, i == 3);
      StorageArray a(device, type, normals(64 * 700, 7)), b(device, type, normals(700 * 50, 8));
      StorageArray c(device, type, 64 * 50);
      const hs_matmul_desc desc{type, type, 0, 0, 1, 64, 50, 700,     700,
                                50,   50,   0, 0, 0, 1,  0,  HS_NONE, 0};
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(hs_matmul(stream, &desc, a.address(), b.address(), c.address(), 0, 0, 0));
          },
          [&] { return c.get(); });
    }
  });
}

// Integers of up to 2^10, which TF32 represents exactly, with all its kernels: edges, large tiles,
// a shared sum, batches.
TEST(tf32_products_of_integers_are_exact) {
  on_devices([](Device& device) {
    for (const Problem& shape : {Problem{.m = 1, .n = 1, .k = 1},
                                 {.m = 15, .n = 17, .k = 31, .bias_grad = true},
                                 {.m = 17, .n = 9, .k = 8, .batch = 5, .shared_b = true},
                                 {.m = 65, .n = 63, .k = 33, .beta = 1, .bias = true},
                                 {.m = 20, .n = 12, .k = 1000, .bias_grad = true},
                                 {.m = 129, .n = 136, .k = 20, .batch = 2},
                                 {.m = 256, .n = 257, .k = 40, .beta = 1, .bias_grad = true}}) {
      for (int layout = 0; layout < 4; layout++) {
        for (int64_t padding : {0, 3, 4}) {
          Problem c = shape;
          c.transpose_a = (layout & 1) != 0;
          c.transpose_b = (layout & 2) != 0;
          c.padding = padding;
          c.tf32 = true;
          c.most = 1024;
          check(device, c);
        }
      }
    }
  });
}

TEST(tf32_products_follow_their_definition_on_rounded_operands) {
  on_devices([](Device& device) {
    for (int layout = 0; layout < 4; layout++) {
      for (hs_activation activation : {HS_NONE, HS_RELU, HS_GELU}) {
        check(device, {.m = 37,
                       .n = 41,
                       .k = 150,
                       .transpose_a = (layout & 1) != 0,
                       .transpose_b = (layout & 2) != 0,
                       .alpha = -0.5f,
                       .beta = 2,
                       .bias = true,
                       .aux = true,
                       .bias_grad = true,
                       .activation = activation,
                       .integers = false,
                       .tf32 = true});
      }
    }
  });
}

// The operands are floats just below, at and just above the middle of two neighbours in TF32, and
// values that are not rounded.
TEST(tf32_rounds_to_nearest_and_ties_away_from_zero) {
  on_devices([](Device& device) {
    const std::vector<float> x = {1 + 0x1p-11f - 0x1p-23f, 1 + 0x1p-11f, -1 - 0x1p-11f,
                                  1 + 0x1.8p-11f,          0x1p-100f,    kInfinity};
    const std::vector<float> rounded = {1,         1 + 0x1p-10f, -1 - 0x1p-10f, 1 + 0x1p-10f,
                                        0x1p-100f, kInfinity};
    const auto m = static_cast<int64_t>(x.size());
    Array<float> a(device, x), b(device, std::vector<float>{1}), c(device, x.size());
    const hs_matmul_desc desc{HS_F32, HS_F32, 0, 0, 1, m, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, HS_NONE, 0};
    const Tf32 allowed(device, true);
    CHECK_OK(hs_matmul(device.stream(), &desc, a.address(), b.address(), c.address(), 0, 0, 0));
    CHECK(c.get() == (device.backend() == "cpu" ? x : rounded));
  });
}

// A list keeps the setting with which each of its calls was recorded; on the CPU no bit ever
// changes.
TEST(tf32_holds_for_the_calls_between_allowed_and_not) {
  on_devices([](Device& device) {
    const hs_stream stream = device.stream();
    Array<float> a(device, normals(40 * 30, 1)), b(device, normals(30 * 20, 2)), c(device, 40 * 20);
    const hs_matmul_desc desc{HS_F32, HS_F32, 0, 0, 1, 40, 20, 30,      30,
                              20,     20,     0, 0, 0, 1,  0,  HS_NONE, 0};
    const auto multiply = [&] {
      CHECK_OK(hs_matmul(stream, &desc, a.address(), b.address(), c.address(), 0, 0, 0));
    };
    multiply();
    const std::vector<float> full = c.get();
    hs_list list = nullptr;
    CHECK_OK(hs_stream_set_tf32(stream, 1));
    multiply();
    const std::vector<float> rounded = c.get();
    CHECK(same_bits(full, rounded) == (device.backend() == "cpu"));
    CHECK_OK(hs_capture_begin(stream));
    multiply();
    CHECK_OK(hs_capture_end(stream, &list));
    CHECK_OK(hs_stream_set_tf32(stream, 0));
    CHECK_OK(hs_list_launch(stream, list, 1));
    CHECK(same_bits(c.get(), rounded));
    CHECK_OK(hs_list_destroy(list));
    multiply();
    CHECK(same_bits(c.get(), full));
    CHECK_OK(hs_capture_begin(stream));
    CHECK_OK(hs_stream_set_tf32(stream, 1));
    multiply();
    CHECK_OK(hs_stream_set_tf32(stream, 0));
    CHECK_OK(hs_capture_end(stream, &list));
    CHECK_OK(hs_list_launch(stream, list, 1));
    CHECK(same_bits(c.get(), rounded));
    CHECK_OK(hs_list_destroy(list));
  });
}

KERNEL_TEST_MAIN()
