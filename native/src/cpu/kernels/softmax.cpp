// Softmax over rows, with a scale, a causal and a padding mask, and its gradient. Bound by memory
// if the matrix is large: 8 bytes per F32 element forward, 12 backward; the row stays in a cache
// during its passes. exp takes about 20 instructions per vector.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileElements = 8 << 10;
constexpr double kNsPerElement = 0.6;

// The number of columns of row `row` that the causal mask leaves.
HS_INLINE int64_t open_columns(const hs_softmax_desc& desc, int64_t row) {
  return desc.queries == 0 ? desc.columns : row % desc.queries + 1 + desc.columns - desc.queries;
}

template <class T>
HS_INLINE void clear(T* row, int64_t begin, int64_t end) {
  __builtin_memset(row + begin, 0, static_cast<uint64_t>(end - begin) * sizeof(T));
}

// The maximum of scale * x. It ignores NaN, whose exponential makes the row NaN later.
template <class T>
HS_INLINE float scaled_maximum(const T* x, int64_t count, float scale) {
  vf maximum[4] = {set1(kLowest), set1(kLowest), set1(kLowest), set1(kLowest)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int part = 0; part < 4; part++) {
      maximum[part] = max(scale * load(x + i + part * kLanes), maximum[part]);
    }
  }
  for_vectors(i, count, [&](int64_t at, auto lanes) {
    maximum[0] = max(keep(scale * load(x + at, lanes), maximum[0], lanes), maximum[0]);
  });
  return reduce_max(max(max(maximum[0], maximum[1]), max(maximum[2], maximum[3])));
}

// Softmax of one row. For F32, y holds the exponentials until they are scaled; for 16-bit types
// they are computed again, so that each result is rounded only once.
template <class T>
HS_INLINE void softmax_row(const T* x, T* y, int64_t count, float scale) {
  constexpr bool kLeave = sizeof(T) == sizeof(float);
  const float maximum = scaled_maximum(x, count, scale);
  vf sum{};
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    const vf e = keep(exp_nonpositive(scale * load(x + i, lanes) - maximum), vf{}, lanes);
    if constexpr (kLeave) store(y + i, e, lanes);
    sum += e;
  });
  const float factor = 1.0f / reduce_add(sum);
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    vf e;
    if constexpr (kLeave) {
      e = load(y + i, lanes);
    } else {
      e = exp_nonpositive(scale * load(x + i, lanes) - maximum);
    }
    store(y + i, e * factor, lanes);
  });
}

// As softmax_row, but columns whose token is `padding` get 0. The bits of the other columns do not
// depend on the masked values: a row with padding at its end is that of softmax_row without it.
template <class T>
HS_INLINE void padded_row(const T* x, T* y, int64_t count, float scale, const int32_t* tokens,
                          int32_t padding) {
  const auto without = [&](vf value, float masked, int64_t i, auto lanes)
      __attribute__((always_inline)) {
    const vi is_masked = load_words(tokens + i, lanes) == set1_int(padding);
    return keep(is_masked ? set1(masked) : value, set1(masked), lanes);
  };
  vf largest = set1(kLowest);
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    largest = max(without(scale * load(x + i, lanes), kLowest, i, lanes), largest);
  });
  const float maximum = reduce_max(largest);
  const auto exponential = [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    return without(exp_nonpositive(scale * load(x + i, lanes) - maximum), 0, i, lanes);
  };
  vf sums{};
  for_vectors(0, count, [&](int64_t i, auto lanes) { sums += exponential(i, lanes); });
  const float sum = reduce_add(sums), factor = sum == 0 ? 0 : 1.0f / sum;
  for_vectors(0, count,
              [&](int64_t i, auto lanes) { store(y + i, exponential(i, lanes) * factor, lanes); });
}

template <class T>
HS_INLINE void gradient_row(const T* dy, const T* y, T* dx, int64_t count, float scale) {
  vf sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int part = 0; part < 4; part++) {
      sums[part] += load(dy + i + part * kLanes) * load(y + i + part * kLanes);
    }
  }
  for_vectors(i, count, [&](int64_t at, auto lanes) {
    sums[0] += load(dy + at, lanes) * load(y + at, lanes);
  });
  const float sum = reduce_add((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for_vectors(0, count, [=](int64_t at, auto lanes) {
    store(dx + at, scale * load(y + at, lanes) * (load(dy + at, lanes) - sum), lanes);
  });
}

// Calls fn(row) for all rows; a tile is a span of rows.
template <class Fn>
HS_INLINE void for_rows(const hs_softmax_desc& desc, const Fn& fn) {
  const int64_t span = (kTileElements + desc.columns - 1) / desc.columns;
  for_spans(desc.rows, span, static_cast<double>(desc.columns) * kNsPerElement + 5,
            [&](int64_t begin, int64_t end) {
              for (int64_t row = begin; row < end; row++) fn(row);
            });
}

}  // namespace

void softmax(const SoftmaxArgs& args) {
  const hs_softmax_desc desc = args.desc;
  with_storage(desc.type, [&](auto type) {
    using T = typename decltype(type)::type;
    for_rows(desc, [&](int64_t row) {
      T* const y = static_cast<T*>(args.y) + row * desc.columns;
      const int64_t open = open_columns(desc, row);
      const T* const x = static_cast<const T*>(args.x) + row * desc.columns;
      if (desc.samples == 0) {
        softmax_row(x, y, open, desc.scale);
      } else {
        const int32_t* const tokens = args.tokens + row / (desc.rows / desc.samples) * desc.columns;
        padded_row(x, y, open, desc.scale, tokens, desc.padding);
      }
      clear(y, open, desc.columns);
    });
  });
}

void softmax_backward(const SoftmaxBackwardArgs& args) {
  const hs_softmax_desc desc = args.desc;
  with_storage(desc.type, [&](auto type) {
    using T = typename decltype(type)::type;
    for_rows(desc, [&](int64_t row) {
      const int64_t at = row * desc.columns, open = open_columns(desc, row);
      T* const dx = static_cast<T*>(args.dx) + at;
      gradient_row(static_cast<const T*>(args.dy) + at, static_cast<const T*>(args.y) + at, dx,
                   open, desc.scale);
      clear(dx, open, desc.columns);
    });
  });
}

}  // namespace hs::cpu::HS_ISA
