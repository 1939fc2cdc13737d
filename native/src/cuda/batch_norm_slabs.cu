// Batch normalisation in one launch, for what fits on chip.
//
// Bytes of an element: forward reads x once and writes y; backward reads dy and x once (y too with
// ReLU) and writes dx. Floor: bytes / bandwidth.
// Design: a team of blocks keeps a slab of channels (batch_norm_slabs.h) in shared memory as it is
// stored, each thread what it reads itself. Each block sums its rows, leaves the sums in the
// workspace, waits for its team and adds up all its blocks' sums in their order; then it works from
// shared memory. The next slab is copied meanwhile, into a second buffer where one fits, otherwise
// row by row into the place of what is done. Not yet measured on a GPU.
#include "cuda/batch_norm_slabs.h"

#include "cuda/batch_norm_parts.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/ptx/async_copy.h"
#include "cuda/ptx/team.h"

namespace hs::cuda {
namespace {

constexpr unsigned kWarps = kSlabThreads / kWarpSize;
constexpr unsigned kMostColumns = kMostSlabLanes * 8;  // of a slab
constexpr int kBatch = 4;  // rows of a thread whose loads from memory are under way at once

struct alignas(16) Chunk {
  unsigned char bytes[16];
};

// In front of the buffers.
template <class Sums, class Coefficients>
struct Shared {
  Sums slot[kWarps * kMostColumns];  // [warps, columns of the slab]
  Coefficients of_column[kMostColumns];
  float pivot[kMostColumns];
  HS_DEVICE Chunk* buffers() { return reinterpret_cast<Chunk*>(this + 1); }
};

// One thread's part: 16 bytes of columns of each slab of its team, and the same rows of each.
template <class T>
struct SlabPart {
  static constexpr int kVector = kColumnVector<T>;
  const SlabPlan& plan;
  unsigned lane, depth, depths;  // place along the row; along the column, and how many there are
  unsigned team, rank;           // the block's team, and its number in it
  std::int64_t first_row;
  unsigned rows;  // of the block

