// Softmax cross-entropy: loss, gradient and number of correct rows in one launch; each logit is
// read once.
//
// Bytes: each logit is read once, and its gradient, if wanted, is written once. FLOPs: two exp and
// ten others per logit. Floor: bytes / bandwidth.
// Design: with up to 128 classes (1024 if rows are aligned), 4 or 32 lanes share a row and hold it
// in registers. A longer row belongs to a block, or on sm_90 to a cluster of up to 8, which holds
// it in shared memory; rows too long for that are read three times. Sums over rows are reduced by
// the functions of reduce.h and added to the state. Ignored rows are not read. Measured
// (benchmarks/results/hopper-2026-11-27), H200, BF16: 65536 x 1000 in 113 us, 54 % of the floor;
// 8192 x 32768 in 399, 63 %; 4096 x 50257 in 334, 57 %.
#include "cuda/cross_entropy_math.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kBlocksPerMultiprocessor = 8;
// Blocks per multiprocessor. Without this limit ptxas spills a register or two to fit more of them.
constexpr int kLeastBlocks = 4;

template <unsigned kLanes>
struct GroupShared {
  BatchSums batch[kThreads / kLanes];  // sums of each group's first lane; here to save registers
  BatchScratch scratch;
};

// kLanes lanes share a row; each holds kPerLane logits, in vectors of kVector neighbours.
template <class T, unsigned kLanes, int kPerLane, int kVector>
HS_KERNEL void __launch_bounds__(kThreads)
    rows_in_registers(const CrossEntropyArgs args, void* workspace) {
  GroupShared<kLanes>& shared = shared_memory<GroupShared<kLanes>>();
  const CrossEntropy problem(args);
  auto classes = static_cast<int>(args.desc.classes);
  auto lane = static_cast<int>(threadIdx.x % kLanes);
  auto* logits = static_cast<const T*>(args.logits);
  auto* d_logits = static_cast<T*>(args.d_logits);
  BatchSums& batch = shared.batch[threadIdx.x / kLanes];
  if (lane == 0) batch = {};
  constexpr int kVectors = kPerLane / kVector;
  constexpr unsigned kRows = kThreads / kLanes;  // rows that a block handles at once
  // All lanes of a warp run the loop equally often, since they shuffle.
  for (std::int64_t first = std::int64_t{blockIdx.x} * kRows; first < args.desc.rows;
       first += std::int64_t{gridDim.x} * kRows) {
    std::int64_t row = first + threadIdx.x / kLanes;
    bool exists = row < args.desc.rows;
    int label = exists ? args.labels[row] : -1;
    RowKind kind = row_kind(args.desc, label);  // kInvalid if the row does not exist
    const T* x_row = logits + row * classes;

    float x[kVectors][kVector];
    ValueAt largest = LargestAt::identity();
    HS_UNROLL for (int j = 0; j < kVectors; ++j) {
      HS_UNROLL for (float& e : x[j]) e = -__builtin_huge_valf();
      int c = (j * static_cast<int>(kLanes) + lane) * kVector;
      if (kind == RowKind::kClass && c < classes) load_elements(x_row + c, x[j]);
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        if (x[j][e] > largest.value) largest = {x[j][e], c + e};
      }
    }
    largest = group_reduce<kLanes>(largest, LargestAt{});

    RowSums sums{};
    HS_UNROLL for (int j = 0; j < kVectors; ++j) {
      int c = (j * static_cast<int>(kLanes) + lane) * kVector;
      if (c < classes) problem.add(sums, x[j], c, largest.value, label);
    }
    sums = group_reduce<kLanes>(sums, Sum<RowSums>{});
    if (!exists) continue;

    float loss = loss_without_class(kind), weight = 0;
    RowResult result(problem, sums, largest.value, kind == RowKind::kClass ? label : 0);
    if (kind == RowKind::kClass) {
      loss = result.loss;
      weight = result.label_weight;
    }
    if (lane == 0) record_row(args, row, kind, loss, weight, largest.index == label, batch);
    if (d_logits == nullptr) continue;
    HS_UNROLL for (int j = 0; j < kVectors; ++j) {
      int c = (j * static_cast<int>(kLanes) + lane) * kVector;
      if (c >= classes) continue;
      if (kind == RowKind::kClass) {
        result.gradient(problem, x[j], c, label);
      } else {
        HS_UNROLL for (float& e : x[j]) e = loss;
      }
      store_elements(d_logits + row * classes + c, x[j]);
    }
  }
  add_to_state<kThreads>(args, lane == 0 ? batch : BatchSums{}, workspace, shared.scratch);
}

