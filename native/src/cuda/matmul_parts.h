// What the matrix products share, whatever computes a tile: how the tiles are numbered, how several
// blocks share the sum over k of one tile, and what becomes of a finished element.
#ifndef HALFSTEP_CUDA_MATMUL_PARTS_H
#define HALFSTEP_CUDA_MATMUL_PARTS_H

#include <type_traits>

#include "core/kernels.h"
#include "cuda/activation_math.h"
#include "cuda/elementwise.h"
#include "cuda/launch.h"
#include "cuda/operands.h"
#include "cuda/reduce.h"

namespace hs::cuda {

// How a product is cut. Each tile belongs to `splits` blocks, which take `split_k` of k each (a
// multiple of the tile's depth).
struct MatmulCut {
  unsigned tiles_m, tiles_n, splits;
  std::int64_t split_k;
};

// One block's part.
struct MatmulTile {
  std::int64_t matrix, m, n;  // of the batch; the tile's first row and column
  std::int64_t k_begin, k_end;
  unsigned number, split;  // of the tile in the grid; of the block in the tile
};

// Blocks that run at the same time should share what they read of the second-level cache: tiles are
// numbered down kTileGroup rows of them, then along to the next column.
constexpr unsigned kTileGroup = 16;

template <int kRows, int kColumns>
HS_DEVICE MatmulTile matmul_tile(const hs_matmul_desc& desc, const MatmulCut& cut) {
  MatmulTile tile;
  tile.split = blockIdx.x % cut.splits;
  tile.number = blockIdx.x / cut.splits;
  const unsigned tiles = cut.tiles_m * cut.tiles_n;
  const unsigned in_matrix = tile.number % tiles, first = in_matrix / cut.tiles_n / kTileGroup;
  const unsigned in_group = in_matrix - first * kTileGroup * cut.tiles_n;
  const unsigned left = cut.tiles_m - first * kTileGroup;
  const unsigned rows = left < kTileGroup ? left : kTileGroup;
  tile.m = std::int64_t{first * kTileGroup + in_group % rows} * kRows;
  tile.n = std::int64_t{in_group / rows} * kColumns;
  tile.matrix = tile.number / tiles;
  tile.k_begin = tile.split * cut.split_k;
  std::int64_t end = tile.k_begin + cut.split_k;
  tile.k_end = end < desc.k ? end : desc.k;
  return tile;
}

// Adds what the blocks of a tile found, in the order of their parts: each leaves its sums in the
// workspace, and the last to finish adds them. Returns true in that block's threads.
template <unsigned kThreads, int kCount>
HS_DEVICE bool sum_splits(float (&sums)[kCount], const MatmulTile& tile, const MatmulCut& cut,
                          void* workspace, unsigned& last HS_AND_CALLER) {
  if (cut.splits == 1) return true;
  auto* grid = static_cast<GridWorkspace*>(workspace);
  float* parts = grid->template partials<float>() +
                 std::int64_t{tile.number} * cut.splits * kCount * kThreads + threadIdx.x;
  HS_UNROLL for (int i = 0; i < kCount; ++i) {
    parts[(std::int64_t{tile.split} * kCount + i) * kThreads] = sums[i];
  }
  if (!last_to_finish(grid->counters[tile.number], cut.splits, last HS_PASS_CALLER)) return false;
  HS_UNROLL for (int i = 0; i < kCount; ++i) sums[i] = 0;
  for (unsigned split = 0; split < cut.splits; ++split) {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      sums[i] += load_from_l2(&parts[(std::int64_t{split} * kCount + i) * kThreads]);
    }
  }
  return true;
}

// A finished tile in shared memory, from where it goes out row by row. Groups of eight columns are
// permuted within a row, so that the rows that a warp writes at one column lie in different banks.
// kColumns is a power of two.
template <int kRows, int kColumns>
struct ResultTile {
  float element[kRows * kColumns];
  HS_DEVICE float* at(int row, int column) {
    return element + row * kColumns + (column ^ (row % 4 * 8 & (kColumns - 1)));
  }
};

// Where the finished elements of one matrix go. C and aux are of type T or FP32.
template <class T>
class MatmulOutput {
 public:
  static constexpr int kCount = 4;  // neighbours in a row that are finished together

  // `bias` is the matrix's, or null.
  HS_DEVICE MatmulOutput(const MatmulArgs& args, std::int64_t matrix, const float* bias)
      : args_(args), bias_(bias), first_(matrix * args.desc.stride_c) {
    auto addresses =
        reinterpret_cast<std::uintptr_t>(args.c) | reinterpret_cast<std::uintptr_t>(args.aux);
    vectors_ = addresses % 16 == 0 && (args.desc.ldc | first_) % kCount == 0;
  }

