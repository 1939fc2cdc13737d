// cast: converts elements from one type to another. Bound by memory: each array is read or written
// once. Floor: bytes / (memory bandwidth).
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/pool.h"
#include "cpu/simd.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileElements = 64 << 10;

template <class From, class To>
void cast_tile(const void* src, void* dst, int64_t begin, int64_t end) {
  const From* from = static_cast<const From*>(src);
  To* to = static_cast<To*>(dst);
  for_vectors(begin, end,
              [=](int64_t i, auto lanes) { store(to + i, load(from + i, lanes), lanes); });
}

using CastTile = void (*)(const void*, void*, int64_t, int64_t);

template <class From>
CastTile cast_from(hs_dtype dst_type) {
  return dst_type == HS_F32    ? cast_tile<From, float>
         : dst_type == HS_BF16 ? cast_tile<From, Bf16>
                               : cast_tile<From, F16>;
}

CastTile cast_between(hs_dtype src_type, hs_dtype dst_type) {
  switch (src_type) {
    case HS_F32:
      return cast_from<float>(dst_type);
    case HS_BF16:
      return cast_from<Bf16>(dst_type);
    case HS_F16:
      return cast_from<F16>(dst_type);
    case HS_U8:
      return cast_from<uint8_t>(dst_type);
    default:
      return cast_from<int32_t>(dst_type);
  }
}

}  // namespace

void cast(const CastArgs& args) {
  const CastTile tile = cast_between(args.src_type, args.dst_type);
  for_spans(args.count, kTileElements, 8 * kNsPerByte,
            [&](int64_t begin, int64_t end) { tile(args.src, args.dst, begin, end); });
}

}  // namespace hs::cpu::HS_ISA
