// Checks of group and layer normalisation.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_group_norm(const char* name, const hs_group_norm_desc& d) {
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.positions >= 1 && d.channels >= 1 && d.groups >= 1 &&
                 d.channels % d.groups == 0,
             "%s: x [%lld, %lld, %lld] in %d groups: extents must be positive (n may be 0) and the "
             "groups divide the channels",
             name, ll{d.n}, ll{d.positions}, ll{d.channels}, d.groups);
  HS_REQUIRE(fits({d.n, d.positions, d.channels}),
             "%s: x [%lld, %lld, %lld] has more than 2^58 elements", name, ll{d.n}, ll{d.positions},
             ll{d.channels});
  HS_REQUIRE(d.eps > 0, "%s: eps %g must be positive", name, static_cast<double>(d.eps));
  return HS_OK;
}

}  // namespace

hs_status check(const GroupNormArgs& args) {
  if (hs_status status = check_group_norm("group_norm", args.desc); status != HS_OK) return status;
  HS_REQUIRE((args.gamma == nullptr) == (args.beta == nullptr) &&
                 (args.saved_mean == nullptr) == (args.saved_invstd == nullptr),
             "group_norm: give gamma and beta, and saved_mean and saved_invstd, together");
  return HS_OK;
}

hs_status check(const GroupNormBackwardArgs& args) {
  if (hs_status status = check_group_norm("group_norm_backward", args.desc); status != HS_OK) {
    return status;
  }
  HS_REQUIRE((args.d_gamma == nullptr) == (args.d_beta == nullptr),
             "group_norm_backward: give d_gamma and d_beta, or neither");
  return HS_OK;
}

}  // namespace hs
