// hs_permute and its checks. The function is written by hand, since it copies the host arrays of
// extents and permutation.
#include "core/kernel_checks.h"

using namespace hs;

hs_status hs_permute(hs_stream stream, hs_dtype type, int32_t rank, const int64_t* extents,
                     const int32_t* permutation, hs_ptr x, hs_ptr y) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(is_dtype(type), "permute: type %d is not an hs_dtype", type);
    HS_REQUIRE(rank >= 1 && rank <= 6 && extents != nullptr && permutation != nullptr,
               "permute: rank %d is not in 1 ... 6, or extents or permutation is null", rank);
    PermuteArgs args{type, rank, {}, {}, as<void>(x), as<void>(y)};
    uint32_t seen = 0;
    bool empty = false;
    for (int32_t i = 0; i < rank; i++) {
      HS_REQUIRE(extents[i] >= 0, "permute: extent %d is %lld: it must be 0 or more", i,
                 ll{extents[i]});
      HS_REQUIRE(permutation[i] >= 0 && permutation[i] < rank && !(seen >> permutation[i] & 1u),
                 "permute: dimension %d at place %d is outside [0, %d) or there twice",
                 permutation[i], i, rank);
      seen |= 1u << permutation[i];
      empty |= extents[i] == 0;
      args.extents[i] = extents[i];
      args.permutation[i] = permutation[i];
    }
    HS_REQUIRE(fits(args.extents, static_cast<size_t>(rank)),
               "permute: x has more than 2^58 elements");
    if (!empty) {
      HS_NEED("permute", x);
      HS_NEED("permute", y);
    }
    return submit(stream, &KernelTable::permute, args);
  });
}
