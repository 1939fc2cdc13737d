// Group normalisation of [n, positions, channels] over (positions, channels of a group), and its
// gradients. Layer normalisation is positions = 1, groups = 1.
//
// Bytes: forward reads x and writes y; backward reads dy and x (twice, if the gradients of gamma
// and beta are wanted) and writes dx. Floor: bytes / bandwidth. Design: a group of up to 1024
// contiguous values belongs to a warp, which holds it in registers; others belong to a block, which
// reads them again for each pass, from the caches if they fit. Accesses have 16 bytes if the groups
// allow it. The gradients of gamma and beta are a reduction of columns. Not yet measured on a GPU.
#include "cuda/columns.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kWarps = kThreads / kWarpSize;
constexpr int kHeld = 32;  // the most values that a lane holds
constexpr int kBlocksPerMultiprocessor = 8;

struct TwoSums {
  float first, second;
  HS_DEVICE TwoSums operator+(const TwoSums& o) const {
    return {first + o.first, second + o.second};
  }
};

struct Shared {
  BlockScratch<TwoSums> scratch;
};

// The layout of groups in memory, and how a block's threads share a group: `lanes` of the threads
// (a power of two) lie along the channels, the others along the positions.
struct Groups {
  std::int64_t count, channels, positions;
  int groups, width;  // groups of a sample; channels of a group
  unsigned lanes;
  HS_DEVICE float values() const { return static_cast<float>(positions * width); }
  HS_DEVICE std::int64_t channel(std::int64_t group) const { return group % groups * width; }
  HS_DEVICE std::int64_t begin(std::int64_t group) const {
    return group / groups * positions * channels + channel(group);
  }
};

// A group that a warp holds in registers, in vectors of kVector values.
template <class T, int kVector>
struct HeldByWarp {
  static constexpr bool kHolds = true;
  static constexpr int kVectors = kHeld / kVector;
  const Groups& groups;

  HS_DEVICE static std::int64_t first_group() {
    return std::int64_t{blockIdx.x} * kWarps + warp_id();
  }
  HS_DEVICE static std::int64_t teams() { return std::int64_t{gridDim.x} * kWarps; }
  HS_DEVICE static bool leads() { return lane_id() == 0; }
  HS_DEVICE static TwoSums reduce(const TwoSums& sums, Shared&) {
    // Makes sure that all lanes have read the group's first value before it is overwritten, if y is
    // written in place. A shuffle alone does not order accesses to memory.
    __syncwarp();
    return warp_reduce(sums, Sum<TwoSums>{});
  }
  // Calls body(number of the vector, offset from the group's first value, channel of the group).
  template <class Body>
  HS_DEVICE void for_each(const Body& body) const {
    HS_UNROLL for (int j = 0; j < kVectors; ++j) {
      int c = (j * static_cast<int>(kWarpSize) + static_cast<int>(lane_id())) * kVector;
      if (c < groups.width) body(j, std::int64_t{c}, c);
    }
  }
};

// A group that a block reads from memory in each pass.
template <class T, int kVector>
struct ReadByBlock {
  static constexpr bool kHolds = false;
  static constexpr int kVectors = 1;
  const Groups& groups;

  HS_DEVICE static std::int64_t first_group() { return blockIdx.x; }
  HS_DEVICE static std::int64_t teams() { return gridDim.x; }
  HS_DEVICE static bool leads() { return threadIdx.x == 0; }
  HS_DEVICE static TwoSums reduce(const TwoSums& sums, Shared& shared) {
    return block_reduce<kThreads>(sums, Sum<TwoSums>{}, shared.scratch);
  }
  template <class Body>
  HS_DEVICE void for_each(const Body& body) const {
    unsigned lane = threadIdx.x % groups.lanes, depths = kThreads / groups.lanes;
    for (std::int64_t p = threadIdx.x / groups.lanes; p < groups.positions; p += depths) {
      for (int c = static_cast<int>(lane) * kVector; c < groups.width;
           c += static_cast<int>(groups.lanes) * kVector) {
        body(0, p * groups.channels + c, c);
      }
    }
  }
};

// Loads gamma or beta; if `from` is null, each value is `otherwise`.
template <int kVector>
HS_DEVICE void load_coefficients(const float* from, std::int64_t at, float otherwise,
                                 float (&x)[kVector]) {
  HS_UNROLL for (int e = 0; e < kVector; ++e) x[e] = from != nullptr ? from[at + e] : otherwise;
}

