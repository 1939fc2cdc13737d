// reduce: sums, means and maxima with their indices, over the middle dimension of [outer, extent,
// inner].
//
// Bytes: x is read once, y written once. Floor: bytes / bandwidth.
// Design: if inner is 1, a warp reduces a row; a block reduces a long row, and several blocks share
// a row if there are few long ones. If there are many columns, a thread takes 16 bytes of
// neighbouring columns and goes down all rows; otherwise threads and blocks share columns as in
// columns.h. Sums of different threads are added in double. The block that finishes last merges
// partial results, in a fixed order. Not yet measured on a GPU.
#include "cuda/columns.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kWarps = kThreads / kWarpSize;
constexpr int kBlocksPerMultiprocessor = 8;

// A sum or a mean. A thread adds elements in float, and merges partial sums in double.
struct SumOf {
  using Value = double;
  struct Thread {
    float sum = 0;
    HS_DEVICE void add(float x, int) { sum += x; }
    HS_DEVICE Value value() const { return sum; }
  };
  using Merge = Sum<double>;
};

// The first of the largest values, or of the NaNs if there are any.
struct LargestOf {
  using Value = ValueAt;
  struct Merge {
    HS_DEVICE static ValueAt identity() { return {-__builtin_huge_valf(), 0x7fffffff}; }
    HS_DEVICE ValueAt operator()(const ValueAt& a, const ValueAt& b) const {
      bool nan = a.value != a.value;
      if (nan != (b.value != b.value)) return nan ? a : b;
      if (!nan && a.value != b.value) return a.value > b.value ? a : b;
      return a.index < b.index ? a : b;
    }
  };
  struct Thread {
    ValueAt best = Merge::identity();
    HS_DEVICE void add(float x, int at) { best = Merge{}(best, {x, at}); }
    HS_DEVICE Value value() const { return best; }
  };
};

// Writes result `at`.
template <class T>
HS_DEVICE void put_value(const ReduceArgs& args, std::int64_t at, float value) {
  if (args.desc.out_type == HS_F32) {
    auto* y = static_cast<float*>(args.y);
    y[at] = args.desc.beta == 0 ? value : value + args.desc.beta * y[at];
  } else {
    auto* y = static_cast<T*>(args.y);
    y[at] = from_float<T>(args.desc.beta == 0 ? value : value + args.desc.beta * to_float(y[at]));
  }
}

template <class T>
HS_DEVICE void put(const ReduceArgs& args, std::int64_t at, double sum) {
  float value = static_cast<float>(sum), n = static_cast<float>(args.desc.extent);
  put_value<T>(args, at, args.desc.reduction == HS_MEAN ? value * (1.0f / n) : value);
}

template <class T>
HS_DEVICE void put(const ReduceArgs& args, std::int64_t at, const ValueAt& largest) {
  put_value<T>(args, at, largest.value);
  if (args.index != nullptr) args.index[at] = largest.index;
}

// Reduces the elements [begin, end) of a row with `threads` threads, of which this one has number
// `rank`.
template <class Op, int kVector, class T>
HS_DEVICE typename Op::Value reduce_run(const T* row, unsigned begin, unsigned end, unsigned rank,
                                        unsigned threads) {
  typename Op::Thread own;
  unsigned whole = begin + (end - begin) / kVector * kVector;
  for (unsigned i = begin + rank * kVector; i < whole; i += threads * kVector) {
    float x[kVector];
    load_elements(row + i, x);
    HS_UNROLL for (int e = 0; e < kVector; ++e) own.add(x[e], static_cast<int>(i) + e);
  }
  if (kVector > 1 && whole + rank < end) {
    own.add(to_float(row[whole + rank]), static_cast<int>(whole + rank));
  }
  return own.value();
}

template <class Op, class T, int kVector>
HS_KERNEL void __launch_bounds__(kThreads) reduce_rows_by_warps(const ReduceArgs args) {
  std::int64_t extent = args.desc.extent;
  for (std::int64_t row = std::int64_t{blockIdx.x} * kWarps + warp_id(); row < args.desc.outer;
       row += std::int64_t{gridDim.x} * kWarps) {
    auto value = reduce_run<Op, kVector>(static_cast<const T*>(args.x) + row * extent, 0,
                                         static_cast<unsigned>(extent), lane_id(), kWarpSize);
    value = warp_reduce(value, typename Op::Merge{});
    if (lane_id() == 0) put<T>(args, row, value);
  }
}

