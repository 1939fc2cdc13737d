// Batch normalisation in one launch, where the data fit on chip: how they are cut.
//
// A slab is a number of neighbouring channels with all their rows. A team of blocks holds it in
// shared memory, each block a part of the rows; several teams share the slabs in turn.
#ifndef HALFSTEP_CUDA_BATCH_NORM_SLABS_H
#define HALFSTEP_CUDA_BATCH_NORM_SLABS_H

#include <initializer_list>

#include "core/kernels.h"
#include "cuda/queue.h"

namespace hs::cuda {

constexpr unsigned kSlabThreads = 512;
// Threads along a row of a slab, each with 16 bytes: 128 bytes of a row are better than 64, and less
// only where the rows are no longer.
constexpr unsigned kMostSlabLanes = 8, kLeastSlabLanes = 4;
// Of a block's shared memory, what is not slabs.
constexpr std::size_t kSlabScratchBytes = 17664;
// A block of a team that holds less than this waits at the barrier for longer than it works.
constexpr std::int64_t kLeastSlabBytes = 32 * 1024;

struct SlabPlan {
  std::int64_t rows, channels;
  unsigned lanes;        // threads along a row, a power of two
  unsigned slabs;        // all that there are
  unsigned teams, team;  // teams, and blocks of one; 0 where a slab fits no team
  unsigned block_rows;   // rows of a block
  unsigned buffers;      // 2: the next slab is loaded before the present one is done
  unsigned arrays;       // that a block holds of a slab

  std::size_t shared_bytes() const {
    return kSlabScratchBytes + std::size_t{16} * buffers * arrays * block_rows * lanes;
  }
};

// Slabs of `lanes` threads' width in `buffers` buffers; `vector` columns belong to a thread.
inline SlabPlan cut_slabs(const Queue& queue, std::int64_t rows, std::int64_t channels, int vector,
                          unsigned arrays, unsigned lanes, unsigned buffers) {
  const auto over = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  SlabPlan plan{rows, channels, lanes, 0, 0, 0, 0, buffers, arrays};
  if (queue.shared_bytes <= kSlabScratchBytes) return plan;
  const std::int64_t row_bytes = std::int64_t{16} * lanes * arrays;
  const auto room = static_cast<std::int64_t>(queue.shared_bytes - kSlabScratchBytes);
  const std::int64_t most_rows = room / (row_bytes * buffers);
  const std::int64_t least = most_rows > 0 ? over(rows, most_rows) : rows;
  if (most_rows == 0 || least > queue.multiprocessors) return plan;
  const std::int64_t slabs = over(channels, std::int64_t{lanes} * vector);
  const std::int64_t rounds = over(slabs, queue.multiprocessors / least);
  const std::int64_t teams = over(slabs, rounds);
  // All multiprocessors work, as far as there is work.
  std::int64_t team = queue.multiprocessors / teams;
  if (team > rows * row_bytes / kLeastSlabBytes) team = rows * row_bytes / kLeastSlabBytes;
  if (team < least) team = least;
  const std::int64_t block_rows = over(rows, team);
  plan.slabs = static_cast<unsigned>(slabs);
  plan.teams = static_cast<unsigned>(teams);
  plan.team = static_cast<unsigned>(over(rows, block_rows));
  plan.block_rows = static_cast<unsigned>(block_rows);
  return plan;
}

// The plan for `arrays` arrays of [rows, channels] that are held; its team is 0 where none fits.
inline SlabPlan plan_slabs(const Queue& queue, std::int64_t rows, std::int64_t channels, int vector,
                           unsigned arrays) {
  unsigned widest = 1;
  while (widest < kMostSlabLanes && std::int64_t{widest} * vector < channels) widest *= 2;
  const unsigned narrowest = widest < kLeastSlabLanes ? widest : kLeastSlabLanes;
  for (bool overlaps : {true, false}) {
    for (unsigned lanes = widest; lanes >= narrowest; lanes /= 2) {
      for (unsigned buffers : {1u, 2u}) {
        SlabPlan plan = cut_slabs(queue, rows, channels, vector, arrays, lanes, buffers);
        if (plan.team == 0) continue;
        // A team's only slab needs no second buffer.
        if (!overlaps || buffers == 2 || plan.slabs <= plan.teams) return plan;
      }
    }
  }
  return {};
}

// Run the plan; all addresses are aligned to 16 bytes, the channels a multiple of such vectors.
hs_status train_slabs(const Queue& queue, const BatchNormTrainingArgs& args, const SlabPlan& plan);
hs_status differentiate_slabs(const Queue& queue, const BatchNormBackwardArgs& args,
                              const SlabPlan& plan);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_BATCH_NORM_SLABS_H
