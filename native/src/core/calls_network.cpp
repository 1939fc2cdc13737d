// Checks of the calls of a network's forward and backward pass.
#include "core/check.h"

using namespace hs;

namespace {

bool is_activation(hs_activation activation) {
  return activation >= HS_NONE && activation <= HS_LOG;
}

// `batch` matrices, `stride` apart, of rows `leading` apart. Rows count as `leading` elements each.
bool fits_matrices(int64_t batch, int64_t stride, int64_t rows, int64_t leading) {
  return fits({batch, stride}) && fits({rows, leading}) &&
         (batch - 1) * stride + rows * leading <= kMostElements;
}

bool fits_matrices(const hs_matmul_desc& d) {
  // Of all that is usual no two numbers have a product that is too large.
  constexpr int64_t kRoot = int64_t{1} << 28;
  const int64_t sizes = d.batch | d.m | d.n | d.k | d.lda | d.ldb | d.ldc;
  if ((sizes | d.stride_a | d.stride_b | d.stride_c) < kRoot) return true;
  return fits_matrices(d.batch, d.stride_a, d.transpose_a ? d.k : d.m, d.lda) &&
         fits_matrices(d.batch, d.stride_b, d.transpose_b ? d.n : d.k, d.ldb) &&
         fits_matrices(d.batch, d.stride_c, d.m, d.ldc);
}

hs_status check_matmul(const hs_matmul_desc& d) {
  HS_REQUIRE(is_storage(d.type) && (d.out_type == HS_F32 || d.out_type == d.type),
             "matmul of %s into %s: possible are F32, BF16 and F16 into themselves or F32",
             dtype_name(d.type), dtype_name(d.out_type));
  HS_REQUIRE(d.batch >= 1 && d.m >= 0 && d.n >= 0 && d.k >= 0,
             "matmul: batch %lld, m %lld, n %lld, k %lld: batch must be positive, the others not "
             "negative",
             ll{d.batch}, ll{d.m}, ll{d.n}, ll{d.k});
  const int64_t a_row = d.transpose_a ? d.m : d.k;
  const int64_t b_row = d.transpose_b ? d.k : d.n;
  HS_REQUIRE(d.lda >= a_row && d.ldb >= b_row && d.ldc >= d.n,
             "matmul: lda %lld, ldb %lld, ldc %lld are shorter than the stored rows of %lld, %lld "
             "and %lld elements",
             ll{d.lda}, ll{d.ldb}, ll{d.ldc}, ll{a_row}, ll{b_row}, ll{d.n});
  HS_REQUIRE(d.stride_a >= 0 && d.stride_b >= 0 && d.stride_c >= 0,
             "matmul: strides %lld, %lld, %lld must not be negative", ll{d.stride_a},
             ll{d.stride_b}, ll{d.stride_c});
  HS_REQUIRE(fits_matrices(d),
             "matmul of %lld times %lld x %lld x %lld, lda %lld, ldb %lld, ldc %lld: a matrix has "
             "more than 2^58 elements",
             ll{d.batch}, ll{d.m}, ll{d.n}, ll{d.k}, ll{d.lda}, ll{d.ldb}, ll{d.ldc});
  HS_REQUIRE(d.batch == 1 || d.m == 0 || d.n == 0 || d.stride_c >= (d.m - 1) * d.ldc + d.n,
             "matmul: stride_c %lld lets the %lld results of %lld x %lld overlap", ll{d.stride_c},
             ll{d.batch}, ll{d.m}, ll{d.n});
  HS_REQUIRE(d.activation == HS_NONE || d.activation == HS_RELU || d.activation == HS_GELU,
             "matmul: activation %d cannot be fused: NONE, RELU and GELU can", d.activation);
  return HS_OK;
}

}  // namespace