  HS_DEVICE explicit SlabPart(const SlabPlan& p) : plan(p) {
    lane = threadIdx.x % plan.lanes;
    depth = threadIdx.x / plan.lanes;
    depths = kSlabThreads / plan.lanes;
    team = blockIdx.x / plan.team;
    rank = blockIdx.x % plan.team;
    first_row = std::int64_t{rank} * plan.block_rows;
    std::int64_t left = plan.rows - first_row;
    rows = left < plan.block_rows ? static_cast<unsigned>(left) : plan.block_rows;
  }
  HS_DEVICE unsigned columns() const { return plan.lanes * kVector; }
  HS_DEVICE std::int64_t column(unsigned slab) const {
    return (std::int64_t{slab} * plan.lanes + lane) * kVector;
  }
  HS_DEVICE bool has(unsigned slab) const { return column(slab) < plan.channels; }
  HS_DEVICE std::int64_t element(unsigned slab, unsigned row) const {
    return (first_row + row) * plan.channels + column(slab);
  }
  // Where a row's 16 bytes of this thread are held.
  HS_DEVICE T* held(Chunk* buffers, unsigned buffer, unsigned array, unsigned row) const {
    unsigned line = (buffer * plan.arrays + array) * plan.block_rows + row;
    return reinterpret_cast<T*>(buffers + line * plan.lanes + lane);
  }
  // The column that this thread finishes for the block; all channels if it is none.
  HS_DEVICE std::int64_t finishes(unsigned slab) const {
    std::int64_t c = std::int64_t{slab} * columns() + threadIdx.x;
    return threadIdx.x < columns() && c < plan.channels ? c : plan.channels;
  }
  // Calls body(row).
  template <class Body>
  HS_DEVICE void for_rows(unsigned slab, const Body& body) const {
    if (!has(slab)) return;
    for (unsigned row = depth; row < rows; row += depths) body(row);
  }
  // Calls body(row, its 16 bytes of `from`); with null they are zero.
  template <class Body>
  HS_DEVICE void for_rows_of(const T* from, unsigned slab, const Body& body) const {
    if (!has(slab)) return;
    for (unsigned first = depth; first < rows; first += kBatch * depths) {
      Vector<T, kVector> v[kBatch] = {};
      HS_UNROLL for (int b = 0; b < kBatch; ++b) {
        unsigned row = first + static_cast<unsigned>(b) * depths;
        if (from != nullptr && row < rows) {
          v[b] = load<Vector<T, kVector>>(from + element(slab, row));
        }
      }
      HS_UNROLL for (int b = 0; b < kBatch; ++b) {
        unsigned row = first + static_cast<unsigned>(b) * depths;
        if (row < rows) body(row, v[b]);
      }
    }
  }
};

template <class Sums>
HS_DEVICE Sums sum_of_column(const Sums* slot, unsigned columns) {
  Sums sum{};
  for (unsigned w = 0; w < kWarps; ++w) sum = sum + slot[w * columns + threadIdx.x];
  return sum;
}

// Adds up the sums of the team's threads, in an order that depends on the plan alone, and calls
// finish(column, sums) in one thread of each block for each column; what that leaves in shared
// memory all threads see. `parity` changes from slab to slab: a block may be at its team's next
// barrier while others still read what it left before this one.
template <class T, int kVector, class Sums, class Finish>
HS_DEVICE void reduce_slab(const SlabPart<T>& part, unsigned slab, unsigned parity,
                           Sums (&sums)[kVector], GridWorkspace& grid, Sums* slot,
                           const Finish& finish) {
  const unsigned columns = part.columns(), blocks = part.plan.team;
  HS_UNROLL for (Sums& s : sums) {
    for (unsigned lanes = part.plan.lanes; lanes < kWarpSize; lanes *= 2) {
      s = s + shuffle_xor(s, lanes);
    }
  }
  if (lane_id() < part.plan.lanes) {
    HS_UNROLL for (int e = 0; e < kVector; ++e) {
      slot[warp_id() * columns + lane_id() * kVector + static_cast<unsigned>(e)] = sums[e];
    }
  }
  __syncthreads();
  Sums total{};
  if (threadIdx.x < columns) total = sum_of_column(slot, columns);
  if (blocks > 1) {
    Sums* partials = grid.partials<Sums>() + (parity * gridDim.x + part.team * blocks) * columns;
    if (threadIdx.x < columns) partials[part.rank * columns + threadIdx.x] = total;
    team_sync(grid.barriers[part.team], part.rank, blocks);
    for (unsigned i = threadIdx.x; i < kWarps * columns; i += kSlabThreads) {
      Sums sum{};
      for (unsigned b = i / columns; b < blocks; b += kWarps) {
        sum = sum + load_from_l2(&partials[b * columns + i % columns]);
      }
      slot[i] = sum;
    }
    __syncthreads();
    if (threadIdx.x < columns) total = sum_of_column(slot, columns);
  }
  std::int64_t c = part.finishes(slab);
  if (c < part.plan.channels) finish(c, total);
  __syncthreads();
}

template <class T>
HS_KERNEL void __launch_bounds__(kSlabThreads)
    train_on_chip(const BatchNormTrainingArgs args, const SlabPlan plan, void* workspace) {
  constexpr int kVector = kColumnVector<T>;
  using Smem = Shared<DistanceSums, Scaling>;
  static_assert(sizeof(Smem) <= kSlabScratchBytes);
  Smem& shared = shared_memory<Smem>();
  const SlabPart<T> part(plan);
  const T *x = static_cast<const T*>(args.x), *residual = static_cast<const T*>(args.residual);
  const double n = static_cast<double>(plan.rows);
  auto held = [&](unsigned buffer, unsigned row) {
    return part.held(shared.buffers(), buffer, 0, row);
  };
  auto fetch = [&](unsigned slab, unsigned buffer, unsigned row) {
    cp_async_16(held(buffer, row), x + part.element(slab, row), 16);
  };
  auto fetch_all = [&](unsigned slab, unsigned buffer) {
    if (slab < plan.slabs) part.for_rows(slab, [&](unsigned row) { fetch(slab, buffer, row); });
    cp_async_commit();
  };

  unsigned buffer = 0, parity = 0;
  fetch_all(part.team, buffer);
  for (unsigned slab = part.team; slab < plan.slabs; slab += plan.teams, parity ^= 1) {
    const unsigned next = slab + plan.teams;
    const bool refills = plan.buffers == 1 && next < plan.slabs && part.has(next);
    float pivot[kVector] = {};
    PivotSums own[kVector];
    // Before the barrier: after it, the first row may have become y.
    if (part.has(slab)) load_elements(x + part.column(slab), pivot);
    if (part.depth == 0) {
      HS_UNROLL for (int e = 0; e < kVector; ++e) shared.pivot[part.lane * kVector + e] = pivot[e];
    }
    const std::int64_t c = part.finishes(slab);
    const float gamma = c < plan.channels ? args.gamma[c] : 0;
    const float beta = c < plan.channels ? args.beta[c] : 0;
    if (plan.buffers == 2) {
      fetch_all(next, buffer ^ 1);
      cp_async_wait<1>();
    } else {
      cp_async_wait<0>();
    }
    part.for_rows(slab, [&](unsigned row) {
      float v[kVector];
      load_elements(held(buffer, row), v);
      HS_UNROLL for (int e = 0; e < kVector; ++e) own[e].add(v[e]);
    });
    DistanceSums sums[kVector];
    HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = own[e].around(pivot[e]);
    auto* grid = static_cast<GridWorkspace*>(workspace);
    reduce_slab(
        part, slab, parity, sums, *grid, shared.slot,
        [&](std::int64_t column, const DistanceSums& total) {
          Moments m = moments_of(total, shared.pivot[threadIdx.x], n);
          float invstd = invstd_of(m, n, args.desc.eps);
          shared.of_column[threadIdx.x] = {static_cast<float>(m.mean), invstd * gamma, beta};
          if (part.rank == 0) save_moments(args, column, m);
        });
    Scaling of[kVector];
    HS_UNROLL for (int e = 0; e < kVector; ++e) of[e] = shared.of_column[part.lane * kVector + e];
    part.for_rows_of(residual, slab, [&](unsigned row, const Vector<T, kVector>& more) {
      float v[kVector], added[kVector];
      load_elements(held(buffer, row), v);
      if (refills) fetch(next, buffer, row);
      HS_UNROLL for (int e = 0; e < kVector; ++e) added[e] = to_float(more.at[e]);
      put_normalized(v, of, residual != nullptr, added, args.desc.activation == HS_RELU,
                     static_cast<T*>(args.y) + part.element(slab, row));
    });
    if (plan.buffers == 1) cp_async_commit();
    if (plan.buffers == 2) buffer ^= 1;
  }
}

template <class T>
HS_KERNEL void __launch_bounds__(kSlabThreads)
    differentiate_on_chip(const BatchNormBackwardArgs args, const SlabPlan plan, void* workspace) {
  constexpr int kVector = kColumnVector<T>;
  using Smem = Shared<GradientSums, Slope>;
  static_assert(sizeof(Smem) <= kSlabScratchBytes);
  Smem& shared = shared_memory<Smem>();
  const SlabPart<T> part(plan);
  const T *dy = static_cast<const T*>(args.dy), *x = static_cast<const T*>(args.x);
  auto held_dy = [&](unsigned buffer, unsigned row) {
    return part.held(shared.buffers(), buffer, 0, row);
  };
  auto held_x = [&](unsigned buffer, unsigned row) {
    return part.held(shared.buffers(), buffer, 1, row);
  };
  auto fetch = [&](unsigned slab, unsigned buffer, unsigned row) {
    std::int64_t at = part.element(slab, row);
    cp_async_16(held_dy(buffer, row), dy + at, 16);
    cp_async_16(held_x(buffer, row), x + at, 16);
  };
  auto fetch_all = [&](unsigned slab, unsigned buffer) {
    if (slab < plan.slabs) part.for_rows(slab, [&](unsigned row) { fetch(slab, buffer, row); });
    cp_async_commit();
  };

  unsigned buffer = 0, parity = 0;
  fetch_all(part.team, buffer);
  for (unsigned slab = part.team; slab < plan.slabs; slab += plan.teams, parity ^= 1) {
    const unsigned next = slab + plan.teams;
    const bool refills = plan.buffers == 1 && next < plan.slabs && part.has(next);
    float mean[kVector] = {};
    if (part.has(slab)) {
      HS_UNROLL for (int e = 0; e < kVector; ++e) mean[e] = args.saved_mean[part.column(slab) + e];
    }
    const std::int64_t c = part.finishes(slab);
    const bool finishes = c < plan.channels;
    const float own_mean = finishes ? args.saved_mean[c] : 0;
    const float invstd = finishes ? args.saved_invstd[c] : 0;
    const float gamma = finishes ? args.gamma[c] : 0;
    if (plan.buffers == 2) {
      fetch_all(next, buffer ^ 1);
      cp_async_wait<1>();
    } else {
      cp_async_wait<0>();
    }
    if (args.desc.activation == HS_RELU) {
      const T* y = static_cast<const T*>(args.y);
      part.for_rows_of(y, slab, [&](unsigned row, const Vector<T, kVector>& output) {
        float g[kVector];
        load_elements(held_dy(buffer, row), g);
        HS_UNROLL for (int e = 0; e < kVector; ++e) {
          g[e] = to_float(output.at[e]) > 0.0f ? g[e] : 0.0f;
        }
        store_elements(held_dy(buffer, row), g);
      });
    }
    float of_dy[kVector] = {}, product[kVector] = {};
    part.for_rows(slab, [&](unsigned row) {
      float g[kVector], v[kVector];
      load_elements(held_dy(buffer, row), g);
      load_elements(held_x(buffer, row), v);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        of_dy[e] += g[e];
        product[e] += g[e] * (v[e] - mean[e]);
      }
    });
    GradientSums sums[kVector];
    HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = {of_dy[e], product[e]};
    auto* grid = static_cast<GridWorkspace*>(workspace);
    reduce_slab(part, slab, parity, sums, *grid, shared.slot,
                [&](std::int64_t column, const GradientSums& total) {
                  shared.of_column[threadIdx.x] =
                      slope_of(own_mean, invstd, gamma, total, static_cast<double>(plan.rows));
                  if (part.rank == 0) save_gradients(args, column, total);
                });
    Slope of[kVector];
    HS_UNROLL for (int e = 0; e < kVector; ++e) of[e] = shared.of_column[part.lane * kVector + e];
    part.for_rows(slab, [&](unsigned row) {
      float g[kVector], v[kVector];
      load_elements(held_dy(buffer, row), g);
      load_elements(held_x(buffer, row), v);
      if (refills) fetch(next, buffer, row);
      put_differentiated<T>(args, part.element(slab, row), g, v, of);
    });
    if (plan.buffers == 1) cp_async_commit();
    if (plan.buffers == 2) buffer ^= 1;
  }
}

LaunchShape slab_shape(const char* name, const SlabPlan& plan) {
  return {.name = name,
          .grid = {plan.teams * plan.team},
          .block = {kSlabThreads},
          .shared_bytes = plan.shared_bytes(),
          .cooperative = plan.team > 1};
}

}  // namespace

hs_status train_slabs(const Queue& queue, const BatchNormTrainingArgs& args, const SlabPlan& plan) {
  return with_storage(args.desc.type, [&](auto element) {
    return launch(queue, slab_shape("train_on_chip", plan), train_on_chip<decltype(element)>, args,
                  plan, queue.workspace);
  });
}

hs_status differentiate_slabs(const Queue& queue, const BatchNormBackwardArgs& args,
                              const SlabPlan& plan) {
  return with_storage(args.desc.type, [&](auto element) {
    return launch(queue, slab_shape("differentiate_on_chip", plan),
                  differentiate_on_chip<decltype(element)>, args, plan, queue.workspace);
  });
}

}  // namespace hs::cuda