template <class T, int kVector, template <class, int> class Team>
HS_KERNEL void __launch_bounds__(kThreads)
    normalize(const GroupNormArgs args, const Groups groups) {
  using Pass = Team<T, kVector>;
  Shared& shared = shared_memory<Shared>();
  const Pass pass{groups};
  float n = groups.values();
  for (std::int64_t group = Pass::first_group(); group < groups.count; group += Pass::teams()) {
    const T* x = static_cast<const T*>(args.x) + groups.begin(group);
    T* y = static_cast<T*>(args.y) + groups.begin(group);
    float held[Pass::kVectors][kVector];
    auto read = [&](int j, std::int64_t at) {
      if constexpr (!Pass::kHolds) load_elements(x + at, held[j]);
    };
    // Sums distances from the first value, so that a mean that is large compared with the deviation
    // costs no precision.
    float pivot = to_float(x[0]);
    TwoSums sums{};
    pass.for_each([&](int j, std::int64_t at, int) {
      load_elements(x + at, held[j]);
      HS_UNROLL for (float e : held[j]) sums.first += e - pivot;
    });
    float mean = pivot + Pass::reduce(sums, shared).first / n;
    sums = {};
    pass.for_each([&](int j, std::int64_t at, int) {
      read(j, at);
      HS_UNROLL for (float e : held[j]) {
        sums = sums + TwoSums{e - mean, (e - mean) * (e - mean)};
      }
    });
    sums = Pass::reduce(sums, shared);
    float rest = sums.first / n;  // the rounding error of the mean
    float variance = sums.second / n - rest * rest;
    if (variance < 0) variance = 0;
    float invstd = 1.0f / sqrtf(variance + args.desc.eps);
    if (Pass::leads() && args.saved_mean != nullptr) {
      args.saved_mean[group] = mean;
      args.saved_invstd[group] = invstd;
    }
    std::int64_t channel = groups.channel(group);
    pass.for_each([&](int j, std::int64_t at, int c) {
      float gamma[kVector], beta[kVector];
      load_coefficients(args.gamma, channel + c, 1, gamma);
      load_coefficients(args.beta, channel + c, 0, beta);
      read(j, at);
      float(&v)[kVector] = held[j];
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        v[e] = (v[e] - mean) * invstd * gamma[e] + beta[e];
      }
      store_elements_whole(y + at, v);
    });
  }
}

template <class T, int kVector, template <class, int> class Team>
HS_KERNEL void __launch_bounds__(kThreads)
    differentiate(const GroupNormBackwardArgs args, const Groups groups) {
  using Pass = Team<T, kVector>;
  Shared& shared = shared_memory<Shared>();
  const Pass pass{groups};
  float n = groups.values();
  for (std::int64_t group = Pass::first_group(); group < groups.count; group += Pass::teams()) {
    std::int64_t begin = groups.begin(group), channel = groups.channel(group);
    const T* x = static_cast<const T*>(args.x) + begin;
    const T* dy = static_cast<const T*>(args.dy) + begin;
    T* dx = static_cast<T*>(args.dx) + begin;
    float mean = args.saved_mean[group], invstd = args.saved_invstd[group];
    float v[Pass::kVectors][kVector], g[Pass::kVectors][kVector];  // g is gamma dy
    auto read = [&](int j, std::int64_t at, int c) {
      float gamma[kVector];
      load_coefficients(args.gamma, channel + c, 1, gamma);
      load_elements(x + at, v[j]);
      load_elements(dy + at, g[j]);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        v[j][e] -= mean;
        g[j][e] *= gamma[e];
      }
    };
    TwoSums sums{};
    pass.for_each([&](int j, std::int64_t at, int c) {
      read(j, at, c);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        sums = sums + TwoSums{g[j][e], g[j][e] * v[j][e]};
      }
    });
    sums = Pass::reduce(sums, shared);
    float slope = invstd * invstd * invstd * sums.second / n, offset = invstd * sums.first / n;
    pass.for_each([&](int j, std::int64_t at, int c) {
      if constexpr (!Pass::kHolds) read(j, at, c);
      float out[kVector];
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        out[e] = invstd * g[j][e] - (slope * v[j][e] + offset);
      }
      store_elements_whole(dx + at, out);
    });
  }
}

struct Gradients {
  double gamma, beta;
  HS_DEVICE Gradients operator+(const Gradients& o) const {
    return {gamma + o.gamma, beta + o.beta};
  }
};

