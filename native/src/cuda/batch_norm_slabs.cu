// Batch normalisation in one launch.
//
// Bytes: forward reads each element of x once and writes y; backward reads dy and x once (with ReLU
// also y) and writes dx; rows that do not fit on chip are read twice. Floor: bytes / bandwidth.
// Design: a team of blocks works on a slab of channels (batch_norm_slabs.h). Each thread copies its
// rows into its own ring of slots in shared memory, several at once, and adds them up; a slot is
// filled again as soon as its row has been used. The blocks write their sums to the workspace,
// where they are added up in the order of the blocks. The second pass takes the rows in reverse
// order: the ring still holds the last rows, and earlier ones are copied while it works, at first
// from the second-level cache. Only the last use of a row is marked as such for that cache.
#include "cuda/batch_norm_slabs.h"

#include "cuda/batch_norm_parts.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/ptx/async_copy.h"
#include "cuda/ptx/team.h"

namespace hs::cuda {
namespace {

constexpr unsigned kWarps = kSlabThreads / kWarpSize;
constexpr unsigned kMostColumns = kMostSlabLanes * 8;  // the most columns of a slab
// Columns that a block adds up at once.
constexpr unsigned kColumnsAtOnce = 32;
// In a team of at most this many blocks each block adds up all columns. In a larger team that would
// take longer than a second barrier, so each block adds up some of the columns.
constexpr unsigned kFewBlocks = kWarps;

struct alignas(16) Chunk {
  unsigned char bytes[16];
};

// The shared memory before the slots.
template <class Sums, class Coefficients>
struct Shared {
  Sums slot[kWarps * kColumnsAtOnce];  // [warps, columns at once]
  Sums total[kMostColumns];
  Coefficients of_column[kMostColumns];
  HS_DEVICE Chunk* slots() { return reinterpret_cast<Chunk*>(this + 1); }
};

// One thread's part: 16 bytes of columns of its team's slab, in every `depths`-th row of the block.
template <class T>
struct SlabPart {
  static constexpr int kVector = kColumnVector<T>;
  const SlabPlan& plan;
  Chunk* chunks;               // the thread's first slot
  unsigned lane;               // its place along the row
  unsigned slab, rank;         // the slab of the block and its team; the block's number in the team
  std::int64_t column;         // its first column
  unsigned count;              // its rows; 0 if it has no columns
  std::int64_t first, stride;  // its element in its first row; elements from one row to the next

  HS_DEVICE SlabPart(const SlabPlan& p, Chunk* slots) : plan(p), chunks(slots + threadIdx.x) {
    const unsigned depth = threadIdx.x / plan.lanes, depths = kSlabThreads / plan.lanes;
    lane = threadIdx.x % plan.lanes;
    // Neighbouring blocks of the grid read the same rows at about the same time.
    slab = blockIdx.x % plan.slabs;
    rank = blockIdx.x / plan.slabs;
    column = (std::int64_t{slab} * plan.lanes + lane) * kVector;
    std::int64_t row = std::int64_t{rank} * plan.block_rows, left = plan.rows - row;
    auto rows = left < plan.block_rows ? static_cast<unsigned>(left) : plan.block_rows;
    count = column < plan.channels && depth < rows ? (rows - depth - 1) / depths + 1 : 0;
    first = (row + depth) * plan.channels + column;
    stride = depths * plan.channels;
  }
  HS_DEVICE unsigned columns() const { return plan.lanes * kVector; }
  HS_DEVICE std::int64_t element(unsigned row) const { return first + row * stride; }
  HS_DEVICE T* held(unsigned slot, unsigned array) const {
    return reinterpret_cast<T*>(chunks + (slot * plan.arrays + array) * kSlabThreads);
  }
  HS_DEVICE bool few() const { return plan.team <= kFewBlocks; }
  // own: the column of the slab that this thread finishes, if it exists. own_channel: its channel.
  HS_DEVICE unsigned own() const { return few() ? threadIdx.x : rank + plan.team * warp_id(); }
  HS_DEVICE std::int64_t own_channel() const { return std::int64_t{slab} * columns() + own(); }
  HS_DEVICE bool finishes() const { return own() < columns() && own_channel() < plan.channels; }
  // Whether this is the one thread that saves the results of that column.
  HS_DEVICE bool saves() const { return finishes() && (few() ? rank == 0 : lane_id() == 0); }

  // Copies the thread's part of a row of `from` to a slot. `once`: the row is not read from memory
  // again.
  HS_DEVICE void copy(const T* from, unsigned row, unsigned slot, unsigned array, bool once) const {
    if (once) {
      cp_async_16_once(held(slot, array), from + element(row));
    } else {
      cp_async_16(held(slot, array), from + element(row), 16);
    }
  }

