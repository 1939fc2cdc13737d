// The output of a convolution with few inputs, as an image's first layer has them, and its
// gradients of weights and bias: one group, and windows of at most kMostInputs values.
//
// FLOPs: 2 n p q k r s c each, by FMA in FP32 whatever the type (TF32 too). Bytes: x, weights and y
// (or dy) once. Floor: bytes / bandwidth for the smallest windows, FLOPs / rate of the FMA units
// for the others.
// Design: each warp is on its own but for the weights: its lanes find the windows of 32 pixels, a
// lane one of them, and leave them as FP32 in the warp's part of shared memory, rows that hold
// zeros instead of padding. The loops over a window then have constant ends.
// Output: a lane has 4 pixels x 8 channels in registers and reads both sides from shared memory, 16
// bytes at a time; the warp writes neighbouring pixels of y.
// Gradients: a lane has a few channels of dy, all taps of them in registers, and every so many
// pixels of the tile, whose dy was asked for before the windows. Warps are added in shared memory,
// blocks through the workspace by the last to finish, both in a fixed order; one block a
// multiprocessor keeps that short.
// Measured (benchmarks/results/hopper-2026-11-27) within the CNN's step of 256, H200, BF16: 581 us before,
// 264 with both and other tiles for the rest.
#include "cuda/conv2d_few.h"

#include "cuda/activation_math.h"
#include "cuda/elementwise.h"
#include "cuda/launch.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

constexpr int kMostInputs = 32;
constexpr std::int64_t kMostOutputs = 1024;  // so that the workspace has room for all partial sums

constexpr int kTilePixels = kWarpSize;

// Floats of a window's row in shared memory: whole accesses of 16 bytes, an odd number of them, so
// that neighbouring rows lie in different banks.
template <int kDepth>
constexpr int kRow = (kDepth + 3) / 4 % 2 == 1 ? (kDepth + 3) / 4 * 4 : (kDepth + 3) / 4 * 4 + 4;

// A value of the window: its place relative to the first one's, and the distance of the elements.
struct alignas(16) Tap {
  int y, x, at, unused;
};

// Lies outside of every image. (One with a row or column of its number has more than 2^31 values.)
constexpr int kNowhere = -0x40000000;

template <int kDepth>
HS_DEVICE void put_taps(const Window& window, int depth, Tap (&taps)[kDepth]) {
  const unsigned d = threadIdx.x;
  if (d >= kDepth) return;
  unsigned channel, column;
  const unsigned tap = window.of_channels.quotient(d, channel);
  const unsigned row = window.taps_of_row.quotient(tap, column);
  const int y = window.rows.of_tap(row), x = window.columns.of_tap(column);
  const int at = (y * window.columns.extent + x) * window.channels + static_cast<int>(channel);
  taps[d] = static_cast<int>(d) < depth ? Tap{y, x, at, 0} : Tap{kNowhere, 0, 0, 0};
}

// Writes the window of one of `pixels` outputs to `row`; zeros beyond the last.
template <class T, int kDepth>
HS_DEVICE void put_window(const Window& window, const T* source, std::int64_t pixel,
                          std::int64_t pixels, const Tap (&taps)[kDepth], float* row) {
  const bool exists = pixel < pixels;
  unsigned i, j;
  const unsigned line = window.of_columns.quotient(exists ? static_cast<unsigned>(pixel) : 0, j);
  const unsigned image = window.of_rows.quotient(line, i);
  const int y = window.rows.of_output(i), x = window.columns.of_output(j);
  const T* first = source + image * window.image_size +
                   (std::int64_t{y} * window.columns.extent + x) * window.channels;
  constexpr int kAtOnce = kDepth <= 12 ? 12 : 4;  // more would spill beside the gradients' sums
  HS_UNROLL for (int d = 0; d < kDepth; d += kAtOnce) {
    float values[kAtOnce] = {};
    HS_UNROLL for (int e = 0; e < kAtOnce; ++e) {
      if (d + e >= kDepth) continue;
      const Tap tap = taps[d + e];
      const bool inside =
          exists && window.rows.is_inside(y + tap.y) && window.columns.is_inside(x + tap.x);
      if (inside) values[e] = to_float(first[tap.at]);
    }
    HS_UNROLL for (int e = 0; e < kAtOnce; e += 4) {
      if (d + e >= kDepth) continue;
      const float four[] = {values[e], values[e + 1], values[e + 2], values[e + 3]};
      store_elements(row + d + e, four);
    }
  }
}

