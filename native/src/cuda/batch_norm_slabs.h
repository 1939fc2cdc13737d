// The plan for batch normalisation in one launch. Its blocks keep the rows that the second pass
// reads again in shared memory, as far as they fit.
//
// A slab is a number of neighbouring channels with all their rows. A team of blocks works on one
// slab, each block on a part of the rows.
#ifndef HALFSTEP_CUDA_BATCH_NORM_SLABS_H
#define HALFSTEP_CUDA_BATCH_NORM_SLABS_H

#include <initializer_list>

#include "core/kernels.h"
#include "cuda/stream.h"

namespace hs::cuda {

constexpr unsigned kSlabThreads = 512;
// Threads along a row of a slab, each with 16 bytes. If shared memory holds all rows, few threads
// are used, since the smaller teams then wait less and have less to add up. If rows are read twice,
// a warp is used, since memory is faster when it is read in long pieces.
constexpr unsigned kLeastSlabLanes = 8, kMostSlabLanes = 32;
// Rows for which a thread may have loads in flight, in the forward and in the backward pass: 64 KB
// or more per multiprocessor.
constexpr unsigned kRowsAhead = 8, kGradientRowsAhead = 4;
// Shared memory of a block: the part that does not hold rows, and one slot of each thread for one
// array.
constexpr std::size_t kSlabScratchBytes = 16384, kSlotBytes = std::size_t{16} * kSlabThreads;
// A block of a team with less data than this would wait at the barrier for longer than it works.
constexpr std::int64_t kLeastSlabBytes = 32 * 1024;

struct SlabPlan {
  std::int64_t rows, channels;
  unsigned lanes;       // threads along a row, a power of two
  unsigned slabs;       // number of slabs and of teams
  unsigned team;        // blocks of a team; 0 if there can be no teams
  unsigned block_rows;  // rows of a block
  unsigned slots;       // rows of a thread that shared memory holds at once
  bool streams;         // a thread has more rows than slots; the others are read twice
  unsigned arrays;      // number of arrays that both passes read

  std::size_t shared_bytes() const { return kSlabScratchBytes + kSlotBytes * slots * arrays; }
};

// The plan with slabs that are `lanes` threads wide; a thread has `vector` columns.
inline SlabPlan cut_slabs(const Stream& stream, std::int64_t rows, std::int64_t channels,
                          int vector, unsigned arrays, unsigned lanes) {
  const auto over = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  SlabPlan plan{rows, channels, lanes, 0, 0, 0, 0, false, arrays};
  const std::int64_t slabs = over(channels, std::int64_t{lanes} * vector);
  if (stream.shared_bytes < kSlabScratchBytes || slabs > stream.multiprocessors) return plan;
  const std::size_t room = (stream.shared_bytes - kSlabScratchBytes) / (kSlotBytes * arrays);
  // Uses all multiprocessors, if there is enough work.
  std::int64_t team = stream.multiprocessors / slabs;
  const std::int64_t most = rows * lanes * arrays * 16 / kLeastSlabBytes;
  if (team > most) team = most > 1 ? most : 1;
  const std::int64_t block_rows = over(rows, team);
  const std::int64_t thread_rows = over(block_rows, kSlabThreads / lanes);
  plan.slabs = static_cast<unsigned>(slabs);
  plan.team = static_cast<unsigned>(over(rows, block_rows));
  plan.block_rows = static_cast<unsigned>(block_rows);
  plan.streams = thread_rows > static_cast<std::int64_t>(room);
  plan.slots = static_cast<unsigned>(plan.streams ? static_cast<std::int64_t>(room) : thread_rows);
  return plan;
}

// The plan for `arrays` arrays [rows, channels] that both passes read. Slabs are narrow if shared
// memory can hold all their rows, otherwise wide, with slots for at least `ahead` rows of a thread.
// The plan's team is 0 if there are more slabs than multiprocessors or too little shared memory.
inline SlabPlan plan_slabs(const Stream& stream, std::int64_t rows, std::int64_t channels,
                           int vector, unsigned arrays, unsigned ahead) {
  unsigned widest = 1;
  while (widest < kMostSlabLanes && std::int64_t{widest} * vector < channels) widest *= 2;
  unsigned lanes = widest < kLeastSlabLanes ? widest : kLeastSlabLanes;
  for (; lanes <= widest; lanes *= 2) {
    SlabPlan plan = cut_slabs(stream, rows, channels, vector, arrays, lanes);
    if (plan.team > 0 && !plan.streams) return plan;
  }
  SlabPlan plan = cut_slabs(stream, rows, channels, vector, arrays, widest);
  if (plan.slots < ahead) plan.team = 0;
  return plan;
}

// Run the plan. All addresses are aligned to 16 bytes, and the channels are a multiple of the
// elements in 16 bytes.
hs_status train_slabs(const Stream& stream, const BatchNormTrainingArgs& args,
                      const SlabPlan& plan);
hs_status differentiate_slabs(const Stream& stream, const BatchNormBackwardArgs& args,
                              const SlabPlan& plan);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_BATCH_NORM_SLABS_H
