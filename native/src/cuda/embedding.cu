// embedding: copies the rows of a table that tokens name. embedding_backward: the gradient of the
// table; its row for a token is the sum of dy over the token's places, in their order.
//
// Bytes: forward reads and writes each chosen row; backward reads dy once and writes the table's
// gradient (with beta it also reads it). Floor: bytes / bandwidth.
// Design: backward sorts the places by token. It counts the places of each token, adds the counts
// up to the index at which each token's places begin, and fills the places in. Each warp fills in
// the places of every nth token and goes through all tokens of the batch in order, so that the
// order of the places is kept. Then blocks sum each row of the table over its places, in order. Not
// yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kWarps = kThreads / kWarpSize;

HS_DEVICE bool contains(std::int64_t vocabulary, std::int32_t token) {
  return token >= 0 && token < vocabulary;
}

// Copies the chosen rows, of `units` Units each.
template <class Unit>
HS_KERNEL void __launch_bounds__(kThreads)
    copy_chosen(const EmbeddingArgs args, std::int64_t units) {
  auto* table = static_cast<const Unit*>(args.table);
  auto* y = static_cast<Unit*>(args.y);
  std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; row < args.count;
       row += stride) {
    std::int32_t token = args.tokens[row];
    bool valid = contains(args.vocabulary, token);
    if (!valid && args.state != nullptr && threadIdx.x == 0) {
      atomicOr(&args.state->error, static_cast<unsigned>(HS_ERROR_INDEX));
    }
    for (std::int64_t i = threadIdx.x; i < units; i += blockDim.x) {
      y[row * units + i] = valid ? table[token * units + i] : Unit{};
    }
  }
}

template <class Unit>
hs_status launch_copy(const Stream& stream, const EmbeddingArgs& args, std::int64_t units) {
  unsigned columns = 1;
  while (columns < kThreads && columns < units) columns *= 2;
  unsigned rows = kThreads / columns;
  unsigned blocks = blocks_for(stream, args.count, rows, kElementwiseBlocks);
  return launch(stream, {.name = "copy_chosen", .grid = {blocks}, .block = {columns, rows}},
                copy_chosen<Unit>, args, units);
}

// The workspace of the backward pass. After sorting, the places of token t end at ends[t], where
// those of t + 1 begin.
struct Places {
  unsigned* ends;        // [vocabulary + 1]; the last element is not used
  std::int32_t* places;  // [count]
};

HS_KERNEL void __launch_bounds__(kThreads) clear_counts(std::int64_t vocabulary, unsigned* counts) {
  for (std::int64_t t = grid_thread(); t < vocabulary; t += grid_threads()) counts[t] = 0;
}

// Counts the places of each token. The counts are integers, so the order of the atomic additions
// does not matter.
HS_KERNEL void __launch_bounds__(kThreads)
    count_places(const EmbeddingBackwardArgs args, unsigned* counts) {
  for (std::int64_t i = grid_thread(); i < args.count; i += grid_threads()) {
    std::int32_t token = args.tokens[i];
    if (contains(args.vocabulary, token)) atomicAdd(&counts[token], 1u);
  }
}

struct ScanShared {
  unsigned warp[kWarps];
};

// Replaces the counts by the index at which each token's places begin. One block goes through the
// vocabulary tile by tile.
HS_KERNEL void __launch_bounds__(kThreads) scan_counts(std::int64_t vocabulary, unsigned* counts) {
  ScanShared& shared = shared_memory<ScanShared>();
  unsigned before = 0;  // places of earlier tiles
  for (std::int64_t tile = 0; tile < vocabulary; tile += kThreads) {
    std::int64_t t = tile + threadIdx.x;
    unsigned own = t < vocabulary ? counts[t] : 0, sum = own;
    for (unsigned delta = 1; delta < kWarpSize; delta *= 2) {
      unsigned lower = __shfl_sync(kFullMask, sum, lane_id() - delta);
      if (lane_id() >= delta) sum += lower;
    }
    if (lane_id() == kWarpSize - 1) shared.warp[warp_id()] = sum;
    __syncthreads();
    unsigned all = 0;
    for (unsigned w = 0; w < kWarps; ++w) {
      if (w < warp_id()) sum += shared.warp[w];
      all += shared.warp[w];
    }
    if (t < vocabulary) counts[t] = before + sum - own;
    before += all;
    __syncthreads();  // the next tile overwrites the warps' sums
  }
}

// Fills in the places, and moves ends[t] from the beginning of token t's places to their end.
HS_KERNEL void __launch_bounds__(kThreads)
    fill_places(const EmbeddingBackwardArgs args, const Places sorted) {
  constexpr int kAhead = 8;  // loads in flight
  unsigned warps = gridDim.x * kWarps, own = blockIdx.x * kWarps + warp_id();
  for (std::int64_t first = 0; first < args.count; first += kAhead * kWarpSize) {
    std::int32_t token[kAhead];
    HS_UNROLL for (int a = 0; a < kAhead; ++a) {
      std::int64_t i = first + a * kWarpSize + lane_id();
      token[a] = i < args.count ? args.tokens[i] : -1;
    }
    HS_UNROLL for (int a = 0; a < kAhead; ++a) {
      bool mine =
          contains(args.vocabulary, token[a]) && static_cast<unsigned>(token[a]) % warps == own;
      // Handles the lanes that have the same token together.
      for (unsigned left = __ballot_sync(kFullMask, mine); left != 0;) {
        std::int32_t chosen = __shfl_sync(kFullMask, token[a], __ffs(left) - 1);
        unsigned alike = __ballot_sync(kFullMask, mine && token[a] == chosen);
        unsigned begin = sorted.ends[chosen];
        __syncwarp();  // all lanes have read ends[chosen]
        if (mine && token[a] == chosen) {
          unsigned rank = __popc(alike & ((1u << lane_id()) - 1));
          sorted.places[begin + rank] =
              static_cast<std::int32_t>(first + a * kWarpSize + lane_id());
        }
        if (lane_id() == 0) sorted.ends[chosen] = begin + __popc(alike);
        __syncwarp();  // ends[chosen] is written before it is read for the same token again
        left &= ~alike;
      }
    }
  }
}

