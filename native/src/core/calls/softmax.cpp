// Checks of softmax.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_softmax(const char* name, const hs_softmax_desc& d) {
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.rows >= 0 && d.columns >= 1 && d.queries >= 0 && __builtin_isfinite(d.scale),
             "%s: [%lld, %lld] with %lld queries and scale %g: extents must be positive (rows may "
             "be 0), the scale finite",
             name, ll{d.rows}, ll{d.columns}, ll{d.queries}, static_cast<double>(d.scale));
  HS_REQUIRE(fits({d.rows, d.columns}), "%s: [%lld, %lld] has more than 2^58 elements", name,
             ll{d.rows}, ll{d.columns});
  HS_REQUIRE(d.queries == 0 || (d.rows % d.queries == 0 && d.queries <= d.columns),
             "%s: %lld queries must divide the %lld rows and not pass the %lld columns", name,
             ll{d.queries}, ll{d.rows}, ll{d.columns});
  HS_REQUIRE(
      d.samples >= 0 && (d.samples == 0 || d.rows % d.samples == 0) && fits({d.samples, d.columns}),
      "%s: %lld samples must divide the %lld rows, and their tokens be 2^58 at most", name,
      ll{d.samples}, ll{d.rows});
  return HS_OK;
}

}  // namespace

hs_status check(const SoftmaxArgs& args) {
  const hs_softmax_desc& d = args.desc;
  if (hs_status status = check_softmax("softmax", d); status != HS_OK) return status;
  HS_REQUIRE((args.tokens != nullptr) == (d.samples != 0) || d.rows == 0,
             "softmax: a padding mask takes samples and their tokens, but there are %lld samples "
             "and tokens are%s given",
             ll{d.samples}, args.tokens == nullptr ? " not" : "");
  return HS_OK;
}

hs_status check(const SoftmaxBackwardArgs& args) {
  return check_softmax("softmax_backward", args.desc);
}

}  // namespace hs
