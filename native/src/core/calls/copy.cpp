// Checks of fills and copies.
#include "core/kernel_checks.h"

namespace hs {

namespace {

// Whether `rows` rows of `row_bytes` bytes, `pitch` bytes apart, fit into an address space.
bool fits_rows(int64_t rows, uint64_t row_bytes, uint64_t pitch) {
  uint64_t before_last = 0;
  return rows == 0 ||
         (row_bytes <= kMostBytes &&
          !__builtin_mul_overflow(static_cast<uint64_t>(rows - 1), pitch, &before_last) &&
          before_last <= kMostBytes - row_bytes);
}

}  // namespace

hs_status check(const FillArgs& args) {
  HS_REQUIRE(is_dtype(args.type), "fill: type %d is not an hs_dtype", args.type);
  HS_REQUIRE_COUNT("fill", args.count);
  return HS_OK;
}

hs_status check(const CopyArgs& args) {
  HS_REQUIRE(args.bytes <= kMostBytes, "copy: %llu bytes are more than there can be",
             ull{args.bytes});
  return HS_OK;
}

hs_status check(const CopyRowsArgs& args) {
  HS_REQUIRE(args.rows >= 0, "copy_rows: rows is %lld: it must be 0 or more", ll{args.rows});
  HS_REQUIRE(args.rows <= 1 || args.dst_pitch >= args.row_bytes,
             "copy_rows: rows of %llu bytes overlap at a pitch of %llu", ull{args.row_bytes},
             ull{args.dst_pitch});
  HS_REQUIRE(fits_rows(args.rows, args.row_bytes, args.src_pitch) &&
                 fits_rows(args.rows, args.row_bytes, args.dst_pitch),
             "copy_rows: %lld rows of %llu bytes at pitches of %llu and %llu are more than there "
             "can be",
             ll{args.rows}, ull{args.row_bytes}, ull{args.src_pitch}, ull{args.dst_pitch});
  return HS_OK;
}

}  // namespace hs