struct BlockShared {
  BlockScratch<ValueAt> largest;
  BlockScratch<RowSums> sums;
  BatchScratch scratch;
  BatchSums batch;  // sums of the first thread
  ValueAt cluster_largest;
  RowSums cluster_sums;
  alignas(16) unsigned char slice[16];  // the block's part of the row follows
};

// A block's part of a row: the classes [begin, end). Vectors begin at class `aligned`, whose
// address is a multiple of kVector elements wherever the row begins.
template <int kVector>
struct Slice {
  std::int64_t begin, aligned, end;

  // `row_begin` is the index of the row's first element.
  HS_DEVICE Slice(std::int64_t row_begin, std::int64_t first, std::int64_t last)
      : begin(first), end(last) {
    std::int64_t behind = (row_begin + first) % kVector;
    aligned = behind == 0 ? first : first + kVector - behind;
    if (aligned > end) aligned = end;
  }
  // The index in shared memory at which class c is kept: c - begin plus an offset below kVector, so
  // that aligned vectors stay aligned.
  HS_DEVICE std::int64_t kept(std::int64_t c) const {
    return c - begin + (kVector - (aligned - begin)) % kVector;
  }
  // Calls body(c, Elements<n>) for all classes, with n = kVector from `aligned` on and n = 1 before
  // it and at the end; the block's threads share them.
  template <class Body>
  HS_DEVICE void each(const Body& body) const {
    const auto thread = static_cast<std::int64_t>(threadIdx.x);
    if (kVector > 1 && begin + thread < aligned) body(begin + thread, Elements<1>{});
    std::int64_t whole = aligned + (end - aligned) / kVector * kVector;
    for (std::int64_t c = aligned + thread * kVector; c < whole; c += kThreads * kVector) {
      body(c, Elements<kVector>{});
    }
    if (kVector > 1 && whole + thread < end) body(whole + thread, Elements<1>{});
  }
};

// A cluster of blocks shares a row; each block has `slice` classes (a multiple of 16 bytes) and, if
// `resident`, keeps them in shared memory.
template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kThreads, kLeastBlocks)
    rows_by_cluster(const CrossEntropyArgs args, std::int64_t slice, bool resident,
                    void* workspace) {
  BlockShared& shared = shared_memory<BlockShared>();
  T* held = reinterpret_cast<T*>(shared.slice);
  const CrossEntropy problem(args);
  std::int64_t classes = args.desc.classes;
  std::int64_t begin = cluster_rank() * slice < classes ? cluster_rank() * slice : classes;
  std::int64_t end = begin + slice < classes ? begin + slice : classes;
  std::int64_t clusters = gridDim.x / cluster_size();
  if (threadIdx.x == 0) shared.batch = {};
  for (std::int64_t row = blockIdx.x / cluster_size(); row < args.desc.rows; row += clusters) {
    const T* x_row = static_cast<const T*>(args.logits) + row * classes;
    T* d_row = args.d_logits != nullptr ? static_cast<T*>(args.d_logits) + row * classes : nullptr;
    const Slice<kVector> part(row * classes, begin, end);
    int label = args.labels[row];
    RowKind kind = row_kind(args.desc, label);
    bool records = cluster_rank() == 0 && threadIdx.x == 0;
    if (kind != RowKind::kClass) {
      float loss = loss_without_class(kind);
      if (records) record_row(args, row, kind, loss, 0, false, shared.batch);
      if (d_row == nullptr) continue;
      part.each([=](std::int64_t c, auto n) {
        float g[n.value];
        HS_UNROLL for (float& e : g) e = loss;
        store_elements(d_row + c, g);
      });
      continue;
    }

    ValueAt largest = LargestAt::identity();
    part.each([&](std::int64_t c, auto n) {
      float x[n.value];
      load_elements(x_row + c, x);
      if (resident) store_elements(held + part.kept(c), x);
      HS_UNROLL for (int e = 0; e < n.value; ++e) {
        if (x[e] > largest.value) largest = {x[e], static_cast<int>(c) + e};
      }
    });
    largest = block_reduce<kThreads>(largest, LargestAt{}, shared.largest);
    largest = cluster_reduce(largest, LargestAt{}, shared.cluster_largest);

    // Each thread reads back only logits that it wrote itself, so no barrier is needed.
    const T* again = resident ? held + part.kept(0) : x_row;
    RowSums sums{};
    part.each([&](std::int64_t c, auto n) {
      float x[n.value];
      load_elements(again + c, x);
      problem.add(sums, x, c, largest.value, label);
    });
    sums = block_reduce<kThreads>(sums, Sum<RowSums>{}, shared.sums);
    sums = cluster_reduce(sums, Sum<RowSums>{}, shared.cluster_sums);

    const RowResult result(problem, sums, largest.value, label);
    if (records) {
      record_row(args, row, kind, result.loss, result.label_weight, largest.index == label,
                 shared.batch);
    }
    if (d_row == nullptr) continue;
    part.each([&](std::int64_t c, auto n) {
      float x[n.value];
      load_elements(again + c, x);
      result.gradient(problem, x, c, label);
      store_elements(d_row + c, x);
    });
  }
  add_to_state<kThreads>(args, threadIdx.x == 0 ? shared.batch : BatchSums{}, workspace,
                         shared.scratch);
}

