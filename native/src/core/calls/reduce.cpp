// Checks of reductions.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_reduce(const char* name, const hs_reduce_desc& d) {
  HS_REQUIRE(d.reduction >= HS_SUM && d.reduction <= HS_MAX, "%s: %d is not an hs_reduction", name,
             d.reduction);
  HS_REQUIRE(is_storage(d.type) && (d.out_type == HS_F32 || d.out_type == d.type),
             "%s of %s into %s: possible are F32, BF16 and F16 into themselves or F32", name,
             dtype_name(d.type), dtype_name(d.out_type));
  HS_REQUIRE(d.outer >= 0 && d.extent >= 1 && d.extent <= INT32_MAX && d.inner >= 0,
             "%s: x [%lld, %lld, %lld]: the reduced extent must be positive, the others not "
             "negative",
             name, ll{d.outer}, ll{d.extent}, ll{d.inner});
  HS_REQUIRE(fits({d.outer, d.extent, d.inner}),
             "%s: x [%lld, %lld, %lld] has more than 2^58 elements", name, ll{d.outer},
             ll{d.extent}, ll{d.inner});
  HS_REQUIRE(d.beta == 0 || d.reduction != HS_MAX, "%s: a maximum cannot be accumulated (beta %g)",
             name, static_cast<double>(d.beta));
  return HS_OK;
}

}  // namespace

hs_status check(const ReduceArgs& args) {
  if (hs_status status = check_reduce("reduce", args.desc); status != HS_OK) return status;
  HS_REQUIRE(args.index == nullptr || args.desc.reduction == HS_MAX,
             "reduce: only a maximum has places");
  return HS_OK;
}

hs_status check(const ReduceBackwardArgs& args) {
  const hs_reduce_desc& d = args.desc;
  if (hs_status status = check_reduce("reduce_backward", d); status != HS_OK) return status;
  HS_REQUIRE(d.reduction != HS_MAX || args.index != nullptr || d.outer == 0 || d.inner == 0,
             "reduce_backward: a maximum needs the index of the forward call");
  return HS_OK;
}

}  // namespace hs
