// The matrix product of every instruction set that this machine runs, against fp64: all layouts,
// types and options, with shapes around the limits of the kernels and with poisoned outputs and
// padding.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/kernels.h"
#include "cpu/isa.h"
#include "cpu/pool.h"
#include "numerics/conversions.h"
#include "test.h"

using namespace hs;
using cpu::Isa;

namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

template <class Fn>
void for_each_isa(const Fn& fn) {
  for (const Isa& isa : cpu::all_isas()) {
    if (cpu::isa_supported(isa)) {
      fn(isa);
    } else {
      std::printf("     skipped %s: this machine cannot run it\n", isa.name);
    }
  }
}

// An array of one of the storage types, read and written as floats.
class Array {
 public:
  Array(hs_dtype type, int64_t count, float value) : type_(type) {
    if (type == HS_F32) {
      floats_.assign(static_cast<size_t>(count), value);
    } else {
      halves_.assign(static_cast<size_t>(count), narrow(value));
    }
  }
  float get(int64_t i) const {
    const auto at = static_cast<size_t>(i);
    if (type_ == HS_F32) return floats_[at];
    return type_ == HS_BF16 ? float_from_bf16(halves_[at]) : float_from_f16(halves_[at]);
  }
  void set(int64_t i, float x) {
    const auto at = static_cast<size_t>(i);
    if (type_ == HS_F32) {
      floats_[at] = x;
    } else {
      halves_[at] = narrow(x);
    }
  }
  int64_t size() const { return static_cast<int64_t>(floats_.size() + halves_.size()); }
  void* data() { return type_ == HS_F32 ? static_cast<void*>(floats_.data()) : halves_.data(); }
  bool same_bits(const Array& other) const {
    return halves_ == other.halves_ &&
           std::memcmp(floats_.data(), other.floats_.data(), floats_.size() * 4) == 0;
  }

 private:
  uint16_t narrow(float x) const {
    return type_ == HS_BF16 ? bf16_from_float(x) : f16_from_float(x);
  }
  hs_dtype type_;
  std::vector<float> floats_;
  std::vector<uint16_t> halves_;
};

struct Case {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  hs_dtype type = HS_F32, out_type = HS_F32;
  int64_t batch = 1;
  float alpha = 1, beta = 0;
  bool bias = false, aux = false, bias_grad = false;
  float bias_grad_beta = 0;
  hs_activation activation = HS_NONE;
  int64_t padding = 3;                    // elements after each stored row, filled with NaN
  bool share_a = false, share_b = false;  // stride 0
  bool integers = true;                   // operands are small integers: every sum is exact
  unsigned seed = 1;

  std::string name(const Isa& isa) const {
    char text[200];
    std::snprintf(text, sizeof text,
                  "%s %lldx%lldx%lld batch %lld t%d%d type %d->%d alpha %g "
                  "beta %g bias %d aux %d act %d grad %d pad %lld",
                  isa.name, static_cast<long long>(m), static_cast<long long>(n),
                  static_cast<long long>(k), static_cast<long long>(batch), transpose_a,
                  transpose_b, type, out_type, static_cast<double>(alpha),
                  static_cast<double>(beta), bias, aux, activation, bias_grad,
                  static_cast<long long>(padding));
    return text;
  }
};

// The operands of a case. Rows are padded with NaN, except the last row of each matrix: a kernel
// that reads on there leaves the array, which AddressSanitizer reports.
class Operands {
 public:
  explicit Operands(const Case& c) : c_(c), d_(desc(c)) {
    std::mt19937 random(c.seed);
    fill(a_, c.type, d_.transpose_a ? c.k : c.m, d_.transpose_a ? c.m : c.k, d_.lda, d_.stride_a,
         random, kNan);
    fill(b_, c.type, d_.transpose_b ? c.n : c.k, d_.transpose_b ? c.k : c.n, d_.ldb, d_.stride_b,
         random, kNan);
    fill(c_before_, c.out_type, c.m, c.n, d_.ldc, d_.stride_c, random, kGuard);
    if (c.beta == 0) {
      for_c([&](int64_t, int64_t, int64_t, int64_t at) { c_before_.set(at, kNan); });
    }
    for (int64_t j = 0; j < c.n; ++j) bias_.push_back(value(random));
    for (int64_t i = 0; i < c.m + 1; ++i) {
      grad_before_.push_back(c.bias_grad_beta == 0 ? kNan : value(random));
    }
    run_c_ = c_before_;
    aux_ = Array(c.out_type, c_before_.size(), kGuard);
    grad_ = grad_before_;
  }