hs_status hs_matmul(hs_stream stream, const hs_matmul_desc* desc, hs_ptr a, hs_ptr b, hs_ptr c,
                    hs_ptr bias, hs_ptr aux, hs_ptr bias_grad) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(desc != nullptr, "matmul: desc is null");
    const hs_matmul_desc& d = *desc;
    if (hs_status status = check_matmul(d); status != HS_OK) return status;
    HS_REQUIRE(bias_grad == 0 || d.batch == 1,
               "matmul: a bias gradient needs batch 1, but batch is %lld", ll{d.batch});
    if (d.m != 0 && d.n != 0) HS_NEED("matmul", c);
    if (d.m != 0 && d.k != 0) HS_NEED("matmul", a);
    if (d.k != 0 && d.n != 0) HS_NEED("matmul", b);
    HS_OPTIONAL("matmul", bias);
    HS_OPTIONAL("matmul", aux);
    HS_OPTIONAL("matmul", bias_grad);
    return submit(stream, &KernelTable::matmul,
                  MatmulArgs{d, as<void>(a), as<void>(b), as<void>(c), as<float>(bias),
                             as<void>(aux), as<float>(bias_grad), allows_tf32(stream)});
  });
}

hs_status hs_activation_forward(hs_stream stream, hs_activation activation, hs_dtype type,
                                int64_t count, hs_ptr x, hs_ptr y) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(is_activation(activation), "activation_forward: %d is not an hs_activation",
               activation);
    HS_REQUIRE(is_storage(type), "activation_forward of %s: F32, BF16 and F16 are possible",
               dtype_name(type));
    HS_REQUIRE_COUNT("activation_forward", count);
    if (count != 0) {
      HS_NEED("activation_forward", x);
      HS_NEED("activation_forward", y);
    }
    return submit(stream, &KernelTable::activation_forward,
                  ActivationArgs{activation, type, count, as<void>(x), as<void>(y)});
  });
}

hs_status hs_activation_backward(hs_stream stream, hs_activation activation, hs_dtype type,
                                 int64_t count, hs_ptr dy, hs_ptr saved, hs_ptr dx) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(is_activation(activation), "activation_backward: %d is not an hs_activation",
               activation);
    HS_REQUIRE(is_storage(type), "activation_backward of %s: F32, BF16 and F16 are possible",
               dtype_name(type));
    HS_REQUIRE_COUNT("activation_backward", count);
    if (count != 0) {
      HS_NEED("activation_backward", dy);
      HS_NEED("activation_backward", saved);
      HS_NEED("activation_backward", dx);
    }
    return submit(stream, &KernelTable::activation_backward,
                  ActivationBackwardArgs{activation, type, count, as<void>(dy), as<void>(saved),
                                         as<void>(dx)});
  });
}

hs_status hs_cross_entropy(hs_stream stream, const hs_cross_entropy_desc* desc, hs_ptr logits,
                           hs_ptr labels, hs_ptr class_weights, hs_ptr state, hs_ptr d_logits,
                           hs_ptr row_loss) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(desc != nullptr, "cross_entropy: desc is null");
    const hs_cross_entropy_desc& d = *desc;
    HS_REQUIRE(is_storage(d.type), "cross_entropy of %s: F32, BF16 and F16 are possible",
               dtype_name(d.type));
    HS_REQUIRE(d.rows >= 0 && d.classes >= 1 && d.classes <= INT32_MAX,
               "cross_entropy: logits [%lld, %lld]: rows must not be negative, classes must be "
               "positive",
               ll{d.rows}, ll{d.classes});
    HS_REQUIRE(d.label_smoothing >= 0 && d.label_smoothing < 1,
               "cross_entropy: label smoothing %g is not in [0, 1)",
               static_cast<double>(d.label_smoothing));
    HS_REQUIRE(fits({d.rows, d.classes}),
               "cross_entropy: logits [%lld, %lld] have more than 2^58 elements", ll{d.rows},
               ll{d.classes});
    if (d.rows != 0) {
      HS_NEED("cross_entropy", logits);
      HS_NEED("cross_entropy", labels);
    }
    HS_OPTIONAL("cross_entropy", class_weights);
    HS_OPTIONAL("cross_entropy", state);
    HS_OPTIONAL("cross_entropy", d_logits);
    HS_OPTIONAL("cross_entropy", row_loss);
    return submit(
        stream, &KernelTable::cross_entropy,
        CrossEntropyArgs{d, as<void>(logits), as<int32_t>(labels), as<float>(class_weights),
                         as<hs_step_state>(state), as<void>(d_logits), as<float>(row_loss)});
  });
}
