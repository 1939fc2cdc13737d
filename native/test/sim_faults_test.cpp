// Kernels with planted faults: the emulated execution must find each and name its place. Every
// kernel also has a variant without the fault, which must pass in every order.
#include "cuda/platform.h"
#include "cuda/ptx/async_copy.h"
#include "cuda/ptx/cluster.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/team.h"
#include "sim/launch.h"
#include "sim/memory.h"
#include "test.h"

namespace {

using namespace hs::cuda;
using hs::sim::Order;
using hs::sim::run_kernel;

constexpr hs::sim::ScheduleOptions kOrders[] = {{Order::kForward, 0},
                                                {Order::kReverse, 0},
                                                {Order::kRandom, 1},
                                                {Order::kRandom, 2},
                                                {Order::kRandom, 3}};

// An array of floats in device memory, all NaN at first.
class DeviceFloats {
 public:
  explicit DeviceFloats(std::size_t count)
      : at_(static_cast<float*>(hs::sim::allocate_guarded(count * sizeof(float)))) {}
  ~DeviceFloats() { hs::sim::free_guarded(at_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;
  float* at() const { return at_; }
  float& operator[](std::size_t i) const { return at_[i]; }

 private:
  float* at_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string here(int line) { return "sim_faults_test.cpp:" + std::to_string(line); }

struct Row {
  float value[256];
};

// out[t] = in[t + 1], through shared memory.
template <bool kBarrier>
HS_KERNEL void rotate(const float* in, float* out) {
  Row& row = shared_memory<Row>();
  row.value[threadIdx.x] = in[threadIdx.x];  // races.sh: written
  if (kBarrier) __syncthreads();
  out[threadIdx.x] = row.value[(threadIdx.x + 1) % blockDim.x];  // races.sh: read
}

template <bool kBarrier>
bool rotates_in_every_order() {
  DeviceFloats in(256), out(256);
  for (unsigned i = 0; i < 256; ++i) in[i] = static_cast<float>(i);
  bool right = true;
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    std::string wrong =
        run_kernel({"rotate", {1}, {256}, sizeof(Row)}, rotate<kBarrier>, in.at(), out.at());
    CHECK_THAT(wrong.empty(), wrong);
    for (unsigned i = 0; i < 256; ++i) right &= out[i] == static_cast<float>((i + 1) % 256);
  }
  hs::sim::set_schedule({});
  return right;
}

TEST(a_missing_barrier_gives_wrong_results_in_some_order) {
  CHECK(rotates_in_every_order<true>());
  CHECK(!rotates_in_every_order<false>());
}

struct alignas(16) Tile {
  float value[128];
};

enum class Wait { kBeforeUse, kAfterUse, kNever };

// out = in, through asynchronous copies.
constexpr int kCopyLine = __LINE__ + 4;
template <Wait kWait>
HS_KERNEL void copy_through_tile(const float* in, float* out) {
  Tile& tile = shared_memory<Tile>();
  cp_async_16(&tile.value[threadIdx.x * 4], &in[threadIdx.x * 4], 16);
  cp_async_commit();
  if (kWait == Wait::kBeforeUse) cp_async_wait<0>();
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 128; i += blockDim.x) out[i] = tile.value[i];
  if (kWait == Wait::kAfterUse) cp_async_wait<0>();
}

template <Wait kWait>
bool copies_in_every_order() {
  DeviceFloats in(128), out(128);
  for (unsigned i = 0; i < 128; ++i) in[i] = static_cast<float>(i);
  bool right = true;
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    std::string wrong = run_kernel({"copy_through_tile", {1}, {32}, sizeof(Tile)},
                                   copy_through_tile<kWait>, in.at(), out.at());
    CHECK_THAT(wrong.empty(), wrong);
    for (unsigned i = 0; i < 128; ++i) right &= out[i] == static_cast<float>(i);
  }
  hs::sim::set_schedule({});
  return right;
}

TEST(a_late_wait_for_an_asynchronous_copy_gives_wrong_results_in_some_order) {
  CHECK(copies_in_every_order<Wait::kBeforeUse>());
  CHECK(!copies_in_every_order<Wait::kAfterUse>());
}

TEST(an_asynchronous_copy_without_a_wait_names_its_line) {
  DeviceFloats in(128), out(128);
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    std::string wrong = run_kernel({"copy_through_tile", {1}, {32}, sizeof(Tile)},
                                   copy_through_tile<Wait::kNever>, in.at(), out.at());
    CHECK_THAT(has(wrong, here(kCopyLine)) && has(wrong, "without waiting"), wrong);
  }
  hs::sim::set_schedule({});
}

HS_KERNEL void double_all(const float* in, float* out) {
  std::int64_t i = grid_thread();
  out[i] = 2 * in[i];
}