  void run(const KernelTable& table) {
    MatmulArgs args{d_,
                    a_.data(),
                    b_.data(),
                    run_c_.data(),
                    c_.bias ? bias_.data() : nullptr,
                    c_.aux ? aux_.data() : nullptr,
                    c_.bias_grad ? grad_.data() : nullptr};
    table.matmul(nullptr, args);
  }

  // Returns "", or a description of what is wrong.
  std::string check() const {
    std::string wrong;
    std::vector<bool> written(static_cast<size_t>(c_before_.size()));
    for_c([&](int64_t matrix, int64_t i, int64_t j, int64_t at) {
      written[static_cast<size_t>(at)] = true;
      double sum = 0, size = 0;
      for (int64_t p = 0; p < c_.k; ++p) {
        const double term =
            static_cast<double>(op_a(matrix, i, p)) * static_cast<double>(op_b(matrix, p, j));
        sum += term;
        size += std::abs(term);
      }
      double x = sum * static_cast<double>(c_.alpha);
      size *= std::abs(static_cast<double>(c_.alpha));
      if (c_.beta != 0) {
        const double old = static_cast<double>(c_.beta) * static_cast<double>(c_before_.get(at));
        x += old;
        size += std::abs(old);
      }
      if (c_.bias) x += static_cast<double>(bias_[static_cast<size_t>(j)]);
      double y = x;
      if (c_.activation == HS_RELU) y = std::max(x, 0.0);
      if (c_.activation == HS_GELU) y = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
      compare(wrong, "C", matrix, i, j, run_c_.get(at), y, size);
      if (c_.aux) compare(wrong, "aux", matrix, i, j, aux_.get(at), x, size);
    });
    for (int64_t at = 0; at < c_before_.size(); ++at) {
      if (written[static_cast<size_t>(at)]) continue;
      if (run_c_.get(at) != c_before_.get(at)) wrong += " C's padding changed;";
      if (aux_.get(at) != kGuard) wrong += " aux's padding changed;";
    }
    if (c_.bias_grad) check_bias_grad(wrong);
    return wrong.substr(0, 300);
  }

  bool same_result(const Operands& other) const {
    return run_c_.same_bits(other.run_c_) &&
           std::memcmp(grad_.data(), other.grad_.data(), grad_.size() * 4) == 0;
  }

 private:
  static constexpr float kGuard = -77;

  static hs_matmul_desc desc(const Case& c) {
    hs_matmul_desc d{};
    d.type = c.type;
    d.out_type = c.out_type;
    d.transpose_a = c.transpose_a;
    d.transpose_b = c.transpose_b;
    d.batch = c.batch;
    d.m = c.m;
    d.n = c.n;
    d.k = c.k;
    d.lda = (c.transpose_a ? c.m : c.k) + c.padding;
    d.ldb = (c.transpose_b ? c.k : c.n) + c.padding;
    d.ldc = c.n + c.padding;
    d.stride_a = c.share_a ? 0 : d.lda * (c.transpose_a ? c.k : c.m) + 1;
    d.stride_b = c.share_b ? 0 : d.ldb * (c.transpose_b ? c.n : c.k) + 1;
    d.stride_c = d.ldc * c.m + 1;
    d.alpha = c.alpha;
    d.beta = c.beta;
    d.activation = c.activation;
    d.bias_grad_beta = c.bias_grad_beta;
    return d;
  }

  float value(std::mt19937& random) const {
    if (c_.integers) return static_cast<float>(static_cast<int>(random() % 9) - 4);
    return std::normal_distribution<float>()(random);
  }

