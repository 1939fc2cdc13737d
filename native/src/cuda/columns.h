// Helpers for kernels over arrays [rows, columns] that treat columns separately: sums over the
// rows, and elementwise work with coefficients for each column. A block takes neighbouring columns
// (16 bytes per thread if rows are aligned) and a part of the rows.
#ifndef HALFSTEP_CUDA_COLUMNS_H
#define HALFSTEP_CUDA_COLUMNS_H

#include "cuda/elementwise.h"
#include "cuda/launch_shape.h"
#include "cuda/reduce.h"

namespace hs::cuda {

constexpr unsigned kColumnThreads = 256;
template <class T>
constexpr int kColumnVector = 16 / sizeof(T);  // columns of a thread; 1 if not aligned

// How `arrays` contiguous arrays [rows, columns] are cut. `lanes` threads of a block (a power of
// two) lie along a row, the others along the column; `splits` blocks share the rows of a column.
struct ColumnCut {
  std::int64_t arrays, rows, columns;
  unsigned lanes, tiles, splits;
  std::int64_t split_rows;

  // The number of partial results in the workspace.
  std::size_t partials() const {
    return splits == 1 ? 0 : static_cast<std::size_t>(arrays * splits * columns);
  }
};

// One thread's part.
struct ColumnPart {
  std::int64_t array, column, begin, end;  // column: its first one; [begin, end): its block's rows
  unsigned lane, depth, depths;  // place along the row; place along the column, and their number
  unsigned tile, split;
};

template <int kVector>
HS_DEVICE ColumnPart column_part(const ColumnCut& cut) {
  ColumnPart part;
  auto tiles = static_cast<unsigned>(cut.arrays) * cut.tiles;
  part.tile = blockIdx.x % tiles;  // counted over all arrays
  part.split = blockIdx.x / tiles;
  part.array = part.tile / cut.tiles;
  part.lane = threadIdx.x % cut.lanes;
  part.depth = threadIdx.x / cut.lanes;
  part.depths = kColumnThreads / cut.lanes;
  part.column = (std::int64_t{part.tile % cut.tiles} * cut.lanes + part.lane) * kVector;
  part.begin = part.split * cut.split_rows;
  std::int64_t end = part.begin + cut.split_rows;
  part.end = end < cut.rows ? end : cut.rows;
  return part;
}

// Calls use(row, load(row)) for this thread's rows. kBatch rows are loaded before the first of them
// is used, so that their loads are in flight together.
template <int kBatch, class Load, class Use>
HS_DEVICE void for_rows(const ColumnPart& part, const Load& load, const Use& use) {
  using Loaded = decltype(load(part.begin));
  const std::int64_t step = part.depths;
  std::int64_t row = part.begin + part.depth;
  for (; row + (kBatch - 1) * step < part.end; row += kBatch * step) {
    Loaded loaded[kBatch];
    HS_UNROLL for (int b = 0; b < kBatch; ++b) loaded[b] = load(row + b * step);
    HS_UNROLL for (int b = 0; b < kBatch; ++b) use(row + b * step, loaded[b]);
  }
  for (; row < part.end; row += step) use(row, load(row));
}

// As for_rows, but the last rows first: after a pass from the front, the second-level cache still
// holds these.
template <int kBatch, class Load, class Use>
HS_DEVICE void for_rows_backward(const ColumnPart& part, const Load& load, const Use& use) {
  using Loaded = decltype(load(part.begin));
  const std::int64_t step = part.depths, first = part.begin + part.depth;
  if (first >= part.end) return;
  std::int64_t row = first + (part.end - 1 - first) / step * step;
  for (; row - (kBatch - 1) * step >= first; row -= kBatch * step) {
    Loaded loaded[kBatch];
    HS_UNROLL for (int b = 0; b < kBatch; ++b) loaded[b] = load(row - b * step);
    HS_UNROLL for (int b = 0; b < kBatch; ++b) use(row - b * step, loaded[b]);
  }
  for (; row >= first; row -= step) use(row, load(row));
}

// Shared memory of a reduction; `Value` is the type of a column's result.
template <class Value>
struct ColumnShared {
  Value slot[kColumnThreads];
  unsigned last;
};

// Reduces `value` over the threads of a column; the threads of depth 0 get the result.
template <int kVector, class Value, class Op>
HS_DEVICE void reduce_depths(const ColumnPart& part, unsigned lanes, Value (&value)[kVector], Op op,
                             ColumnShared<Value>& shared HS_AND_CALLER) {
  HS_UNROLL for (int v = 0; v < kVector; ++v) {
    shared.slot[threadIdx.x] = value[v];
    for (unsigned half = part.depths / 2; half > 0; half /= 2) {
      __syncthreads(HS_CALLER_ONLY);
      if (part.depth >= half) continue;
      value[v] = op(value[v], shared.slot[threadIdx.x + half * lanes]);
      shared.slot[threadIdx.x] = value[v];
    }
    __syncthreads(HS_CALLER_ONLY);  // the next use overwrites the slots
  }
}

// Reduces each thread's `value` over the rows of the array, then calls finish(column, value) once
// per column. The order of the operations depends on the cut alone.
template <int kVector, class Value, class Op, class Finish>
HS_DEVICE void reduce_columns(const ColumnCut& cut, const ColumnPart& part, Value (&value)[kVector],
                              Op op, void* workspace, ColumnShared<Value>& shared,
                              const Finish& finish HS_AND_CALLER) {
  reduce_depths(part, cut.lanes, value, op, shared HS_PASS_CALLER);
  bool first = part.depth == 0 && part.column < cut.columns;
  if (cut.splits > 1) {
    auto* grid = static_cast<GridWorkspace*>(workspace);
    Value* partials =
        grid->template partials<Value>() + part.array * cut.splits * cut.columns + part.column;
    if (first) {
      HS_UNROLL for (int v = 0; v < kVector; ++v) {
        partials[part.split * cut.columns + v] = value[v];
      }
    }
    if (!last_to_finish(grid->counters[part.tile], cut.splits, shared.last HS_PASS_CALLER)) return;
    HS_UNROLL for (int v = 0; v < kVector; ++v) value[v] = Op::identity();
    if (part.column < cut.columns) {
      for (unsigned split = part.depth; split < cut.splits; split += part.depths) {
        HS_UNROLL for (int v = 0; v < kVector; ++v) {
          value[v] = op(value[v], load_from_l2(&partials[split * cut.columns + v]));
        }
      }
    }
    reduce_depths(part, cut.lanes, value, op, shared HS_PASS_CALLER);
  }
  if (!first) return;
  HS_UNROLL for (int v = 0; v < kVector; ++v) finish(part.column + v, value[v]);
}

// to[at] = gradient + accumulate * to[at]; if accumulate is 0, to[at] is not read.
HS_DEVICE void put_gradient(float* to, std::int64_t at, double gradient, float accumulate) {
  if (accumulate != 0) gradient += static_cast<double>(accumulate) * to[at];
  to[at] = static_cast<float>(gradient);
}

// Cuts [rows, columns], with `vector` columns per thread, so that there are enough blocks for the
// device and the partial results, of `value_bytes` each, fit into the workspace.
inline ColumnCut cut_columns(const Stream& stream, std::int64_t rows, std::int64_t columns,
                             int vector, std::size_t value_bytes, std::int64_t arrays = 1,
                             int blocks_of_multiprocessor = 8) {
  constexpr std::int64_t kLeastRows = 8;  // the least rows of a thread
  constexpr unsigned kMostLanes = 32;
  std::int64_t wide = (columns + vector - 1) / vector;
  ColumnCut cut{arrays, rows, columns, 1, 0, 0, 0};
  while (cut.lanes < kMostLanes && cut.lanes < wide) cut.lanes *= 2;
  cut.tiles = static_cast<unsigned>((wide + cut.lanes - 1) / cut.lanes);
  std::int64_t deep = kColumnThreads / cut.lanes * kLeastRows;
  std::int64_t tiles = cut.tiles * arrays;
  std::int64_t splits = std::int64_t{stream.multiprocessors} * blocks_of_multiprocessor / tiles;
  auto room =
      static_cast<std::int64_t>((kWorkspaceBytes - kResultBytes - kCounterBytes) / value_bytes);
  if (splits > room / (columns * arrays)) splits = room / (columns * arrays);
  if (splits > rows / deep) splits = rows / deep;
  if (splits < 1 || tiles > kGridCounters) splits = 1;
  cut.split_rows = (rows + splits - 1) / splits;
  // If there are no rows, one block per tile finishes the columns.
  cut.splits = rows == 0 ? 1 : static_cast<unsigned>((rows + cut.split_rows - 1) / cut.split_rows);
  return cut;
}

inline LaunchShape column_shape(const char* name, const ColumnCut& cut, std::size_t shared_bytes) {
  return {.name = name,
          .grid = {static_cast<unsigned>(cut.arrays * cut.tiles * cut.splits)},
          .block = {kColumnThreads},
          .shared_bytes = shared_bytes};
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_COLUMNS_H