TEST(an_access_past_the_end_names_kernel_block_thread_and_distance) {
  DeviceFloats in(2048), out(1024);
  for (unsigned i = 0; i < 2048; ++i) in[i] = 1;
  CHECK(run_kernel({"double_all", {8}, {128}}, double_all, in.at(), out.at()).empty());
  std::string wrong = run_kernel({"double_all", {9}, {128}}, double_all, in.at(), out.at());
  CHECK_THAT(has(wrong, "double_all: block (8,0,0), thread (0,0,0)"), wrong);
  CHECK_THAT(has(wrong, "0 bytes past the end of an allocation of 4096 bytes"), wrong);
  // The next launch is not harmed.
  CHECK(run_kernel({"double_all", {8}, {128}}, double_all, in.at(), out.at()).empty());
}

TEST(a_write_between_the_end_of_an_allocation_and_its_guard_page_is_found) {
  DeviceFloats in(1024), out(1023);
  std::string wrong = run_kernel({"double_all", {8}, {128}}, double_all, in.at(), out.at());
  CHECK_THAT(has(wrong, "0 bytes past the end of an allocation of 4092 bytes"), wrong);
}

constexpr int kReadLine = __LINE__ + 3;
HS_KERNEL void read_misaligned(const float* in, float* out) {
  // 16 bytes at an address that is a multiple of 4.
  auto v = load<Vector<float, 4>>(in + 1);
  out[0] = v.at[0];
}

TEST(a_misaligned_vector_access_names_its_line) {
  DeviceFloats in(8), out(1);
  std::string wrong = run_kernel({"read_misaligned", {1}, {1}}, read_misaligned, in.at(), out.at());
  CHECK_THAT(has(wrong, here(kReadLine)), wrong);
}

HS_KERNEL void overrun_shared(float* out) {
  Row& row = shared_memory<Row>();
  __syncthreads();
  row.value[threadIdx.x * 8] = 1;
  out[threadIdx.x] = row.value[0];
}

TEST(an_access_past_the_end_of_shared_memory_is_named_as_such) {
  DeviceFloats out(64);
  std::string wrong =
      run_kernel({"overrun_shared", {1}, {64}, sizeof(Row)}, overrun_shared, out.at());
  CHECK_THAT(has(wrong, "overrun_shared: block (0,0,0), thread ("), wrong);
  CHECK_THAT(has(wrong, "past the end of the block's shared memory of 1024 bytes"), wrong);
}

constexpr int kBarrierLine = __LINE__ + 2;
HS_KERNEL void half_barrier(float* out) {
  if (threadIdx.x < 16 || threadIdx.x == 20) __syncthreads();
  out[threadIdx.x] = 1;
}

TEST(a_barrier_that_some_threads_never_reach_lists_who_waits_and_who_ended) {
  DeviceFloats out(64);
  std::string wrong = run_kernel({"half_barrier", {1}, {64}}, half_barrier, out.at());
  CHECK_THAT(has(wrong, "threads 0-15, 20 at the barrier " + here(kBarrierLine)), wrong);
  CHECK_THAT(has(wrong, "threads 16-19, 21-63 ended"), wrong);
}

