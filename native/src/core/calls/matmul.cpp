// Checks of matrix products.
#include "core/kernel_checks.h"

namespace hs {

namespace {

// Whether `batch` matrices that begin `stride` elements apart, of `rows` rows that begin `leading`
// elements apart, fit into an array. Each row counts as `leading` elements.
bool fits_matrices(int64_t batch, int64_t stride, int64_t rows, int64_t leading) {
  return fits({batch, stride}) && fits({rows, leading}) &&
         (batch - 1) * stride + rows * leading <= kMostElements;
}

bool fits_matrices(const hs_matmul_desc& d) {
  // The usual case: all sizes are so small that the product of any two of them cannot overflow.
  constexpr int64_t kRoot = int64_t{1} << 28;
  const int64_t sizes = d.batch | d.m | d.n | d.k | d.lda | d.ldb | d.ldc;
  if ((sizes | d.stride_a | d.stride_b | d.stride_c) < kRoot) return true;
  return fits_matrices(d.batch, d.stride_a, d.transpose_a ? d.k : d.m, d.lda) &&
         fits_matrices(d.batch, d.stride_b, d.transpose_b ? d.n : d.k, d.ldb) &&
         fits_matrices(d.batch, d.stride_c, d.m, d.ldc);
}

}  // namespace

hs_status check(const MatmulArgs& args) {
  const hs_matmul_desc& d = args.desc;
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
  HS_REQUIRE(args.bias_grad == nullptr || d.batch == 1,
             "matmul: a bias gradient needs batch 1, but batch is %lld", ll{d.batch});
  return HS_OK;
}

}  // namespace hs