  void fill(Array& out, hs_dtype type, int64_t rows, int64_t columns, int64_t ld, int64_t stride,
            std::mt19937& random, float padding) const {
    const int64_t matrices = stride == 0 ? 1 : c_.batch;
    const int64_t count =
        rows * columns == 0 ? 0 : (matrices - 1) * stride + (rows - 1) * ld + columns;
    out = Array(type, count, padding);
    for (int64_t matrix = 0; matrix < matrices && count > 0; ++matrix) {
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          out.set(matrix * stride + i * ld + j, value(random));
        }
      }
    }
  }

  template <class Fn>
  void for_c(const Fn& fn) const {
    for (int64_t matrix = 0; matrix < c_.batch; ++matrix) {
      for (int64_t i = 0; i < c_.m; ++i) {
        for (int64_t j = 0; j < c_.n; ++j) fn(matrix, i, j, matrix * d_.stride_c + i * d_.ldc + j);
      }
    }
  }

  float op_a(int64_t matrix, int64_t i, int64_t p) const {
    return a_.get(matrix * d_.stride_a + (c_.transpose_a ? p * d_.lda + i : i * d_.lda + p));
  }
  float op_b(int64_t matrix, int64_t p, int64_t j) const {
    return b_.get(matrix * d_.stride_b + (c_.transpose_b ? j * d_.ldb + p : p * d_.ldb + j));
  }

  // Results must be exact for integers (except with GELU), otherwise within a bound computed from
  // the sum of |a b| of the element.
  void compare(std::string& wrong, const char* what, int64_t matrix, int64_t i, int64_t j,
               float got, double want, double size) const {
    const double unit_in = std::ldexp(1.0, -24);
    const double unit_out =
        c_.out_type == HS_F32 ? unit_in : std::ldexp(1.0, c_.out_type == HS_BF16 ? -8 : -11);
    const bool exact = c_.integers && c_.activation != HS_GELU && c_.out_type == HS_F32;
    const double bound = exact
                             ? 0
                             : 4 * unit_in * std::sqrt(static_cast<double>(c_.k + 1)) * (size + 1) +
                                   1.01 * unit_out * std::abs(want) + std::ldexp(1.0, -25);
    if (std::abs(static_cast<double>(got) - want) <= bound) return;
    if (wrong.size() > 200) return;
    char text[160];
    std::snprintf(text, sizeof text, " %s[%lld][%lld, %lld] is %.9g, not %.9g;", what,
                  static_cast<long long>(matrix), static_cast<long long>(i),
                  static_cast<long long>(j), static_cast<double>(got), want);
    wrong += text;
  }

  void check_bias_grad(std::string& wrong) const {
    for (int64_t i = 0; i < c_.m; ++i) {
      double sum = 0, size = 0;
      for (int64_t p = 0; p < c_.k; ++p) {
        sum += static_cast<double>(op_a(0, i, p));
        size += std::abs(static_cast<double>(op_a(0, i, p)));
      }
      const double beta = static_cast<double>(c_.bias_grad_beta);
      if (beta != 0) sum += beta * static_cast<double>(grad_before_[static_cast<size_t>(i)]);
      const double got = static_cast<double>(grad_[static_cast<size_t>(i)]);
      const double bound = c_.integers ? 0 : 1e-6 * (size + 1);
      if (!(std::abs(got - sum) <= bound)) wrong += " bias_grad[" + std::to_string(i) + "];";
    }
    const auto last = static_cast<size_t>(c_.m);
    if (std::memcmp(&grad_[last], &grad_before_[last], 4) != 0) wrong += " bias_grad's guard;";
  }

  const Case c_;
  const hs_matmul_desc d_;
  Array a_{HS_F32, 0, 0}, b_{HS_F32, 0, 0}, c_before_{HS_F32, 0, 0}, run_c_{HS_F32, 0, 0},
      aux_{HS_F32, 0, 0};
  std::vector<float> bias_, grad_before_, grad_;
};

