// Softmax over rows, with a scale, a causal and a padding mask, and its gradient.
//
// Bytes: forward reads x and writes y, backward reads dy and y and writes dx; masked elements are
// only written. Floor: bytes / bandwidth. Design: a row of up to 1024 columns belongs to a warp,
// which holds it in registers; accesses have 16 bytes if rows are aligned. A longer row belongs to
// a block, which reads it again in each pass, from the caches. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/ptx/math.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kWarps = kThreads / kWarpSize;
constexpr int kHeld = 32;  // the most columns that a lane holds
constexpr int kBlocksPerMultiprocessor = 8;

// The number of columns of a row that the causal mask leaves.
HS_DEVICE std::int64_t open_columns(const hs_softmax_desc& desc, std::int64_t row) {
  if (desc.queries == 0) return desc.columns;
  auto query = static_cast<unsigned>(row) % static_cast<unsigned>(desc.queries);
  return query + 1 + desc.columns - desc.queries;
}

struct Shared {
  BlockScratch<float> scratch;
};

// The threads that share a row: a warp, or a block.
template <bool kWarp>
struct Team {
  Shared& shared;
  HS_DEVICE static constexpr unsigned size() { return kWarp ? kWarpSize : kThreads; }
  HS_DEVICE unsigned rank() const { return threadIdx.x % size(); }
  HS_DEVICE std::int64_t first_row() const {
    return kWarp ? std::int64_t{blockIdx.x} * kWarps + warp_id() : blockIdx.x;
  }
  HS_DEVICE std::int64_t teams() const { return std::int64_t{gridDim.x} * (kWarp ? kWarps : 1); }
  template <class Op>
  HS_DEVICE float reduce(float value, Op op) const {
    if constexpr (kWarp) {
      return warp_reduce(value, op);
    } else {
      return block_reduce<kThreads>(value, op, shared.scratch);
    }
  }
};

// A thread's part of a row of which the first `open` columns are not masked: vectors of kVector
// columns. A warp holds them in registers, a block reads them again in each pass. Masked columns
// are 0.
template <class T, int kVector, bool kWarp>
struct Row {
  static constexpr int kVectors = kWarp ? kHeld / kVector : 1;
  const T* at;
  std::int64_t open, columns;
  float held[kVectors][kVector];

  HS_DEVICE Row(const T* row, std::int64_t open_count, std::int64_t all)
      : at(row), open(open_count), columns(all) {
    if constexpr (kWarp) {
      HS_UNROLL for (int j = 0; j < kVectors; ++j) read(column(j), held[j]);
    }
  }
  HS_DEVICE static int column(int j) {
    return (j * static_cast<int>(Team<kWarp>::size()) +
            static_cast<int>(threadIdx.x % Team<kWarp>::size())) *
           kVector;
  }
  HS_DEVICE void read(std::int64_t c, float (&x)[kVector]) const {
    HS_UNROLL for (float& e : x) e = 0;
    if (c >= open) return;
    load_elements(at + c, x);
    HS_UNROLL for (int e = 0; e < kVector; ++e) x[e] = c + e < open ? x[e] : 0.0f;
  }
  // Calls body(j, first column, values) for the thread's vectors.
  template <class Body>
  HS_DEVICE void for_each(const Body& body) const {
    if constexpr (kWarp) {
      HS_UNROLL for (int j = 0; j < kVectors; ++j) {
        if (column(j) < columns) body(j, std::int64_t{column(j)}, held[j]);
      }
    } else {
      for (std::int64_t c = column(0); c < columns; c += std::int64_t{kThreads} * kVector) {
        float x[kVector];
        read(c, x);
        body(0, c, x);
      }
    }
  }
};

template <class T, int kVector, bool kWarp, bool kPadded>
HS_KERNEL void __launch_bounds__(kThreads) softmax_rows(const SoftmaxArgs args) {
  const Team<kWarp> team{shared_memory<Shared>()};
  const hs_softmax_desc& desc = args.desc;
  for (std::int64_t row = team.first_row(); row < desc.rows; row += team.teams()) {
    std::int64_t open = open_columns(desc, row);
    T* y = static_cast<T*>(args.y) + row * desc.columns;
    const Row<T, kVector, kWarp> x(static_cast<const T*>(args.x) + row * desc.columns, open,
                                   desc.columns);
    const std::int32_t* tokens = nullptr;
    if constexpr (kPadded) {
      tokens = args.tokens + row / (desc.rows / desc.samples) * desc.columns;
    }
    auto counts = [&](std::int64_t c) {
      if constexpr (kPadded) {
        return c < open && tokens[c] != desc.padding;
      } else {
        return c < open;
      }
    };
    // The lowest finite float and not -infinity, so that differences from it are never NaN. The
    // maximum ignores NaN, whose exponential makes the row NaN later.
    float largest = -3.40282347e38f;
    x.for_each([&](int, std::int64_t c, const float(&v)[kVector]) {
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        float scaled = v[e] * desc.scale;
        if (counts(c + e) && scaled > largest) largest = scaled;
      }
    });
    largest = team.reduce(largest, Largest{});
    float sum = 0;
    x.for_each([&](int, std::int64_t c, const float(&v)[kVector]) {
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        if (counts(c + e)) sum += exp_approx(v[e] * desc.scale - largest);
      }
    });
    sum = team.reduce(sum, Sum<float>{});
    float factor = kPadded && sum == 0 ? 0 : 1.0f / sum;
    x.for_each([&](int, std::int64_t c, const float(&v)[kVector]) {
      float out[kVector];
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        out[e] = counts(c + e) ? exp_approx(v[e] * desc.scale - largest) * factor : 0.0f;
      }
      store_elements(y + c, out);
    });
  }
}