constexpr int kForwardWarps = 4;
constexpr int kForwardBlocks = 5;     // of a multiprocessor
constexpr int kForwardChannels = 64;  // of a block
constexpr int kForwardPixels = 4;     // of a lane
constexpr int kSlots = kTilePixels / kForwardPixels;

template <int kDepth>
struct ForwardShared {
  Tap taps[kDepth];
  alignas(16) float weights[kDepth + 1][kForwardChannels];  // the last row is the bias
  alignas(16) float windows[kForwardWarps][kTilePixels * kRow<kDepth>];
};

// `count` values; `whole` if there are all and the address is aligned.
template <class T>
HS_DEVICE void put_outputs(void* array, std::int64_t at, const float (&x)[kChunk], int count,
                           bool whole) {
  T* to = static_cast<T*>(array) + at;
  if (whole) return store_elements_whole(to, x);
  HS_UNROLL for (int e = 0; e < kChunk; ++e) {
    if (e < count) to[e] = from_float<T>(x[e]);
  }
}

// `groups` of kChunk channels that a block has.
template <class T, int kDepth>
HS_KERNEL void __launch_bounds__(kForwardWarps* kWarpSize, kForwardBlocks)
    convolve_few(const MatmulArgs args, const Window window, const Divisor groups) {
  ForwardShared<kDepth>& shared = shared_memory<ForwardShared<kDepth>>();
  const hs_matmul_desc& desc = args.desc;
  const auto depth = static_cast<int>(desc.k);
  const std::int64_t first_column = std::int64_t{blockIdx.y} * kForwardChannels;
  const auto columns = static_cast<int>(desc.n - first_column);  // of this block and the next ones
  auto* weights = static_cast<const T*>(args.b) + first_column * depth;
  for (unsigned i = threadIdx.x; i < (kDepth + 1) * kForwardChannels; i += blockDim.x) {
    const int d = static_cast<int>(i) / kForwardChannels,
              c = static_cast<int>(i) % kForwardChannels;
    float value = 0;
    if (c < columns && d < depth) value = to_float(weights[c * depth + d]);
    if (c < columns && d == kDepth && args.bias != nullptr) value = args.bias[first_column + c];
    shared.weights[d][c] = value;
  }
  put_taps(window, depth, shared.taps);
  __syncthreads();

  const auto addresses =
      reinterpret_cast<std::uintptr_t>(args.c) | reinterpret_cast<std::uintptr_t>(args.aux);
  const bool aligned = addresses % 16 == 0 && desc.ldc % kChunk == 0;
  float* windows = shared.windows[warp_id()];
  const std::int64_t step = std::int64_t{gridDim.x} * kForwardWarps * kTilePixels;
  for (std::int64_t tile = (std::int64_t{warp_id()} * gridDim.x + blockIdx.x) * kTilePixels;
       tile < desc.m; tile += step) {
    put_window(window, static_cast<const T*>(args.a), tile + lane_id(), desc.m, shared.taps,
               windows + lane_id() * kRow<kDepth>);
    __syncwarp();
    // A warp's stores cover neighbouring pixels.
    for (unsigned i = lane_id(); i < kSlots * groups.value; i += kWarpSize) {
      unsigned group;
      const unsigned slot = groups.quotient(i, group);
      const int column = static_cast<int>(group) * kChunk;
      if (column >= columns) continue;
      float sum[kForwardPixels][kChunk] = {};
      HS_UNROLL for (int d = 0; d < kDepth; d += 4) {
        float x[kForwardPixels][4];
        HS_UNROLL for (int p = 0; p < kForwardPixels; ++p) {
          load_elements(windows + (static_cast<int>(slot) + p * kSlots) * kRow<kDepth> + d, x[p]);
        }
        HS_UNROLL for (int e = 0; e < 4; ++e) {
          if (d + e >= kDepth) continue;
          float w[kChunk];
          load_elements(&shared.weights[d + e][column], w);
          HS_UNROLL for (int p = 0; p < kForwardPixels; ++p) {
            HS_UNROLL for (int c = 0; c < kChunk; ++c) sum[p][c] += x[p][e] * w[c];
          }
        }
      }
      float bias[kChunk];
      load_elements(&shared.weights[kDepth][column], bias);
      const int count = columns - column < kChunk ? columns - column : kChunk;
      HS_UNROLL for (int p = 0; p < kForwardPixels; ++p) {
        const std::int64_t pixel = tile + slot + p * kSlots;
        if (pixel >= desc.m) continue;
        const std::int64_t at = pixel * desc.ldc + first_column + column;
        HS_UNROLL for (int c = 0; c < kChunk; ++c) sum[p][c] += bias[c];
        if (args.aux != nullptr) put_outputs<T>(args.aux, at, sum[p], count, aligned);
        HS_UNROLL for (float& e : sum[p]) e = activate(desc.activation, e);
        put_outputs<T>(args.c, at, sum[p], count, aligned);
      }
    }
    __syncwarp();  // the next windows overwrite these
  }
}