void expect_right(const Isa& isa, const Case& c) {
  Operands operands(c);
  operands.run(*isa.kernels);
  const std::string wrong = operands.check();
  CHECK_THAT(wrong.empty(), c.name(isa) + ":" + wrong);
}

// Calls fn for all four layouts.
template <class Fn>
void for_layouts(Case c, const Fn& fn) {
  for (int layout = 0; layout < 4; ++layout) {
    c.transpose_a = (layout & 1) != 0;
    c.transpose_b = (layout & 2) != 0;
    fn(c);
  }
}

}  // namespace

// One below, at and one above each tile height (6, 12, 14, 16), panel width (4 to 32 and 128) and
// vector of k; empty; 1.
TEST(integers_are_exact_at_every_edge_of_the_tiles) {
  for_each_isa([](const Isa& isa) {
    for (int64_t m : {0, 1, 2, 3, 4, 7, 13, 14, 15, 16, 17, 29}) {
      for (int64_t n : {0, 1, 2, 7, 10, 15, 16, 17, 32, 33, 49, 100, 131}) {
        for (int64_t k : {0, 1, 2, 16, 17, 70}) {
          for_layouts({.m = m, .n = n, .k = k}, [&](const Case& c) { expect_right(isa, c); });
        }
      }
    }
  });
}

// Several blocks of k (256 and 1024 deep), several tiles of the pool, rows that share cache sets
// (512 floats apart), and the shapes of training.
TEST(integers_are_exact_over_blocks_and_tiles) {
  for_each_isa([](const Isa& isa) {
    for (const Case& shape :
         {Case{.m = 37, .n = 41, .k = 1100}, Case{.m = 3, .n = 300, .k = 600},
          Case{.m = 150, .n = 170, .k = 520}, Case{.m = 64, .n = 100, .k = 1000, .padding = 0},
          Case{.m = 100, .n = 1000, .k = 33, .padding = 0}, Case{.m = 1, .n = 700, .k = 1030},
          Case{.m = 700, .n = 1, .k = 90}, Case{.m = 130, .n = 512, .k = 512, .padding = 0}}) {
      for_layouts(shape, [&](const Case& c) { expect_right(isa, c); });
    }
  });
}

TEST(alpha_beta_bias_activation_and_aux_follow_their_definition) {
  for_each_isa([](const Isa& isa) {
    for (const Case& shape : {Case{.m = 15, .n = 35, .k = 20}, Case{.m = 9, .n = 13, .k = 530},
                              Case{.m = 5, .n = 7, .k = 0}, Case{.m = 70, .n = 140, .k = 300}}) {
      for (hs_activation activation : {HS_NONE, HS_RELU, HS_GELU}) {
        for (int options = 0; options < 16; ++options) {
          Case c = shape;
          c.activation = activation;
          c.transpose_b = (options & 1) != 0;
          c.bias = (options & 2) != 0;
          c.aux = (options & 4) != 0;
          if ((options & 8) != 0) {
            c.alpha = -0.5f;
            c.beta = 2;
          }
          expect_right(isa, c);
        }
      }
    }
  });
}

TEST(sixteen_bit_storage_accumulates_in_float_and_rounds_once) {
  for_each_isa([](const Isa& isa) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (hs_dtype out : {hs_dtype{HS_F32}, type}) {
        for (const Case& shape :
             {Case{.m = 1, .n = 1, .k = 1}, Case{.m = 15, .n = 35, .k = 40},
              Case{.m = 33, .n = 100, .k = 300}, Case{.m = 20, .n = 18, .k = 17, .batch = 3}}) {
          for_layouts(shape, [&](Case c) {
            c.type = type;
            c.out_type = out;
            expect_right(isa, c);
            c.beta = 1;
            c.bias = c.aux = true;
            c.activation = HS_GELU;
            c.integers = false;
            expect_right(isa, c);
          });
        }
      }
    }
  });
}