  // Calls use(row, slot that holds it) for all rows. Before that it calls fetch(row, slot, once)
  // for each row, which starts its copies. If rows stream, the copies of the last kAhead rows may
  // be in flight, and the plan has at least that many slots.
  template <unsigned kAhead, class Fetch, class Use>
  HS_DEVICE void pass_forward(const Fetch& fetch, const Use& use) const {
    const unsigned slots = plan.slots;
    // If the slots hold all rows, `once` is false, since the next kernel may read the rows again.
    const auto begin = [&](unsigned row, unsigned slot) {
      if (row < count) fetch(row, slot, plan.streams && row + slots >= count);
      cp_async_commit();
    };
    // Commits one group per row, so that the n-th group is the n-th row.
    for (unsigned row = 0; row < slots; ++row) begin(row, row);
    for (unsigned row = slots; row < kAhead; ++row) cp_async_commit();
    unsigned slot = 0;
    for (unsigned row = 0; row < count; ++row) {
      cp_async_wait<kAhead - 1>();
      use(row, slot);
      begin(row + slots, slot);
      if (++slot == slots) slot = 0;
    }
  }
  // As pass_forward, which must have run before, but from the last row to the first. `use` also
  // gets 16 bytes of the row of `added`, or zeros if that is null.
  template <unsigned kAhead, class Fetch, class Use>
  HS_DEVICE void pass_backward(const T* added, const Fetch& fetch, const Use& use) const {
    constexpr unsigned kBatch = 4;  // rows of `added` that are loaded at once
    const unsigned slots = plan.slots;
    unsigned slot = count == 0 ? 0 : (count - 1) % slots;
    for (unsigned left = count; left > 0;) {
      Packed<T, kVector> more[kBatch] = {};
      HS_UNROLL for (unsigned b = 0; b < kBatch; ++b) {
        if (added != nullptr && b < left) {
          more[b] = load<Packed<T, kVector>>(added + element(left - 1 - b));
        }
      }
      HS_UNROLL for (unsigned b = 0; b < kBatch; ++b) {
        if (left == 0) break;
        const unsigned row = --left;
        cp_async_wait<kAhead - 1>();
        use(row, slot, more[b]);
        if (row >= slots) fetch(row - slots, slot, true);
        cp_async_commit();
        slot = slot == 0 ? slots - 1 : slot - 1;
      }
    }
  }
};

// Adds up the sums of the block's threads into shared.total, in an order that depends on the plan
// alone.
template <class T, int kVector, class Sums, class Smem>
HS_DEVICE void reduce_block(const SlabPart<T>& part, Sums (&sums)[kVector], Smem& shared) {
  const unsigned lanes = part.plan.lanes;
  HS_UNROLL for (Sums& s : sums) {
    for (unsigned apart = lanes; apart < kWarpSize; apart *= 2) s = s + shuffle_xor(s, apart);
  }
  const unsigned fit = kColumnsAtOnce / lanes, at_once = fit < kVector ? fit : kVector;
  HS_UNROLL for (unsigned e = 0; e < kVector; ++e) {
    const unsigned place = e % at_once;  // index among the columns that are added up together
    if (lane_id() < lanes) {
      shared.slot[(warp_id() * at_once + place) * lanes + part.lane] = sums[e];
    }
    if (place + 1 < at_once) continue;
    __syncthreads();
    const unsigned wide = at_once * lanes;
    if (threadIdx.x < wide) {
      Sums sum{};
      HS_UNROLL for (unsigned w = 0; w < kWarps; ++w) {
        sum = sum + shared.slot[w * wide + threadIdx.x];
      }
      shared.total[part.lane * kVector + e - place + threadIdx.x / lanes] = sum;
    }
    __syncthreads();
  }
}

// Adds up the sums of the team's threads, in an order that depends on the plan alone. Returns the
// sums of the column that this thread finishes, and writes finish(sums) of all columns of the slab
// to shared.of_column.
template <class Coefficients, class T, int kVector, class Sums, class Finish>
HS_DEVICE Sums reduce_slab(const SlabPart<T>& part, Sums (&sums)[kVector], GridWorkspace* grid,
                           Shared<Sums, Coefficients>& shared, const Finish& finish) {
  const unsigned columns = part.columns(), blocks = part.plan.team;
  const bool few = part.few(), finishes = part.finishes();
  reduce_block(part, sums, shared);
  Sums total{};
  if (blocks == 1) {
    if (finishes) total = shared.total[threadIdx.x];
  } else {
    Sums* partials = grid->template partials<Sums>() + part.slab * blocks * columns;
    if (threadIdx.x < columns) {
      partials[part.rank * columns + threadIdx.x] = shared.total[threadIdx.x];
    }
    team_sync(grid->barriers[part.slab], part.rank, blocks);
    if (finishes) {
      constexpr unsigned kBatch = 8;  // loads in flight
      const unsigned step = few ? 1 : kWarpSize;
      for (unsigned b = few ? 0 : lane_id(); b < blocks; b += kBatch * step) {
        Sums some[kBatch] = {};
        HS_UNROLL for (unsigned i = 0; i < kBatch; ++i) {
          if (b + i * step < blocks) {
            some[i] = load_from_l2(&partials[(b + i * step) * columns + part.own()]);
          }
        }
        HS_UNROLL for (const Sums& s : some) total = total + s;
      }
    }
  }
  if (few) {
    if (finishes) shared.of_column[threadIdx.x] = finish(total);
  } else {
    total = warp_reduce(total, Sum<Sums>{});
    auto* finished =
        reinterpret_cast<Coefficients*>(grid->template partials<Sums>() + gridDim.x * columns) +
        part.slab * columns;
    if (part.saves()) finished[part.own()] = finish(total);
    team_sync(grid->barriers[part.slab], part.rank, blocks);
    if (threadIdx.x < columns &&
        std::int64_t{part.slab} * columns + threadIdx.x < part.plan.channels) {
      shared.of_column[threadIdx.x] = load_from_l2(&finished[threadIdx.x]);
    }
  }
  __syncthreads();
  return total;
}

template <class T>
HS_KERNEL void __launch_bounds__(kSlabThreads, 1)
    train_on_chip(const BatchNormTrainingArgs args, const SlabPlan plan, void* workspace) {
  constexpr int kVector = kColumnVector<T>;
  using Values = Packed<T, kVector>;
  using Smem = Shared<DistanceSums, Scaling>;
  static_assert(sizeof(Smem) <= kSlabScratchBytes);
  Smem& shared = shared_memory<Smem>();
  const SlabPart<T> part(plan, shared.slots());
  auto* x = static_cast<const T*>(args.x);
  const double n = static_cast<double>(plan.rows);
  const auto fetch = [&](unsigned row, unsigned slot, bool once) {
    part.copy(x, row, slot, 0, once);
  };

  // The pivot's row is read before the sums are complete: after that, y may overwrite it.
  Values first_row = {};
  if (part.count > 0) first_row = load<Values>(x + part.column);
  const std::int64_t c = part.own_channel();
  float own_pivot = 0, gamma = 0, beta = 0;
  if (part.finishes()) {
    own_pivot = to_float(x[c]);
    gamma = args.gamma[c];
    beta = args.beta[c];
  }
  PivotSums<kVector> own;
  part.template pass_forward<kRowsAhead>(fetch, [&](unsigned, unsigned slot) {
    float v[kVector];
    load_elements(part.held(slot, 0), v);
    own.add(v);
  });
  DistanceSums sums[kVector];
  float pivot[kVector];
  unpack<T>(first_row, pivot);
  HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = own.around(e, pivot[e]);
  const auto finish = [&](const DistanceSums& total) {
    Moments m = moments_of(total, own_pivot, n);
    return Scaling{static_cast<float>(m.mean), invstd_of(m, n, args.desc.eps) * gamma, beta};
  };
  const DistanceSums total =
      reduce_slab(part, sums, static_cast<GridWorkspace*>(workspace), shared, finish);
  // Saved after the barriers, where no other block waits for it.
  if (part.saves()) save_moments(args, c, moments_of(total, own_pivot, n));

  Scaling of[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) of[e] = shared.of_column[part.lane * kVector + e];
  auto* residual = static_cast<const T*>(args.residual);
  part.template pass_backward<kRowsAhead>(
      residual, fetch, [&](unsigned row, unsigned slot, const Values& more) {
        float v[kVector], added[kVector];
        load_elements(part.held(slot, 0), v);
        unpack<T>(more, added);
        normalize_values(v, of, residual != nullptr, added, args.desc.activation == HS_RELU);
        store_values(static_cast<T*>(args.y) + part.element(row), v, plan.streams);
      });
}

template <class T>
HS_KERNEL void __launch_bounds__(kSlabThreads, 1)
    differentiate_on_chip(const BatchNormBackwardArgs args, const SlabPlan plan, void* workspace) {
  constexpr int kVector = kColumnVector<T>;
  using Values = Packed<T, kVector>;
  using Smem = Shared<GradientSums, Slope>;
  static_assert(sizeof(Smem) <= kSlabScratchBytes);
  Smem& shared = shared_memory<Smem>();
  const SlabPart<T> part(plan, shared.slots());
  const bool relu = args.desc.activation == HS_RELU;
  const auto fetch = [&](unsigned row, unsigned slot, bool once) {
    part.copy(static_cast<const T*>(args.dy), row, slot, 0, once);
    part.copy(static_cast<const T*>(args.x), row, slot, 1, once);
    if (relu) part.copy(static_cast<const T*>(args.y), row, slot, 2, once);
  };
  // Loads a row: v receives x, and g receives dy, with ReLU 0 where y is not positive.
  const auto take = [&](unsigned slot, float(&g)[kVector], float(&v)[kVector]) {
    load_elements(part.held(slot, 0), g);
    load_elements(part.held(slot, 1), v);
    if (relu) mask_by_output<T>(g, load<Values>(part.held(slot, 2)));
  };

  float mean[kVector] = {};
  if (part.count > 0) {
    HS_UNROLL for (int e = 0; e < kVector; ++e) mean[e] = args.saved_mean[part.column + e];
  }
  const std::int64_t c = part.own_channel();
  float own_mean = 0, invstd = 0, gamma = 0;
  if (part.finishes()) {
    own_mean = args.saved_mean[c];
    invstd = args.saved_invstd[c];
    gamma = args.gamma[c];
  }
  float of_dy[kVector] = {}, product[kVector] = {};
  part.template pass_forward<kGradientRowsAhead>(fetch, [&](unsigned, unsigned slot) {
    float g[kVector], v[kVector];
    take(slot, g, v);
    HS_UNROLL for (int e = 0; e < kVector; ++e) {
      of_dy[e] += g[e];
      product[e] += g[e] * (v[e] - mean[e]);
    }
  });
  GradientSums sums[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = {of_dy[e], product[e]};
  const auto finish = [&](const GradientSums& total) {
    return slope_of(own_mean, invstd, gamma, total, static_cast<double>(plan.rows));
  };
  const GradientSums total =
      reduce_slab(part, sums, static_cast<GridWorkspace*>(workspace), shared, finish);
  if (part.saves()) save_gradients(args, c, total);

  Slope of[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) of[e] = shared.of_column[part.lane * kVector + e];
  part.template pass_backward<kGradientRowsAhead>(
      nullptr, fetch, [&](unsigned row, unsigned slot, const Values&) {
        float g[kVector], v[kVector];
        take(slot, g, v);
        put_differentiated<T>(args, part.element(row), g, v, of, plan.streams);
      });
}

LaunchShape slab_shape(const char* name, const SlabPlan& plan) {
  return {.name = name,
          .grid = {plan.slabs * plan.team},
          .block = {kSlabThreads},
          .shared_bytes = plan.shared_bytes(),
          .cooperative = plan.team > 1};
}

// The bytes of the workspace: each block's sums of its columns, then the coefficients of the slabs.
std::size_t partial_bytes(const SlabPlan& plan, std::size_t columns, std::size_t sums_bytes,
                          std::size_t coefficients_bytes) {
  if (plan.team == 1) return 0;
  return plan.slabs * columns * (plan.team * sums_bytes + coefficients_bytes);
}

}  // namespace

hs_status train_slabs(const Stream& stream, const BatchNormTrainingArgs& args,
                      const SlabPlan& plan) {
  return with_storage(args.desc.type, [&](auto element) {
    using T = decltype(element);
    const std::size_t columns = plan.lanes * kColumnVector<T>;
    void* workspace = nullptr;
    const hs_status status = reserve_workspace(
        stream, partial_bytes(plan, columns, sizeof(DistanceSums), sizeof(Scaling)), &workspace);
    if (status != HS_OK) return status;
    return launch(stream, slab_shape("train_on_chip", plan), train_on_chip<T>, args, plan,
                  workspace);
  });
}

hs_status differentiate_slabs(const Stream& stream, const BatchNormBackwardArgs& args,
                              const SlabPlan& plan) {
  return with_storage(args.desc.type, [&](auto element) {
    using T = decltype(element);
    const std::size_t columns = plan.lanes * kColumnVector<T>;
    void* workspace = nullptr;
    const hs_status status = reserve_workspace(
        stream, partial_bytes(plan, columns, sizeof(GradientSums), sizeof(Slope)), &workspace);
    if (status != HS_OK) return status;
    return launch(stream, slab_shape("differentiate_on_chip", plan), differentiate_on_chip<T>, args,
                  plan, workspace);
  });
}

}  // namespace hs::cuda