constexpr int kWeightsWarps = 16;
constexpr int kWeightsChannels = 32;  // of a block

// Channels of a lane: as many sums as there are registers for.
template <int kDepth>
constexpr int kOwned = kDepth <= 12   ? 4
                       : kDepth <= 27 ? 2
                                      : 1;

// A block's sums: for each tap, then for the bias, of each channel.
template <int kDepth>
constexpr int kSums = (kDepth + 1) * kWeightsChannels;

template <int kDepth>
struct WeightsShared {
  Tap taps[kDepth];
  // Of each warp: a tile's windows, in the end its sums. In the last block: sums of some blocks.
  alignas(16) float of_warp[kWeightsWarps][kTilePixels * kRow<kDepth>];
  unsigned last;
};

// args: dy [pixels, channels]^T x windows.
template <class T, int kDepth>
HS_KERNEL void __launch_bounds__(kWeightsWarps* kWarpSize, 1)
    sum_few_weights(const MatmulArgs args, const Window window, void* workspace) {
  WeightsShared<kDepth>& shared = shared_memory<WeightsShared<kDepth>>();
  constexpr int kChannels = kOwned<kDepth>;
  constexpr unsigned kLanes = kWeightsChannels / kChannels;  // of a pixel
  constexpr int kAtOnce = kWarpSize / kLanes;                // pixels
  constexpr int kSteps = kTilePixels / kAtOnce;
  static_assert(kSums<kDepth> <= kTilePixels * kRow<kDepth>);
  const hs_matmul_desc& desc = args.desc;
  const auto depth = static_cast<int>(desc.n);
  const std::int64_t pixels = desc.k;
  put_taps(window, depth, shared.taps);
  __syncthreads();

  const std::int64_t first_column = std::int64_t{blockIdx.y} * kWeightsChannels;
  const int own = static_cast<int>(lane_id() % kLanes) * kChannels;
  const int pixel_of_step = static_cast<int>(lane_id() / kLanes);
  const std::int64_t left = desc.m - first_column - own;
  const int count = left < 0 ? 0 : left < kChannels ? static_cast<int>(left) : kChannels;
  auto* dy = static_cast<const T*>(args.a) + first_column + own;
  using Owned = Vector<T, kChannels>;
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(args.a) % sizeof(Owned) == 0 && desc.lda % kChannels == 0;

  float* windows = shared.of_warp[warp_id()];
  float sums[kDepth][kChannels] = {}, bias_sums[kChannels] = {};
  const std::int64_t step = std::int64_t{gridDim.x} * kWeightsWarps * kTilePixels;
  for (std::int64_t tile = (std::int64_t{warp_id()} * gridDim.x + blockIdx.x) * kTilePixels;
       tile < pixels; tile += step) {
    Owned found[kSteps] = {};
    HS_UNROLL for (int i = 0; i < kSteps; ++i) {
      const std::int64_t pixel = tile + i * kAtOnce + pixel_of_step;
      if (pixel >= pixels || count == 0) continue;
      const T* from = dy + pixel * desc.lda;
      if (aligned) {
        found[i] = load<Owned>(from);
      } else {
        HS_UNROLL for (int c = 0; c < kChannels; ++c) {
          if (c < count) found[i].at[c] = from[c];
        }
      }
    }
    put_window(window, static_cast<const T*>(args.b), tile + lane_id(), pixels, shared.taps,
               windows + lane_id() * kRow<kDepth>);
    __syncwarp();
    HS_UNROLL for (int i = 0; i < kSteps; ++i) {
      const float* row = windows + (i * kAtOnce + pixel_of_step) * kRow<kDepth>;
      float g[kChannels];
      HS_UNROLL for (int c = 0; c < kChannels; ++c) {
        g[c] = to_float(found[i].at[c]);
        bias_sums[c] += g[c];
      }
      HS_UNROLL for (int d = 0; d < kDepth; d += 4) {
        float x[4];
        load_elements(row + d, x);
        HS_UNROLL for (int e = 0; e < 4; ++e) {
          if (d + e >= kDepth) continue;
          HS_UNROLL for (int c = 0; c < kChannels; ++c) sums[d + e][c] += g[c] * x[e];
        }
      }
    }
    __syncwarp();  // the next windows, or the sums, overwrite these
  }

  // The pixels of a warp, then its block's warps.
  HS_UNROLL for (int d = 0; d <= kDepth; ++d) {
    float sum[kChannels];
    HS_UNROLL for (int c = 0; c < kChannels; ++c) {
      sum[c] = d < kDepth ? sums[d < kDepth ? d : 0][c] : bias_sums[c];
      HS_UNROLL for (unsigned lanes = kLanes; lanes < kWarpSize; lanes *= 2) {
        sum[c] += shuffle_xor(sum[c], lanes);
      }
    }
    if (lane_id() < kLanes) store_elements(windows + d * kWeightsChannels + own, sum);
  }
  __syncthreads();
  auto* grid = static_cast<GridWorkspace*>(workspace);
  float* partials =
      grid->template partials<float>() + std::int64_t{blockIdx.y} * gridDim.x * kSums<kDepth>;
  for (int i = static_cast<int>(threadIdx.x); i < kSums<kDepth>; i += kWeightsWarps * kWarpSize) {
    float sum = 0;
    HS_UNROLL for (const float(&of_warp)[kTilePixels * kRow<kDepth>] : shared.of_warp) {
      sum += of_warp[i];
    }
    partials[std::int64_t{blockIdx.x} * kSums<kDepth> + i] = sum;
  }
  if (!last_to_finish(grid->counters[blockIdx.y], gridDim.x, shared.last)) return;

  // All blocks: a thread takes four sums of every so many blocks, many of them in flight.
  using Four = Vector<float, 4>;
  constexpr int kFours = kSums<kDepth> / 4;
  constexpr int kParts = kWeightsWarps * static_cast<int>(kWarpSize) / kFours;
  constexpr int kInFlight = 8;
  static_assert(kParts >= 1 && kParts <= kWeightsWarps);
  const int part = static_cast<int>(threadIdx.x) / kFours;
  const int four = static_cast<int>(threadIdx.x) % kFours * 4;
  const auto blocks = static_cast<int>(gridDim.x);
  if (part < kParts) {
    float sum[4] = {};
    for (int block = part; block < blocks; block += kParts * kInFlight) {
      Four more[kInFlight] = {};
      HS_UNROLL for (int i = 0; i < kInFlight; ++i) {
        const int other = block + i * kParts;
        if (other >= blocks) continue;
        const float* from = partials + std::int64_t{other} * kSums<kDepth> + four;
        more[i] = load_from_l2(reinterpret_cast<const Four*>(from));
      }
      HS_UNROLL for (const Four& of_block : more) {
        HS_UNROLL for (int e = 0; e < 4; ++e) sum[e] += of_block.at[e];
      }
    }
    store_elements(&shared.of_warp[part][four], sum);
  }
  __syncthreads();
  auto* d_weights = static_cast<float*>(args.c);
  for (int i = static_cast<int>(threadIdx.x); i < kSums<kDepth>; i += kWeightsWarps * kWarpSize) {
    const int d = i / kWeightsChannels;
    const std::int64_t channel = first_column + i % kWeightsChannels;
    if (channel >= desc.m) continue;
    float sum = 0;
    HS_UNROLL for (int p = 0; p < kParts; ++p) sum += shared.of_warp[p][i];
    if (d < depth) {
      float& to = d_weights[channel * depth + d];
      to = desc.beta != 0 ? sum + desc.beta * to : sum;
    }
    if (d == kDepth && args.bias_grad != nullptr) put_bias_grad(args, args.bias_grad, channel, sum);
  }
}