TEST(each_matrix_of_a_batch_is_multiplied_by_its_own_or_the_shared_one) {
  for_each_isa([](const Isa& isa) {
    for (const Case& shape :
         {Case{.m = 16, .n = 16, .k = 16, .batch = 70, .padding = 0},
          Case{.m = 33, .n = 31, .k = 32, .batch = 9}, Case{.m = 5, .n = 200, .k = 130, .batch = 3},
          Case{.m = 64, .n = 64, .k = 64, .batch = 5, .padding = 0},
          Case{.m = 150, .n = 160, .k = 300, .batch = 2}}) {
      for_layouts(shape, [&](Case c) {
        expect_right(isa, c);
        c.share_a = true;
        expect_right(isa, c);
        c.share_a = false;
        c.share_b = true;
        c.beta = 1;
        expect_right(isa, c);
      });
    }
  });
}

TEST(the_bias_gradient_sums_over_k_and_adds_to_the_old_one_on_demand) {
  for_each_isa([](const Isa& isa) {
    for (hs_dtype type : {HS_F32, HS_BF16}) {
      for (int64_t m : {1, 2, 17, 100, 300}) {
        for (int64_t n : {0, 1, 40}) {
          for (int64_t k : {0, 1, 33, 300}) {
            for_layouts({.m = m, .n = n, .k = k, .type = type}, [&](Case c) {
              c.bias_grad = true;
              expect_right(isa, c);
              c.bias_grad_beta = -2;
              expect_right(isa, c);
            });
          }
        }
      }
    }
  });
}

TEST(real_numbers_stay_within_the_error_bound) {
  for_each_isa([](const Isa& isa) {
    for (const Case& shape : {Case{.m = 31, .n = 45, .k = 777}, Case{.m = 4, .n = 6, .k = 2100},
                              Case{.m = 1, .n = 50, .k = 1000}, Case{.m = 90, .n = 10, .k = 128}}) {
      for_layouts(shape, [&](Case c) {
        c.integers = false;
        c.alpha = 0.7f;
        c.bias = true;
        expect_right(isa, c);
      });
    }
  });
}

TEST(the_number_of_threads_changes_no_bit) {
  for_each_isa([](const Isa& isa) {
    for (const Case& shape :
         {Case{.m = 64, .n = 100, .k = 1000, .bias = true, .activation = HS_RELU, .padding = 0},
          Case{.m = 100, .n = 1000, .k = 64, .bias_grad = true, .padding = 0},
          Case{.m = 300, .n = 512, .k = 512, .padding = 0},
          Case{.m = 32, .n = 32, .k = 32, .batch = 100, .padding = 0}}) {
      for_layouts(shape, [&](Case c) {
        c.integers = false;
        cpu::set_pool_threads(1);
        Operands one(c);
        one.run(*isa.kernels);
        for (int threads : {2, 3}) {
          cpu::set_pool_threads(threads);
          Operands several(c);
          several.run(*isa.kernels);
          CHECK_THAT(one.same_result(several), c.name(isa));
        }
      });
    }
  });
  cpu::set_pool_threads(0);
}

TEST(a_nan_in_the_operands_reaches_the_results_it_belongs_to) {
  for_each_isa([](const Isa& isa) {
    const hs_matmul_desc d{.type = HS_F32,
                           .out_type = HS_F32,
                           .transpose_a = 0,
                           .transpose_b = 0,
                           .batch = 1,
                           .m = 3,
                           .n = 20,
                           .k = 5,
                           .lda = 5,
                           .ldb = 20,
                           .ldc = 20,
                           .stride_a = 0,
                           .stride_b = 0,
                           .stride_c = 0,
                           .alpha = 1,
                           .beta = 0,
                           .activation = HS_RELU,
                           .bias_grad_beta = 0};
    std::vector<float> a(15, 1), b(100, 1), c(60, 0);
    a[7] = kNan;  // row 1
    isa.kernels->matmul(nullptr, {d, a.data(), b.data(), c.data(), nullptr, nullptr, nullptr});
    for (size_t i = 0; i < 60; ++i) CHECK(i / 20 == 1 ? std::isnan(c[i]) : c[i] == 5);
  });
}

int main(int argc, char** argv) {
  const int status = hs::test::run(argc, argv);
  cpu::set_pool_threads(1);
  return status;
}