template <class T, unsigned kLanes, int kPerLane, int kVector>
hs_status launch_registers(const Stream& stream, const CrossEntropyArgs& args) {
  LaunchShape shape{.name = "cross_entropy: rows_in_registers",
                    .block = {kThreads},
                    .shared_bytes = sizeof(GroupShared<kLanes>)};
  shape.grid.x = blocks_for(stream, args.desc.rows, kThreads / kLanes, kBlocksPerMultiprocessor);
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, shape.grid.x * sizeof(BatchSums), &workspace);
  if (status != HS_OK) return status;
  return launch(stream, shape, rows_in_registers<T, kLanes, kPerLane, kVector>, args, workspace);
}

// With slices of this size two blocks fit on a multiprocessor.
constexpr std::int64_t kSliceBytes = 96 * 1024;

template <class T, int kVector>
hs_status launch_clusters(const Stream& stream, const CrossEntropyArgs& args) {
  auto row_bytes = args.desc.classes * static_cast<std::int64_t>(sizeof(T));
  unsigned cluster = 1;
  while (cluster < stream.max_cluster && row_bytes > kSliceBytes * cluster) cluster *= 2;
  std::int64_t slice_bytes = (row_bytes + cluster * 16 - 1) / (cluster * 16) * 16;
  bool resident = slice_bytes <= kSliceBytes;
  LaunchShape shape{.name = "cross_entropy: rows_by_cluster",
                    .block = {kThreads},
                    .shared_bytes = sizeof(BlockShared),
                    .cluster = cluster};
  // 16 more bytes, for the offset that keeps vectors aligned.
  if (resident) shape.shared_bytes += static_cast<std::size_t>(slice_bytes) + 16;
  shape.grid.x =
      cluster * blocks_for(stream, args.desc.rows * cluster, cluster, kBlocksPerMultiprocessor);
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, shape.grid.x * sizeof(BatchSums), &workspace);
  if (status != HS_OK) return status;
  return launch(stream, shape, rows_by_cluster<T, kVector>, args,
                slice_bytes / static_cast<std::int64_t>(sizeof(T)), resident, workspace);
}

}  // namespace

hs_status cross_entropy(void* stream_of_call, const CrossEntropyArgs& args) {
  if (args.desc.rows == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.desc.type, [&](auto element) {
    using T = decltype(element);
    constexpr int kVector = 16 / sizeof(T);
    std::int64_t classes = args.desc.classes;
    bool vectors = aligned(args.logits) && aligned(args.d_logits);
    if (classes <= 16) return launch_registers<T, 4, 4, 1>(stream, args);
    if (classes <= 128) return launch_registers<T, 32, 4, 1>(stream, args);
    if (classes <= 1024 && vectors && classes % kVector == 0)
      return launch_registers<T, 32, 32, kVector>(stream, args);
    return vectors ? launch_clusters<T, kVector>(stream, args)
                   : launch_clusters<T, 1>(stream, args);
  });
}

}  // namespace hs::cuda
