// Sums and means over the middle dimension of [outer, extent, inner], and the gradients of all
// reductions. Bound by memory: x is read once, 4 bytes per F32 element; backward writes as much.
// Floor: bytes / (memory bandwidth).
//
// A long extent is cut into chunks, whose sums are merged in double, in order. If inner is 1,
// vectors run along the extent and their lanes are added up at the end; otherwise they run along
// inner.
#include "cpu/kernels/reduce.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kChunk = 16 << 10;  // elements of a chunk

// y = factor * sum + beta * y for `count` sums.
template <class To>
HS_INLINE void finish(const ReduceArgs& args, const float* sums, int64_t at, int64_t count) {
  const hs_reduce_desc& desc = args.desc;
  const float factor = desc.reduction == HS_MEAN ? 1.0f / static_cast<float>(desc.extent) : 1.0f;
  const float beta = desc.beta;
  To* const y = static_cast<To*>(args.y) + at;
  for_vectors(0, count, [=](int64_t i, auto lanes) {
    const vf value = factor * load(sums + i, lanes);
    store(y + i, beta == 0 ? value : value + beta * load(y + i, lanes), lanes);
  });
}

// ---- inner = 1 ----

template <class T>
HS_INLINE float sum_run(const T* x, int64_t count) {
  vf sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int part = 0; part < 4; part++) sums[part] += load(x + i + part * kLanes);
  }
  for_vectors(i, count, [&](int64_t at, auto lanes) { sums[0] += load(x + at, lanes); });
  return reduce_add((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <class T, class To>
void sum_rows(const ReduceArgs& args) {
  const int64_t outer = args.desc.outer, extent = args.desc.extent;
  const T* const x = static_cast<const T*>(args.x);
  const int64_t chunks = (extent + kChunk - 1) / kChunk;
  const double row_cost = static_cast<double>(extent * int64_t{sizeof(T)}) * kNsPerByte + 5;
  if (chunks == 1) {
    const int64_t span = (kChunk + extent - 1) / extent;
    for_spans(outer, span, row_cost, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) {
        const float sum = sum_run(x + o * extent, extent);
        finish<To>(args, &sum, o, 1);
      }
    });
    return;
  }
  float* const partials =
      static_cast<float*>(thread_scratch(Scratch::kCall, outer * chunks * int64_t{sizeof(float)}));
  parallel_for(outer * chunks, static_cast<double>(outer) * row_cost, [&](int64_t tile) {
    const int64_t begin = tile % chunks * kChunk;
    const int64_t count = begin + kChunk < extent ? kChunk : extent - begin;
    partials[tile] = sum_run(x + tile / chunks * extent + begin, count);
  });
  for (int64_t o = 0; o < outer; o++) {
    double total = 0;
    for (int64_t c = 0; c < chunks; c++) total += static_cast<double>(partials[o * chunks + c]);
    const float sum = static_cast<float>(total);
    finish<To>(args, &sum, o, 1);
  }
}

// ---- inner > 1 ----

// Cuts [extent, inner] into chunks of rows and blocks of columns.
struct Cut {
  explicit Cut(const hs_reduce_desc& desc) : columns(join_columns(desc.inner)) {
    constexpr int64_t kBlock = 1024, kLeastRows = 16;
    block = columns.width < kBlock ? columns.count : kBlock;
    blocks = (desc.inner + block - 1) / block;
    rows = kChunk / block;
    if (rows < kLeastRows) rows = kLeastRows;
    rows = (rows + columns.fold - 1) / columns.fold * columns.fold;
    chunks = (desc.extent + rows - 1) / rows;
  }
  Columns columns;
  int64_t block, blocks;  // columns of a block
  int64_t rows, chunks;   // rows of a chunk
};