unsigned pieces(std::int64_t whole, std::int64_t piece) {
  return static_cast<unsigned>((whole + piece - 1) / piece);
}

template <class T, int kDepth>
hs_status launch_few(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                     const ConvOperands& conv) {
  const hs_matmul_desc& desc = args.desc;
  if (product == ConvProduct::kForward) {
    const std::int64_t columns = desc.n < kForwardChannels ? desc.n : kForwardChannels;
    const unsigned blocks = blocks_for(stream, desc.m, kTilePixels * kForwardWarps, kForwardBlocks);
    return launch(stream,
                  {.name = "convolve_few",
                   .grid = {blocks, pieces(desc.n, kForwardChannels)},
                   .block = {kForwardWarps * kWarpSize},
                   .shared_bytes = sizeof(ForwardShared<kDepth>)},
                  convolve_few<T, kDepth>, args, conv.window, Divisor(pieces(columns, kChunk)));
  }
  // Few pixels still go to all multiprocessors, as fewer warps of each.
  const unsigned parts = pieces(desc.m, kWeightsChannels);
  const auto room = (kWorkspaceBytes - kCounterBytes) / (kSums<kDepth> * sizeof(float));
  const auto most = static_cast<unsigned>(room) / parts;
  unsigned blocks = blocks_for(stream, desc.k, kTilePixels, 1) / parts;
  blocks = blocks < 1 ? 1 : blocks < most ? blocks : most;
  const std::size_t partial_bytes = std::size_t{blocks} * parts * kSums<kDepth> * sizeof(float);
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, partial_bytes, &workspace);
  if (status != HS_OK) return status;
  return launch(stream,
                {.name = "sum_few_weights",
                 .grid = {blocks, parts},
                 .block = {kWeightsWarps * kWarpSize},
                 .shared_bytes = sizeof(WeightsShared<kDepth>)},
                sum_few_weights<T, kDepth>, args, conv.window, workspace);
}

}  // namespace

bool has_few_inputs(const hs_conv2d_desc& d) {
  return d.groups == 1 && d.r * d.s * d.c <= kMostInputs && d.c % 8 != 0 && d.k <= kMostOutputs;
}

hs_status conv2d_few(const Stream& stream, hs_dtype type, ConvProduct product,
                     const MatmulArgs& args, const ConvOperands& conv) {
  const std::int64_t depth = product == ConvProduct::kForward ? args.desc.k : args.desc.n;
  return with_storage(type, [&](auto of_type) {
    using T = decltype(of_type);
    if (depth <= 9) return launch_few<T, 9>(stream, product, args, conv);
    if (depth <= 27) return launch_few<T, 27>(stream, product, args, conv);
    return launch_few<T, kMostInputs>(stream, product, args, conv);
  });
}

}  // namespace hs::cuda