template <class Value>
struct RowShared {
  BlockScratch<Value> scratch;
  unsigned last;
};

// gridDim.y blocks share a row; each takes split_extent elements of it. If there is more than one,
// a block handles only one row.
template <class Op, class T, int kVector>
HS_KERNEL void __launch_bounds__(kThreads)
    reduce_rows_by_blocks(const ReduceArgs args, unsigned split_extent, void* workspace) {
  using Value = typename Op::Value;
  using Merge = typename Op::Merge;
  auto& shared = shared_memory<RowShared<Value>>();
  auto extent = static_cast<unsigned>(args.desc.extent);
  unsigned splits = gridDim.y, begin = blockIdx.y * split_extent, end = begin + split_extent;
  if (end > extent) end = extent;
  for (std::int64_t row = blockIdx.x; row < args.desc.outer; row += gridDim.x) {
    Value value = reduce_run<Op, kVector>(static_cast<const T*>(args.x) + row * extent, begin, end,
                                          threadIdx.x, kThreads);
    value = block_reduce<kThreads>(value, Merge{}, shared.scratch);
    if (splits > 1) {
      auto* grid = static_cast<GridWorkspace*>(workspace);
      Value* partials = grid->template partials<Value>();
      if (threadIdx.x == 0) partials[row * splits + blockIdx.y] = value;
      if (!last_to_finish(grid->counters[row], splits, shared.last)) return;
      value = Merge::identity();
      for (unsigned s = threadIdx.x; s < splits; s += kThreads) {
        value = Merge{}(value, load_from_l2(&partials[row * splits + s]));
      }
      value = block_reduce<kThreads>(value, Merge{}, shared.scratch);
    }
    if (threadIdx.x == 0) put<T>(args, row, value);
  }
}

// Each thread reduces kVector columns over all their rows.
template <class Op, class T, int kVector>
HS_KERNEL void __launch_bounds__(kThreads) reduce_columns_by_threads(const ReduceArgs args) {
  auto extent = static_cast<int>(args.desc.extent);
  std::int64_t inner = args.desc.inner;
  std::int64_t results = args.desc.outer * inner;
  for (std::int64_t i = grid_thread() * kVector; i < results; i += grid_threads() * kVector) {
    std::int64_t array = Quotient(i, inner).quotient;
    const T* x = static_cast<const T*>(args.x) + array * (extent - 1) * inner + i;
    typename Op::Thread own[kVector];
    for (int row = 0; row < extent; ++row) {
      float v[kVector];
      load_elements(x + row * inner, v);
      HS_UNROLL for (int e = 0; e < kVector; ++e) own[e].add(v[e], row);
    }
    HS_UNROLL for (int e = 0; e < kVector; ++e) put<T>(args, i + e, own[e].value());
  }
}

template <class Op, class T, int kVector>
HS_KERNEL void __launch_bounds__(kColumnThreads)
    reduce_shared_columns(const ReduceArgs args, const ColumnCut cut, void* workspace) {
  using Value = typename Op::Value;
  auto& shared = shared_memory<ColumnShared<Value>>();
  const ColumnPart part = column_part<kVector>(cut);
  const T* x = static_cast<const T*>(args.x) + part.array * cut.rows * cut.columns + part.column;
  typename Op::Thread own[kVector];
  if (part.column < cut.columns) {
    auto depths = static_cast<int>(part.depths), end = static_cast<int>(part.end);
    for (int row = static_cast<int>(part.begin + part.depth); row < end; row += depths) {
      float v[kVector];
      load_elements(x + row * cut.columns, v);
      HS_UNROLL for (int e = 0; e < kVector; ++e) own[e].add(v[e], row);
    }
  }
  Value values[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) values[e] = own[e].value();
  reduce_columns(cut, part, values, typename Op::Merge{}, workspace, shared,
                 [&](std::int64_t c, const Value& value) {
                   put<T>(args, part.array * cut.columns + c, value);
                 });
}