template <class T, int kVector, bool kWarp>
HS_KERNEL void __launch_bounds__(kThreads) softmax_gradient_rows(const SoftmaxBackwardArgs args) {
  const Team<kWarp> team{shared_memory<Shared>()};
  const hs_softmax_desc& desc = args.desc;
  for (std::int64_t row = team.first_row(); row < desc.rows; row += team.teams()) {
    std::int64_t first = row * desc.columns, open = open_columns(desc, row);
    T* dx = static_cast<T*>(args.dx) + first;
    const Row<T, kVector, kWarp> y(static_cast<const T*>(args.y) + first, open, desc.columns);
    const Row<T, kVector, kWarp> dy(static_cast<const T*>(args.dy) + first, open, desc.columns);
    auto with_gradient = [&](int j, std::int64_t c, float(&g)[kVector]) {
      if constexpr (kWarp) {
        HS_UNROLL for (int e = 0; e < kVector; ++e) g[e] = dy.held[j][e];
      } else {
        dy.read(c, g);
      }
    };
    float sum = 0;
    y.for_each([&](int j, std::int64_t c, const float(&v)[kVector]) {
      float g[kVector];
      with_gradient(j, c, g);
      HS_UNROLL for (int e = 0; e < kVector; ++e) sum += v[e] * g[e];
    });
    sum = team.reduce(sum, Sum<float>{});
    y.for_each([&](int j, std::int64_t c, const float(&v)[kVector]) {
      float g[kVector];
      with_gradient(j, c, g);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        g[e] = c + e < open ? desc.scale * v[e] * (g[e] - sum) : 0.0f;
      }
      store_elements(dx + c, g);
    });
  }
}

// Calls launcher(shape, T{}, Elements<columns of a vector>, whether a warp or a block has a row).
template <class Launcher>
hs_status with_rows(const Stream& stream, const char* name, const hs_softmax_desc& desc,
                    bool is_aligned, const Launcher& launcher) {
  if (desc.queries != 0 && desc.rows >> 32 != 0) {
    return fail(HS_UNSUPPORTED, "%s: %lld rows with a causal mask: 2^32 are possible", name,
                static_cast<long long>(desc.rows));
  }
  bool warp = desc.columns <= kHeld * static_cast<int>(kWarpSize);
  LaunchShape shape{.name = name, .block = {kThreads}, .shared_bytes = sizeof(Shared)};
  shape.grid.x = blocks_for(stream, desc.rows, warp ? kWarps : 1, kBlocksPerMultiprocessor);
  return with_storage(desc.type, [&](auto element) {
    constexpr int kVector = 16 / sizeof(element);
    return is_aligned && desc.columns % kVector == 0
               ? launcher(shape, element, Elements<kVector>{}, warp)
               : launcher(shape, element, Elements<1>{}, warp);
  });
}

}  // namespace

hs_status softmax(void* stream_of_call, const SoftmaxArgs& args) {
  if (args.desc.rows == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_rows(stream, "softmax_rows", args.desc, aligned(args.x) && aligned(args.y),
                   [&](const LaunchShape& shape, auto element, auto n, bool warp) {
                     using T = decltype(element);
                     constexpr int kVector = n.value;
                     if (args.desc.samples != 0) {
                       return launch(stream, shape,
                                     warp ? softmax_rows<T, kVector, true, true>
                                          : softmax_rows<T, kVector, false, true>,
                                     args);
                     }
                     return launch(stream, shape,
                                   warp ? softmax_rows<T, kVector, true, false>
                                        : softmax_rows<T, kVector, false, false>,
                                   args);
                   });
}

hs_status softmax_backward(void* stream_of_call, const SoftmaxBackwardArgs& args) {
  if (args.desc.rows == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  bool is_aligned = aligned(args.dy) && aligned(args.y) && aligned(args.dx);
  return with_rows(stream, "softmax_gradient_rows", args.desc, is_aligned,
                   [&](const LaunchShape& shape, auto element, auto n, bool warp) {
                     using T = decltype(element);
                     return launch(stream, shape,
                                   warp ? softmax_gradient_rows<T, n.value, true>
                                        : softmax_gradient_rows<T, n.value, false>,
                                   args);
                   });
}

}  // namespace hs::cuda