// Sums `rows` rows of `width` elements that begin `stride` elements apart: sums [width].
template <class T>
HS_INLINE void sum_down(const T* x, int64_t rows, int64_t stride, int64_t width, float* sums) {
  constexpr int64_t kRows = 16;
  constexpr int kVectors = 4;
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t end = row + kRows < rows ? row + kRows : rows;
    int64_t column = 0;
    for (; column + kVectors * kLanes <= width; column += kVectors * kLanes) {
      vf sum[kVectors] = {};
      for (int64_t r = row; r < end; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v++) sum[v] += load(x + r * stride + column + v * kLanes);
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        float* const at = sums + column + v * kLanes;
        store(at, load(at) + sum[v]);
      }
    }
    for_vectors(column, width, [&](int64_t at, auto lanes) {
      vf sum{};
      for (int64_t r = row; r < end; r++) sum += load(x + r * stride + at, lanes);
      store(sums + at, load(sums + at, lanes) + sum, lanes);
    });
  }
}

// Sums one block of columns over one chunk of rows; returns the sums, which lie in the tile's
// scratch.
template <class T>
HS_INLINE float* sum_tile(const Cut& cut, const T* x, int64_t inner, int64_t rows, int64_t block) {
  const Columns& columns = cut.columns;
  const int64_t begin = block * cut.block;
  const int64_t count = begin + cut.block < inner ? cut.block : inner - begin;
  const int64_t width = columns.fold == 1 ? count : columns.width;
  float* const sums = static_cast<float*>(
      thread_scratch(Scratch::kTile, width * static_cast<int64_t>(sizeof(float))));
  __builtin_memset(sums, 0, static_cast<uint64_t>(width) * sizeof(float));
  const int64_t whole = rows / columns.fold, rest = rows % columns.fold;
  sum_down(x + begin, whole, columns.fold * inner, width, sums);
  sum_down(x + whole * columns.width, rest > 0 ? 1 : 0, 0, rest * inner, sums);
  if (columns.fold > 1) fold_columns(columns, sums);
  return sums;
}

template <class T, class To>
void sum_columns(const ReduceArgs& args) {
  const int64_t outer = args.desc.outer, extent = args.desc.extent, inner = args.desc.inner;
  const T* const x = static_cast<const T*>(args.x);
  const Cut cut(args.desc);
  float* partials = nullptr;  // [outer, chunks, inner]; null if there is only one chunk
  if (cut.chunks > 1) {
    partials = static_cast<float*>(
        thread_scratch(Scratch::kCall, outer * cut.chunks * inner * int64_t{sizeof(float)}));
  }
  const double bytes =
      static_cast<double>(outer * extent) * static_cast<double>(inner * int64_t{sizeof(T)});
  parallel_for(outer * cut.chunks * cut.blocks, bytes * kNsPerByte, [&](int64_t tile) {
    const int64_t block = tile % cut.blocks, chunk = tile / cut.blocks % cut.chunks;
    const int64_t o = tile / (cut.blocks * cut.chunks), row = chunk * cut.rows;
    const int64_t rows = row + cut.rows < extent ? cut.rows : extent - row;
    const float* sums = sum_tile(cut, x + (o * extent + row) * inner, inner, rows, block);
    const int64_t begin = block * cut.block;
    const int64_t count = begin + cut.block < inner ? cut.block : inner - begin;
    if (partials == nullptr) return finish<To>(args, sums, o * inner + begin, count);
    __builtin_memcpy(partials + (o * cut.chunks + chunk) * inner + begin, sums,
                     static_cast<uint64_t>(count) * sizeof(float));
  });
  if (partials == nullptr) return;
  constexpr int64_t kMerge = 256;  // columns that one task merges
  const int64_t merges = (inner + kMerge - 1) / kMerge;
  parallel_for(outer * merges, static_cast<double>(outer * cut.chunks * inner), [&](int64_t tile) {
    const int64_t o = tile / merges, begin = tile % merges * kMerge;
    const int64_t count = begin + kMerge < inner ? kMerge : inner - begin;
    double totals[kMerge] = {};
    for (int64_t c = 0; c < cut.chunks; c++) {
      const float* partial = partials + (o * cut.chunks + c) * inner + begin;
      for (int64_t i = 0; i < count; i++) totals[i] += static_cast<double>(partial[i]);
    }
    float sums[kMerge];
    for (int64_t i = 0; i < count; i++) sums[i] = static_cast<float>(totals[i]);
    finish<To>(args, sums, o * inner + begin, count);
  });
}