// d_table = beta d_table + the sums of dy over the places of each token. blockDim.x threads in each
// of gridDim.y blocks share a row.
template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kThreads)
    sum_places(const EmbeddingBackwardArgs args, const Places sorted) {
  constexpr int kAhead = 4;  // loads in flight
  auto* dy = static_cast<const T*>(args.dy);
  std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t t = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; t < args.vocabulary;
       t += stride) {
    std::int64_t begin = t == 0 ? 0 : sorted.ends[t - 1], end = sorted.ends[t];
    if (begin == end && args.beta == 1) continue;
    for (std::int64_t c = (std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x) * kVector;
         c < args.width; c += std::int64_t{gridDim.y} * blockDim.x * kVector) {
      float sum[kVector] = {};
      auto add = [&](const float(&x)[kVector]) {
        HS_UNROLL for (int e = 0; e < kVector; ++e) sum[e] += x[e];
      };
      std::int64_t p = begin;
      for (; p + kAhead <= end; p += kAhead) {
        float x[kAhead][kVector];
        HS_UNROLL for (int a = 0; a < kAhead; ++a) {
          load_elements(dy + sorted.places[p + a] * args.width + c, x[a]);
        }
        HS_UNROLL for (int a = 0; a < kAhead; ++a) add(x[a]);
      }
      for (; p < end; ++p) {
        float x[kVector];
        load_elements(dy + sorted.places[p] * args.width + c, x);
        add(x);
      }
      float* out = args.d_table + t * args.width + c;
      if (args.beta != 0) {
        float old[kVector];
        load_elements(out, old);
        HS_UNROLL for (int e = 0; e < kVector; ++e) sum[e] += args.beta * old[e];
      }
      store_elements(out, sum);
    }
  }
}

hs_status sort_places(const Stream& stream, const EmbeddingBackwardArgs& args,
                      const Places& sorted) {
  hs_status status = launch(stream, elementwise_shape("clear_counts", stream, args.vocabulary, 1),
                            clear_counts, args.vocabulary, sorted.ends);
  if (status != HS_OK) return status;
  if (args.count != 0) {
    status = launch(stream, elementwise_shape("count_places", stream, args.count, 1), count_places,
                    args, sorted.ends);
    if (status != HS_OK) return status;
  }
  status = launch(stream,
                  {.name = "scan_counts", .block = {kThreads}, .shared_bytes = sizeof(ScanShared)},
                  scan_counts, args.vocabulary, sorted.ends);
  if (status != HS_OK || args.count == 0) return status;
  // Every warp goes through all tokens, so there are only as many warps as keep the device busy.
  return launch(stream,
                {.name = "fill_places",
                 .grid = {blocks_for(stream, args.vocabulary, kWarps, 1)},
                 .block = {kThreads}},
                fill_places, args, sorted);
}

template <class T, int kVector>
hs_status launch_sums(const Stream& stream, const EmbeddingBackwardArgs& args,
                      const Places& sorted) {
  std::int64_t vectors = args.width / kVector;
  unsigned columns = 1;
  while (columns < kWarpSize && columns < vectors) columns *= 2;
  unsigned rows = kThreads / columns;
  std::int64_t pieces = (vectors + columns - 1) / columns;
  LaunchShape shape{.name = "sum_places", .block = {columns, rows}};
  shape.grid.y = static_cast<unsigned>(pieces < 256 ? pieces : 256);
  shape.grid.x = blocks_for(stream, args.vocabulary, rows, kElementwiseBlocks * 4);
  return launch(stream, shape, sum_places<T, kVector>, args, sorted);
}

}  // namespace

hs_status embedding(void* stream_of_call, const EmbeddingArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  std::int64_t row_bytes = args.width * (args.type == HS_F32 ? 4 : 2);
  if (row_bytes % 16 == 0 && aligned(args.table) && aligned(args.y)) {
    return launch_copy<Vector<std::uint32_t, 4>>(stream, args, row_bytes / 16);
  }
  return args.type == HS_F32 ? launch_copy<std::uint32_t>(stream, args, args.width)
                             : launch_copy<std::uint16_t>(stream, args, args.width);
}

hs_status embedding_backward(void* stream_of_call, const EmbeddingBackwardArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  const Places sorted{reinterpret_cast<unsigned*>(args.workspace),
                      args.workspace + args.vocabulary + 1};
  hs_status status = sort_places(stream, args, sorted);
  if (status != HS_OK) return status;
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    constexpr int kVector = 16 / sizeof(T);
    bool vectors = args.width % kVector == 0 && aligned(args.dy) && aligned(args.d_table);
    return vectors ? launch_sums<T, kVector>(stream, args, sorted)
                   : launch_sums<T, 1>(stream, args, sorted);
  });
}

}  // namespace hs::cuda
