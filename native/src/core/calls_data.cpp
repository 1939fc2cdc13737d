// Checks of the calls that move, fill and convert data.
#include "core/check.h"

using namespace hs;

hs_status hs_fill(hs_stream stream, hs_dtype type, hs_ptr dst, int64_t count, double value) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(is_dtype(type), "fill: type %d is not an hs_dtype", type);
    HS_REQUIRE_COUNT("fill", count);
    if (count != 0) HS_NEED("fill", dst);
    return submit(stream, &KernelTable::fill, FillArgs{type, as<void>(dst), count, value});
  });
}

hs_status hs_copy(hs_stream stream, hs_ptr dst, hs_ptr src, uint64_t bytes) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(bytes <= kMostBytes, "copy: %llu bytes are more than there can be", ull{bytes});
    if (bytes != 0) {
      HS_NEED("copy", dst);
      HS_NEED("copy", src);
    }
    return submit(stream, &KernelTable::copy, CopyArgs{as<void>(dst), as<void>(src), bytes});
  });
}

hs_status hs_cast(hs_stream stream, hs_dtype src_type, hs_ptr src, hs_dtype dst_type, hs_ptr dst,
                  int64_t count) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(
        (is_storage(src_type) || src_type == HS_U8 || src_type == HS_I32) && is_storage(dst_type),
        "cast from %s to %s: possible are F32, BF16, F16, U8 and I32 to F32, BF16 and F16",
        dtype_name(src_type), dtype_name(dst_type));
    HS_REQUIRE_COUNT("cast", count);
    if (count != 0) {
      HS_NEED("cast", dst);
      HS_NEED("cast", src);
    }
    return submit(stream, &KernelTable::cast,
                  CastArgs{src_type, as<void>(src), dst_type, as<void>(dst), count});
  });
}

namespace {

hs_status check_random(const char* name, hs_ptr dst, int64_t count, bool valid, float first,
                       float second) {
  HS_REQUIRE_COUNT(name, count);
  if (count != 0) HS_NEED(name, dst);
  HS_REQUIRE(valid, "%s: parameters %g and %g are not finite or not in order", name,
             static_cast<double>(first), static_cast<double>(second));
  return HS_OK;
}

}  // namespace

hs_status hs_random_normal(hs_stream stream, hs_ptr dst, int64_t count, uint64_t seed,
                           uint64_t sequence, float mean, float deviation) {
  return guarded([&]() -> hs_status {
    const bool valid = __builtin_isfinite(mean) && __builtin_isfinite(deviation) && deviation >= 0;
    if (hs_status status = check_random("random_normal", dst, count, valid, mean, deviation);
        status != HS_OK) {
      return status;
    }
    return submit(stream, &KernelTable::random_normal,
                  RandomArgs{as<float>(dst), count, seed, sequence, mean, deviation});
  });
}

hs_status hs_random_uniform(hs_stream stream, hs_ptr dst, int64_t count, uint64_t seed,
                            uint64_t sequence, float low, float high) {
  return guarded([&]() -> hs_status {
    const bool valid = __builtin_isfinite(low) && __builtin_isfinite(high) && low <= high;
    if (hs_status status = check_random("random_uniform", dst, count, valid, low, high);
        status != HS_OK) {
      return status;
    }
    return submit(stream, &KernelTable::random_uniform,
                  RandomArgs{as<float>(dst), count, seed, sequence, low, high});
  });
}

hs_status hs_gather(hs_stream stream, const hs_gather_desc* desc, hs_ptr src, hs_ptr order,
                    hs_ptr state, hs_ptr scale, hs_ptr shift, hs_ptr dst) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(desc != nullptr, "gather: desc is null");
    const hs_gather_desc& d = *desc;
    const bool tokens = d.src_type == HS_I32 && d.dst_type == HS_I32;
    HS_REQUIRE(tokens || ((d.src_type == HS_U8 || d.src_type == HS_F32) && is_storage(d.dst_type)),
               "gather from %s to %s: possible are U8 and F32 to F32, BF16 and F16, and I32 to I32",
               dtype_name(d.src_type), dtype_name(d.dst_type));
    HS_REQUIRE(d.src_rows >= 1 && d.row_size >= 0 && d.batch >= 0 && d.src_rows <= INT32_MAX,
               "gather: src_rows %lld, row_size %lld, batch %lld: one is negative, or there are no "
               "rows or more than 2^31 - 1",
               ll{d.src_rows}, ll{d.row_size}, ll{d.batch});
    HS_REQUIRE(order == 0 || d.order_size >= 1, "gather: order_size is %lld: it must be positive",
               ll{d.order_size});
    HS_REQUIRE((scale == 0) == (shift == 0), "gather: give scale and shift, or neither");
    HS_REQUIRE(scale == 0 || (!tokens && d.channels >= 1 && d.row_size % d.channels == 0),
               "gather: %lld channels do not divide a row of %lld, or tokens are to be scaled",
               ll{d.channels}, ll{d.row_size});
    HS_REQUIRE(fits({d.src_rows, d.row_size}) && fits({d.batch, d.row_size}) &&
                   d.order_size <= kMostElements,
               "gather of %lld rows from [%lld, %lld], order of %lld: more than 2^58 elements",
               ll{d.batch}, ll{d.src_rows}, ll{d.row_size}, ll{d.order_size});
    if (d.batch != 0 && d.row_size != 0) {
      HS_NEED("gather", src);
      HS_NEED("gather", dst);
    }
    HS_OPTIONAL("gather", order);
    HS_OPTIONAL("gather", state);
    HS_OPTIONAL("gather", scale);
    HS_OPTIONAL("gather", shift);
    return submit(stream, &KernelTable::gather,
                  GatherArgs{d, as<void>(src), as<int32_t>(order), as<hs_step_state>(state),
                             as<float>(scale), as<float>(shift), as<void>(dst)});
  });
}
