// Checks of gathering a batch by its index.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const GatherArgs& args) {
  const hs_gather_desc& d = args.desc;
  const bool tokens = d.src_type == HS_I32 && d.dst_type == HS_I32;
  HS_REQUIRE(tokens || ((d.src_type == HS_U8 || d.src_type == HS_F32) && is_storage(d.dst_type)),
             "gather from %s to %s: possible are U8 and F32 to F32, BF16 and F16, and I32 to I32",
             dtype_name(d.src_type), dtype_name(d.dst_type));
  HS_REQUIRE(d.src_rows >= 1 && d.row_size >= 0 && d.batch >= 0 && d.src_rows <= INT32_MAX,
             "gather: src_rows %lld, row_size %lld, batch %lld: one is negative, or there are no "
             "rows or more than 2^31 - 1",
             ll{d.src_rows}, ll{d.row_size}, ll{d.batch});
  HS_REQUIRE(args.order == nullptr || d.order_size >= 1,
             "gather: order_size is %lld: it must be positive", ll{d.order_size});
  HS_REQUIRE((args.scale == nullptr) == (args.shift == nullptr),
             "gather: give scale and shift, or neither");
  HS_REQUIRE(args.scale == nullptr || (!tokens && d.channels >= 1 && d.row_size % d.channels == 0),
             "gather: %lld channels do not divide a row of %lld, or tokens are to be scaled",
             ll{d.channels}, ll{d.row_size});
  HS_REQUIRE(fits({d.src_rows, d.row_size}) && fits({d.batch, d.row_size}) &&
                 d.order_size <= kMostElements,
             "gather of %lld rows from [%lld, %lld], order of %lld: more than 2^58 elements",
             ll{d.batch}, ll{d.src_rows}, ll{d.row_size}, ll{d.order_size});
  return HS_OK;
}

}  // namespace hs