// Computes the gradients of gamma and beta. It runs before `differentiate`, which may overwrite dy.
template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kColumnThreads)
    sum_coefficients(const GroupNormBackwardArgs args, const Groups groups, const ColumnCut cut,
                     void* workspace) {
  ColumnShared<Gradients>& shared = shared_memory<ColumnShared<Gradients>>();
  const ColumnPart part = column_part<kVector>(cut);
  float gamma[kVector] = {}, beta[kVector] = {};
  if (part.column < cut.columns) {
    std::int64_t of_sample = part.column / groups.width;  // the same for all columns of a vector
    for (std::int64_t row = part.begin + part.depth; row < part.end; row += part.depths) {
      std::int64_t sample = groups.positions == 1 ? row : row / groups.positions;
      std::int64_t group = sample * groups.groups + of_sample;
      std::int64_t at = row * cut.columns + part.column;
      float mean = args.saved_mean[group], invstd = args.saved_invstd[group];
      float g[kVector], v[kVector];
      load_elements(static_cast<const T*>(args.dy) + at, g);
      load_elements(static_cast<const T*>(args.x) + at, v);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        gamma[e] += g[e] * (v[e] - mean) * invstd;
        beta[e] += g[e];
      }
    }
  }
  Gradients sums[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = {gamma[e], beta[e]};
  reduce_columns(cut, part, sums, Sum<Gradients>{}, workspace, shared,
                 [&](std::int64_t c, const Gradients& s) {
                   put_gradient(args.d_gamma, c, s.gamma, args.accumulate);
                   put_gradient(args.d_beta, c, s.beta, args.accumulate);
                 });
}

// Calls launcher(T{}, Elements<values of a vector>); type, groups and alignment decide the number
// of values.
template <class Launcher>
hs_status with_vectors(const hs_group_norm_desc& desc, bool is_aligned, const Launcher& launcher) {
  return with_storage(desc.type, [&](auto element) {
    constexpr int kVector = 16 / sizeof(element);
    return is_aligned && desc.channels / desc.groups % kVector == 0
               ? launcher(element, Elements<kVector>{})
               : launcher(element, Elements<1>{});
  });
}

Groups groups_of(const hs_group_norm_desc& desc, int vector) {
  Groups groups{desc.n * desc.groups,
                desc.channels,
                desc.positions,
                desc.groups,
                static_cast<int>(desc.channels / desc.groups),
                1};
  while (groups.lanes < kThreads && static_cast<int>(groups.lanes) * vector < groups.width) {
    groups.lanes *= 2;
  }
  return groups;
}

bool fits_registers(const Groups& groups) {
  return groups.positions == 1 && groups.width <= kHeld * static_cast<int>(kWarpSize);
}

LaunchShape shape_of(const char* name, const Stream& stream, const Groups& groups) {
  std::int64_t per_block = fits_registers(groups) ? kWarps : 1;
  return {.name = name,
          .grid = {blocks_for(stream, groups.count, per_block, kBlocksPerMultiprocessor)},
          .block = {kThreads},
          .shared_bytes = sizeof(Shared)};
}

}  // namespace

hs_status group_norm(void* stream_of_call, const GroupNormArgs& args) {
  if (args.desc.n == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  bool is_aligned = aligned(args.x) && aligned(args.y);
  return with_vectors(args.desc, is_aligned, [&](auto element, auto vector) {
    using T = decltype(element);
    const Groups groups = groups_of(args.desc, vector.value);
    return launch(stream, shape_of("group_norm", stream, groups),
                  fits_registers(groups) ? normalize<T, vector.value, HeldByWarp>
                                         : normalize<T, vector.value, ReadByBlock>,
                  args, groups);
  });
}

hs_status group_norm_backward(void* stream_of_call, const GroupNormBackwardArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  const hs_group_norm_desc& desc = args.desc;
  bool is_aligned = aligned(args.dy) && aligned(args.x) && aligned(args.dx);
  return with_vectors(desc, is_aligned, [&](auto element, auto vector) {
    using T = decltype(element);
    const Groups groups = groups_of(desc, vector.value);
    if (args.d_gamma != nullptr) {
      ColumnCut cut = cut_columns(stream, desc.n * desc.positions, desc.channels, vector.value,
                                  sizeof(Gradients));
      void* workspace = nullptr;
      hs_status status = reserve_workspace(stream, cut.partials() * sizeof(Gradients), &workspace);
      if (status != HS_OK) return status;
      status =
          launch(stream, column_shape("sum_coefficients", cut, sizeof(ColumnShared<Gradients>)),
                 sum_coefficients<T, vector.value>, args, groups, cut, workspace);
      if (status != HS_OK) return status;
    }
    if (desc.n == 0) return hs_status{HS_OK};
    return launch(stream, shape_of("group_norm_backward", stream, groups),
                  fits_registers(groups) ? differentiate<T, vector.value, HeldByWarp>
                                         : differentiate<T, vector.value, ReadByBlock>,
                  args, groups);
  });
}

}  // namespace hs::cuda