// ---- gradients ----

// Writes row e of dx [extent, inner] for one index of `outer`: factor * dy, or for maxima dy in the
// columns whose index is e, and 0 elsewhere.
template <bool maximum, class T, class From>
HS_INLINE void spread_row(const From* dy, const int32_t* index, float factor, int64_t e,
                          int64_t inner, T* dx) {
  for_vectors(0, inner, [=](int64_t i, auto lanes) {
    vf g = load(dy + i, lanes);
    if constexpr (maximum) {
      g = load_words(index + i, lanes) == set1_int(static_cast<int32_t>(e)) ? g : vf{};
    }
    store(dx + i, factor * g, lanes);
  });
}

// Writes dx [extent] for one index of `outer`, inner = 1. An index outside the extent is ignored.
template <bool maximum, class T, class From>
HS_INLINE void spread_run(const From* dy, const int32_t* index, float factor, int64_t extent,
                          T* dx) {
  const vf value = maximum ? vf{} : set1(factor * load_one(dy));
  for_vectors(0, extent, [=](int64_t e, auto lanes) { store(dx + e, value, lanes); });
  if (maximum && *index >= 0 && *index < extent) store_one(dx + *index, load_one(dy));
}

template <bool maximum, class T, class From>
void spread(const ReduceBackwardArgs& args) {
  const hs_reduce_desc& desc = args.desc;
  const int64_t extent = desc.extent, inner = desc.inner;
  const From* const dy = static_cast<const From*>(args.dy);
  T* const dx = static_cast<T*>(args.dx);
  const float factor = desc.reduction == HS_MEAN ? 1.0f / static_cast<float>(extent) : 1.0f;
  const double row = static_cast<double>(inner * int64_t{sizeof(T)}) * kNsPerByte;
  if (inner == 1) {
    for_spans(desc.outer, (kChunk + extent - 1) / extent, row * static_cast<double>(extent) + 5,
              [&](int64_t begin, int64_t end) {
                for (int64_t o = begin; o < end; o++) {
                  spread_run<maximum>(dy + o, behind(args.index, o), factor, extent,
                                      dx + o * extent);
                }
              });
    return;
  }
  for_spans(desc.outer * extent, (kChunk + inner - 1) / inner, row + 5,
            [&](int64_t begin, int64_t end) {
              for (int64_t r = begin; r < end; r++) {
                const int64_t at = r / extent * inner;
                spread_row<maximum>(dy + at, behind(args.index, at), factor, r % extent, inner,
                                    dx + r * inner);
              }
            });
}

}  // namespace

void reduce(const ReduceArgs& args) {
  const hs_reduce_desc& desc = args.desc;
  if (desc.outer == 0 || desc.inner == 0) return;
  if (desc.reduction == HS_MAX) return reduce_max(args);
  with_types(desc, [&](auto type, auto out) {
    using T = typename decltype(type)::type;
    using To = typename decltype(out)::type;
    if (desc.inner == 1) {
      sum_rows<T, To>(args);
    } else {
      sum_columns<T, To>(args);
    }
  });
}

void reduce_backward(const ReduceBackwardArgs& args) {
  const hs_reduce_desc& desc = args.desc;
  if (desc.outer == 0 || desc.inner == 0) return;
  with_types(desc, [&](auto type, auto out) {
    using T = typename decltype(type)::type;
    using From = typename decltype(out)::type;
    if (desc.reduction == HS_MAX) {
      spread<true, T, From>(args);
    } else {
      spread<false, T, From>(args);
    }
  });
}

}  // namespace hs::cpu::HS_ISA