  // kThreads threads, of which this one is number `thread`, write the tile that begins at (row,
  // column): each the same columns of every so many rows.
  template <unsigned kThreads, int kRows, int kColumns>
  HS_DEVICE void put_tile(ResultTile<kRows, kColumns>& tile, std::int64_t row, std::int64_t column,
                          unsigned thread) const {
    constexpr int kRowsAtOnce = static_cast<int>(kThreads) * kCount / kColumns;
    static_assert(kRows % kRowsAtOnce == 0);
    const hs_matmul_desc& desc = args_.desc;
    const int first = static_cast<int>(thread) * kCount;
    const int r = first / kColumns, c = first % kColumns;
    const std::int64_t left = desc.n - column - c, rows = desc.m - row - r;
    if (left <= 0) return;
    const int count = left < kCount ? static_cast<int>(left) : kCount;
    float bias[kCount] = {};
    if (bias_ != nullptr) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) bias[e] = e < count ? bias_[column + c + e] : 0.0f;
    }
    std::int64_t at = first_ + (row + r) * desc.ldc + column + c;
    for (int i = 0; i < kRows && i < rows; i += kRowsAtOnce, at += kRowsAtOnce * desc.ldc) {
      float x[kCount];
      load_elements(tile.at(r + i, c), x);
      finish(at, count, bias, x);
    }
  }

 private:
  HS_DEVICE void finish(std::int64_t at, int count, const float (&bias)[kCount],
                        float (&x)[kCount]) const {
    const hs_matmul_desc& desc = args_.desc;
    HS_UNROLL for (float& e : x) e *= desc.alpha;
    if (desc.beta != 0) {
      float old[kCount] = {};
      read(old, at, count);
      HS_UNROLL for (int e = 0; e < kCount; ++e) x[e] += desc.beta * old[e];
    }
    if (bias_ != nullptr) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) x[e] += bias[e];
    }
    if (args_.aux != nullptr) write(args_.aux, at, count, x);
    HS_UNROLL for (float& e : x) e = activate(desc.activation, e);
    write(args_.c, at, count, x);
  }

  HS_DEVICE void read(float (&x)[kCount], std::int64_t at, int count) const {
    if (args_.desc.out_type == HS_F32) {
      read_as(static_cast<const float*>(args_.c) + at, count, x);
    } else {
      read_as(static_cast<const T*>(args_.c) + at, count, x);
    }
  }

  HS_DEVICE void write(void* to, std::int64_t at, int count, const float (&x)[kCount]) const {
    if (args_.desc.out_type == HS_F32) {
      write_as(static_cast<float*>(to) + at, count, x);
    } else {
      write_as(static_cast<T*>(to) + at, count, x);
    }
  }

  template <class Out>
  HS_DEVICE void read_as(const Out* from, int count, float (&x)[kCount]) const {
    if (vectors_ && count == kCount) return load_elements(from, x);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      if (e < count) x[e] = to_float(from[e]);
    }
  }

  template <class Out>
  HS_DEVICE void write_as(Out* to, int count, const float (&x)[kCount]) const {
    if (vectors_ && count == kCount) return store_elements(to, x);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      if (e < count) to[e] = from_float<Out>(x[e]);
    }
  }

  const MatmulArgs& args_;
  const float* bias_;
  std::int64_t first_;  // element of C and aux
  bool vectors_;        // whether groups of kCount columns are aligned
};

// bias_grad of one row; `at` is the matrix's.
HS_DEVICE void put_bias_grad(const MatmulArgs& args, float* at, std::int64_t row, float sum) {
  if (row >= args.desc.m) return;
  float beta = args.desc.bias_grad_beta;
  at[row] = beta != 0 ? sum + beta * at[row] : sum;
}

// Where the bias and the bias gradient of a tile's matrix begin: the matrices of a batch share them,
// the groups of a convolution have their own.
struct MatmulVectors {
  const float* bias;
  float* bias_grad;
  HS_DEVICE MatmulVectors(const MatmulArgs& args, std::int64_t matrix, bool of_groups)
      : bias(args.bias), bias_grad(args.bias_grad) {
    if (of_groups && bias != nullptr) bias += matrix * args.desc.n;
    if (of_groups && bias_grad != nullptr) bias_grad += matrix * args.desc.m;
  }
};