template <class Op, class T, int kVector>
hs_status launch_rows(const Stream& stream, const ReduceArgs& args) {
  constexpr std::int64_t kMostOfWarp = 1024, kLeastOfBlock = 16384;  // elements of a row
  std::int64_t outer = args.desc.outer, extent = args.desc.extent;
  if (extent <= kMostOfWarp) {
    return launch(stream,
                  {.name = "reduce_rows_by_warps",
                   .grid = {blocks_for(stream, outer, kWarps, kBlocksPerMultiprocessor)},
                   .block = {kThreads}},
                  reduce_rows_by_warps<Op, T, kVector>, args);
  }
  std::int64_t most = std::int64_t{stream.multiprocessors} * kBlocksPerMultiprocessor;
  std::int64_t splits = most / outer, pieces = extent / kLeastOfBlock;
  if (splits > pieces) splits = pieces;
  if (splits < 1 || outer > kGridCounters) splits = 1;
  std::int64_t split_extent = (extent + splits - 1) / splits;
  split_extent = (split_extent + kVector - 1) / kVector * kVector;
  LaunchShape shape{.name = "reduce_rows_by_blocks",
                    .block = {kThreads},
                    .shared_bytes = sizeof(RowShared<typename Op::Value>)};
  shape.grid.y = static_cast<unsigned>((extent + split_extent - 1) / split_extent);
  shape.grid.x = shape.grid.y > 1 ? static_cast<unsigned>(outer)
                                  : blocks_for(stream, outer, 1, kBlocksPerMultiprocessor);
  const std::size_t partials = shape.grid.y > 1 ? std::size_t{shape.grid.x} * shape.grid.y : 0;
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, partials * sizeof(typename Op::Value), &workspace);
  if (status != HS_OK) return status;
  return launch(stream, shape, reduce_rows_by_blocks<Op, T, kVector>, args,
                static_cast<unsigned>(split_extent), workspace);
}

template <class Op, class T, int kVector>
hs_status launch_columns(const Stream& stream, const ReduceArgs& args) {
  const hs_reduce_desc& desc = args.desc;
  constexpr std::int64_t kFewRows = 32;
  std::int64_t threads = desc.outer * desc.inner / kVector;
  if (desc.extent <= kFewRows || threads >= std::int64_t{stream.multiprocessors} * 1024) {
    return launch(stream,
                  {.name = "reduce_columns_by_threads",
                   .grid = {blocks_for(stream, threads, kThreads, kBlocksPerMultiprocessor)},
                   .block = {kThreads}},
                  reduce_columns_by_threads<Op, T, kVector>, args);
  }
  using Value = typename Op::Value;
  ColumnCut cut = cut_columns(stream, desc.extent, desc.inner, kVector, sizeof(Value), desc.outer);
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, cut.partials() * sizeof(Value), &workspace);
  if (status != HS_OK) return status;
  return launch(stream, column_shape("reduce_shared_columns", cut, sizeof(ColumnShared<Value>)),
                reduce_shared_columns<Op, T, kVector>, args, cut, workspace);
}

template <class Op>
hs_status launch_reduce(const Stream& stream, const ReduceArgs& args) {
  const hs_reduce_desc& desc = args.desc;
  return with_storage(desc.type, [&](auto element) {
    using T = decltype(element);
    constexpr int kVector = 16 / sizeof(T);
    bool vectors = aligned(args.x) && (desc.inner == 1 ? desc.extent : desc.inner) % kVector == 0;
    if (desc.inner == 1) {
      return vectors ? launch_rows<Op, T, kVector>(stream, args)
                     : launch_rows<Op, T, 1>(stream, args);
    }
    return vectors ? launch_columns<Op, T, kVector>(stream, args)
                   : launch_columns<Op, T, 1>(stream, args);
  });
}

}  // namespace

hs_status reduce(void* stream, const ReduceArgs& args) {
  if (args.desc.outer * args.desc.inner == 0) return HS_OK;
  return args.desc.reduction == HS_MAX ? launch_reduce<LargestOf>(as_stream(stream), args)
                                       : launch_reduce<SumOf>(as_stream(stream), args);
}

}  // namespace hs::cuda
