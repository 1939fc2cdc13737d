// Checks of softmax cross-entropy.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const CrossEntropyArgs& args) {
  const hs_cross_entropy_desc& d = args.desc;
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
  return HS_OK;
}

}  // namespace hs