constexpr int kTwoBarriersLine = __LINE__ + 3;
HS_KERNEL void two_barriers(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

TEST(threads_at_two_different_barriers_are_told_apart) {
  DeviceFloats out(64);
  std::string wrong = run_kernel({"two_barriers", {1}, {64}}, two_barriers, out.at());
  CHECK_THAT(has(wrong, "threads 0-31 at the barrier " + here(kTwoBarriersLine)), wrong);
  CHECK_THAT(has(wrong, "thread (32,0,0) came to the barrier " + here(kTwoBarriersLine + 2)),
             wrong);
}

constexpr int kShuffleLine = __LINE__ + 3;
HS_KERNEL void half_shuffle(float* out) {
  float x = 1;
  if (threadIdx.x < 16) x = __shfl_xor_sync(kFullMask, x, 1);
  out[threadIdx.x] = x;
}

TEST(a_warp_operation_that_some_lanes_never_reach_names_its_line) {
  DeviceFloats out(32);
  std::string wrong = run_kernel({"half_shuffle", {1}, {32}}, half_shuffle, out.at());
  CHECK_THAT(has(wrong, "threads 0-15 in the warp operation " + here(kShuffleLine)), wrong);
  CHECK_THAT(has(wrong, "threads 16-31 ended"), wrong);
}

HS_KERNEL void use_stack(float* out) {
  volatile float large[64 * 1024];
  for (unsigned i = 64 * 1024; i-- > 0;) large[i] = 1;
  out[0] = large[threadIdx.x];
}

TEST(an_overflow_of_a_threads_stack_is_named_as_such) {
  DeviceFloats out(1);
  std::string wrong = run_kernel({"use_stack", {1}, {1}}, use_stack, out.at());
  CHECK_THAT(has(wrong, "stack"), wrong);
}

struct One {
  float value;
};

// out[block] = the sum of (rank + 1) over the blocks of its cluster.
template <bool kSync>
HS_KERNEL void sum_over_cluster(float* out) {
  One& one = shared_memory<One>();
  if (threadIdx.x == 0) one.value = static_cast<float>(cluster_rank() + 1);
  if (kSync) cluster_sync();
  float sum = 0;
  for (unsigned r = 0; r < cluster_size(); ++r) sum += load_from_block(&one.value, r);
  if (kSync) cluster_sync();
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

template <bool kSync>
bool sums_over_clusters_in_every_order() {
  DeviceFloats out(8);
  bool right = true;
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    std::string wrong = run_kernel({"sum_over_cluster", {8}, {48}, sizeof(One), 4},
                                   sum_over_cluster<kSync>, out.at());
    CHECK_THAT(wrong.empty(), wrong);
    for (unsigned i = 0; i < 8; ++i) right &= out[i] == 10.0f;
  }
  hs::sim::set_schedule({});
  return right;
}

TEST(blocks_of_a_cluster_see_each_others_shared_memory_after_their_barrier_only) {
  CHECK(sums_over_clusters_in_every_order<true>());
  CHECK(!sums_over_clusters_in_every_order<false>());
}

// out[block] = the value that the next block of the team wrote; `word` is zero at first.
template <bool kSync>
HS_KERNEL void take_from_neighbour(float* word, float* written, float* out) {
  auto& counter = *reinterpret_cast<unsigned*>(word);
  if (threadIdx.x == 33) written[blockIdx.x] = static_cast<float>(blockIdx.x);  // races.sh: left
  if (kSync) team_sync(counter, blockIdx.x, gridDim.x);
  unsigned next = (blockIdx.x + 1) % gridDim.x;
  if (threadIdx.x == 34) out[blockIdx.x] = written[next];  // races.sh: taken
}

template <bool kSync>
bool takes_in_every_order() {
  DeviceFloats word(1), written(4), out(4);
  bool right = true;
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    word[0] = 0;
    for (unsigned i = 0; i < 4; ++i) written[i] = -1;
    std::string wrong =
        run_kernel({.name = "take_from_neighbour", .grid = {4}, .block = {64}, .cooperative = true},
                   take_from_neighbour<kSync>, word.at(), written.at(), out.at());
    CHECK_THAT(wrong.empty(), wrong);
    for (unsigned i = 0; i < 4; ++i) right &= out[i] == static_cast<float>((i + 1) % 4);
  }
  hs::sim::set_schedule({});
  return right;
}

TEST(blocks_of_a_team_see_what_others_wrote_after_their_barrier_only) {
  CHECK(takes_in_every_order<true>());
  CHECK(!takes_in_every_order<false>());
}

constexpr int kTeamLine = __LINE__ + 2;
HS_KERNEL void most_of_a_team(float* word) {
  if (blockIdx.x != 2) team_sync(*reinterpret_cast<unsigned*>(word), blockIdx.x, gridDim.x);
}

TEST(a_barrier_of_several_blocks_that_some_never_reach_lists_who_waits_and_who_ended) {
  DeviceFloats word(1);
  word[0] = 0;
  for (auto order : kOrders) {
    hs::sim::set_schedule(order);
    std::string wrong =
        run_kernel({.name = "most_of_a_team", .grid = {4}, .block = {64}, .cooperative = true},
                   most_of_a_team, word.at());
    CHECK_THAT(has(wrong, "block (1,0,0): threads 0 at the barrier of several blocks " +
                              here(kTeamLine) + "; threads 1-63 at the barrier"),
               wrong);
    CHECK_THAT(has(wrong, "block (2,0,0): threads 0-63 ended"), wrong);
  }
  hs::sim::set_schedule({});
  // The next launch is not harmed.
  CHECK(takes_in_every_order<true>());
}

TEST(blocks_that_do_not_run_at_once_cannot_wait_for_each_other) {
  DeviceFloats word(1), written(4), out(4);
  std::string wrong = run_kernel({"take_from_neighbour", {4}, {64}}, take_from_neighbour<true>,
                                 word.at(), written.at(), out.at());
  CHECK_THAT(has(wrong, "waits for more blocks than the launch makes run at once"), wrong);
  wrong = run_kernel({.name = "take_from_neighbour",
                      .grid = {5},
                      .block = {64},
                      .shared_bytes = 120 * 1024,
                      .cooperative = true},
                     take_from_neighbour<true>, word.at(), written.at(), out.at());
  CHECK_THAT(has(wrong, "a cooperative grid of 5 blocks, 4 without clusters run at once"), wrong);
}

TEST(a_launch_that_no_device_would_take_is_refused_with_its_reason) {
  DeviceFloats out(1);
  std::string wrong = run_kernel({"half_barrier", {1}, {1025}}, half_barrier, out.at());
  CHECK_THAT(has(wrong, "half_barrier") && has(wrong, "1025 threads"), wrong);
  wrong = run_kernel({"half_barrier", {1}, {32}, 228 * 1024}, half_barrier, out.at());
  CHECK_THAT(has(wrong, "233472 bytes of shared memory"), wrong);
}

}  // namespace

TEST_MAIN()