// Calls multiply(a, b, vectors) with the operands of a tile of matrices that lie in memory: A [m, k],
// or [k, m] if kTransposeA; B [k, n], or [n, k].
template <class T, bool kTransposeA, bool kTransposeB, class Multiply>
HS_DEVICE void with_stored_operands(const MatmulArgs& args, const MatmulTile& tile,
                                    const Multiply& multiply) {
  const hs_matmul_desc& desc = args.desc;
  const T* at_a = static_cast<const T*>(args.a) + tile.matrix * desc.stride_a;
  const T* at_b = static_cast<const T*>(args.b) + tile.matrix * desc.stride_b;
  multiply(StoredMatrix<T>(at_a, desc.lda, kTransposeA ? tile.k_end : desc.m,
                           kTransposeA ? desc.m : tile.k_end),
           StoredMatrix<T>(at_b, desc.ldb, kTransposeB ? desc.n : tile.k_end,
                           kTransposeB ? tile.k_end : desc.n),
           MatmulVectors(args, tile.matrix, false));
}

// How many tiles of this size a product has.
inline std::int64_t tiles_of(const hs_matmul_desc& desc, int rows, int columns) {
  std::int64_t of_n = desc.n == 0 ? 1 : (desc.n + columns - 1) / columns;  // 1: for bias_grad
  return (desc.m + rows - 1) / rows * of_n * desc.batch;
}

// Cuts a product into tiles of rows x columns and depth `depth`. Where there are fewer tiles than
// the multiprocessors have room for, `blocks` each, k is shared by several blocks, each with at least
// four depths of it.
inline MatmulCut cut_matmul(const Stream& stream, const hs_matmul_desc& desc, int rows, int columns,
                            int depth, int blocks, std::size_t part_bytes) {
  auto pieces = [](std::int64_t whole, std::int64_t piece) { return (whole + piece - 1) / piece; };
  MatmulCut cut;
  cut.tiles_m = static_cast<unsigned>(pieces(desc.m, rows));
  cut.tiles_n = static_cast<unsigned>(desc.n == 0 ? 1 : pieces(desc.n, columns));
  std::int64_t tiles = tiles_of(desc, rows, columns);
  std::int64_t splits = std::int64_t{stream.multiprocessors} * blocks / tiles;
  auto room = static_cast<std::int64_t>((kWorkspaceBytes - kCounterBytes) / part_bytes);
  splits = splits * tiles > room ? room / tiles : splits;
  std::int64_t depths = pieces(desc.k, depth);
  splits = splits > depths / 4 ? depths / 4 : splits;
  if (splits < 1 || tiles > kGridCounters) splits = 1;
  cut.split_k = pieces(depths, splits) * depth;
  cut.splits = cut.split_k == 0 ? 1 : static_cast<unsigned>(pieces(desc.k, cut.split_k));
  return cut;
}

// Launches a kernel on the cut product, cut for partial results of `part_bytes` each; `more` are its
// further arguments.
template <class Kernel, class... More>
hs_status launch_cut(const Stream& stream, const MatmulArgs& args, const MatmulCut& cut,
                     std::size_t part_bytes, LaunchShape shape, Kernel kernel,
                     const More&... more) {
  std::int64_t blocks = std::int64_t{cut.tiles_m} * cut.tiles_n * cut.splits * args.desc.batch;
  if (blocks > 0x7fffffff) {
    return fail(HS_UNSUPPORTED, "matmul: %lld tiles are more than a launch can have: cut the batch",
                static_cast<long long>(blocks));
  }
  shape.grid.x = static_cast<unsigned>(blocks);
  const auto partials = static_cast<std::size_t>(cut.splits > 1 ? blocks : 0);
  void* workspace = nullptr;
  const hs_status status = reserve_workspace(stream, partials * part_bytes, &workspace);
  if (status != HS_OK) return status;
  return launch(stream, shape, kernel, args, cut, workspace, more...);
}

// Whether tiles of this size are enough for the device, and none is empty by half.
inline bool fills_device(const Stream& stream, const hs_matmul_desc& desc, int rows, int columns) {
  return desc.m > rows / 2 && desc.n > columns / 2 &&
         tiles_of(desc, rows, columns) >= stream.multiprocessors;
}

// Calls launch(transpose_a, transpose_b) with a description's layout as constants.
template <class Launch>
hs_status with_layout(const hs_matmul_desc& desc, const Launch& launch) {
  const std::true_type yes;
  const std::false_type no;
  if (desc.transpose_a != 0) return desc.transpose_b != 0 ? launch(yes, yes) : launch(yes, no);
  return desc.transpose_b != 0 ? launch(no, yes) : launch(no, no);
}

// Products of FP32, by FMA and of operands rounded to TF32, and of the 16-bit types.
hs_status matmul_f32(const Stream& stream, const MatmulArgs& args);
hs_status matmul_tf32(const Stream& stream, const MatmulArgs& args);
hs_status matmul_bf16(const Stream& stream, const MatmulArgs& args);
hs_status matmul_f16(const Stream& stream, const MatmulArgs& args);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_PARTS_H
