// copy: dst = src. fill: dst[i] = value.
//
// Bytes: copy reads and writes each byte once, fill writes each once. Floor: bytes / bandwidth.
// Design: 16-byte accesses whose lines the cache evicts first, four in flight per thread; the bytes
// before the first and after the last multiple of 16 are copied one by one. If source and
// destination are aligned differently within 16 bytes, words or bytes are copied. Not yet measured
// on a GPU.
#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/ptx/convert.h"
#include "cuda/ptx/memory.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kUnroll = 4;
constexpr int kBlocksPerMultiprocessor = 8;
constexpr std::int64_t kBytes = 16;  // bytes of an access

using Words = Vector<std::uint32_t, 4>;
using Pattern = Vector<std::uint64_t, 2>;

// A range of bytes: `head` single bytes, `vectors` accesses of 16 bytes, then `tail` single bytes.
struct Span {
  std::int64_t head, vectors, tail;
};

HS_KERNEL void __launch_bounds__(kThreads)
    copy_vectors(unsigned char* dst, const unsigned char* src, Span span) {
  auto* to = reinterpret_cast<Words*>(dst + span.head);
  auto* from = reinterpret_cast<const Words*>(src + span.head);
  std::int64_t stride = grid_threads();
  std::int64_t i = grid_thread();
  for (; i + (kUnroll - 1) * stride < span.vectors; i += kUnroll * stride) {
    Words held[kUnroll];
    HS_UNROLL for (int u = 0; u < kUnroll; ++u) {
      held[u] = load_streaming<Words>(from + i + u * stride);
    }
    HS_UNROLL for (int u = 0; u < kUnroll; ++u) store_streaming(to + i + u * stride, held[u]);
  }
  for (; i < span.vectors; i += stride) store_streaming(to + i, load_streaming<Words>(from + i));
  if (blockIdx.x == 0) {
    std::int64_t end = span.head + span.vectors * kBytes;
    if (threadIdx.x < span.head) dst[threadIdx.x] = src[threadIdx.x];
    if (threadIdx.x < span.tail) dst[end + threadIdx.x] = src[end + threadIdx.x];
  }
}

template <class Unit>
HS_KERNEL void __launch_bounds__(kThreads)
    copy_units(Unit* dst, const Unit* src, std::int64_t count) {
  for (std::int64_t i = grid_thread(); i < count; i += grid_threads()) dst[i] = src[i];
}

// Sets the byte at each address a to byte a % 8 of the pattern.
HS_KERNEL void __launch_bounds__(kThreads)
    fill_pattern(unsigned char* dst, Span span, std::uint64_t pattern) {
  auto* to = reinterpret_cast<Pattern*>(dst + span.head);
  for (std::int64_t i = grid_thread(); i < span.vectors; i += grid_threads()) {
    store_streaming(to + i, Pattern{{pattern, pattern}});
  }
  if (blockIdx.x == 0) {
    auto put = [=](unsigned char* at) {
      *at = static_cast<unsigned char>(pattern >> (reinterpret_cast<std::uintptr_t>(at) % 8 * 8));
    };
    if (threadIdx.x < span.head) put(dst + threadIdx.x);
    if (threadIdx.x < span.tail) put(dst + span.head + span.vectors * kBytes + threadIdx.x);
  }
}

Span span_of(const void* address, std::uint64_t bytes) {
  auto total = static_cast<std::int64_t>(bytes);
  auto misplaced = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(address) % kBytes);
  std::int64_t head = (kBytes - misplaced) % kBytes;
  if (head > total) head = total;
  std::int64_t vectors = (total - head) / kBytes;
  return {head, vectors, total - head - vectors * kBytes};
}

LaunchShape shape_of(const char* name, const Stream& stream, std::int64_t items, int per_thread) {
  unsigned blocks =
      blocks_for(stream, items, std::int64_t{kThreads} * per_thread, kBlocksPerMultiprocessor);
  return {.name = name, .grid = {blocks}, .block = {kThreads}};
}

template <class Unit>
hs_status launch_units(const Stream& stream, const CopyArgs& args) {
  auto count = static_cast<std::int64_t>(args.bytes / sizeof(Unit));
  return launch(stream, shape_of("copy_units", stream, count, 1), copy_units<Unit>,
                static_cast<Unit*>(args.dst), static_cast<const Unit*>(args.src), count);
}

// Converts to an integer type: rounds towards zero, and clamps to the type's range; NaN gives 0.
// 2^digits is the first number above the range.
template <class Integer>
Integer to_integer(double value) {
  using Limits = std::numeric_limits<Integer>;
  if (value != value) return 0;
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  if (value >= std::ldexp(1.0, Limits::digits)) return Limits::max();
  return static_cast<Integer>(value);
}

// Converts the value to an element of the type and repeats that over 8 bytes.
std::uint64_t pattern_of(hs_dtype type, double value) {
  auto repeat = [](auto element) {
    std::uint64_t bits = 0;
    for (std::size_t at = 0; at < sizeof bits; at += sizeof element) {
      std::memcpy(reinterpret_cast<unsigned char*>(&bits) + at, &element, sizeof element);
    }
    return bits;
  };
  switch (type) {
    case HS_F32:
      return repeat(static_cast<float>(value));
    case HS_BF16:
      return repeat(bf16_from_float(static_cast<float>(value)));
    case HS_F16:
      return repeat(f16_from_float(static_cast<float>(value)));
    case HS_I32:
      return repeat(to_integer<std::int32_t>(value));
    case HS_U8:
      return repeat(to_integer<std::uint8_t>(value));
    case HS_I64:
      return repeat(to_integer<std::int64_t>(value));
    default:
      return repeat(value);
  }
}

std::uint64_t element_bytes(hs_dtype type) {
  constexpr std::uint64_t kBytesOf[] = {4, 2, 2, 4, 1, 8, 8};  // in the order of hs_dtype
  return kBytesOf[type];
}

}  // namespace

hs_status copy(void* stream_of_call, const CopyArgs& args) {
  if (args.bytes == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  auto dst = reinterpret_cast<std::uintptr_t>(args.dst);
  auto src = reinterpret_cast<std::uintptr_t>(args.src);
  if (dst % kBytes == src % kBytes) {
    Span span = span_of(args.dst, args.bytes);
    return launch(stream, shape_of("copy_vectors", stream, span.vectors, kUnroll), copy_vectors,
                  static_cast<unsigned char*>(args.dst),
                  static_cast<const unsigned char*>(args.src), span);
  }
  if ((dst | src | args.bytes) % 4 == 0) return launch_units<std::uint32_t>(stream, args);
  return launch_units<unsigned char>(stream, args);
}

hs_status fill(void* stream_of_call, const FillArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  Span span = span_of(args.dst, static_cast<std::uint64_t>(args.count) * element_bytes(args.type));
  return launch(stream, shape_of("fill_pattern", stream, span.vectors, 1), fill_pattern,
                static_cast<unsigned char*>(args.dst), span, pattern_of(args.type, args.value));
}

}  // namespace hs::cuda
