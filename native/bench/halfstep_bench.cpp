// The micro-benchmark of the CPU's kernels: halfstep_bench [part of a row's name]
//
// A row is timed in samples of at least half a millisecond, each within one pool session as in a
// command list; its time is the median of the samples. "floor" is the time that the row's FLOP or
// bytes take at the ceilings, which are measured in the same run, before and after the rows. If a
// peer is built in (HALFSTEP_ONEDNN_DIR), rounds of its samples alternate with ours; pauses between
// them let the threads of the other library stop spinning.
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bench.h"
#include "core/backend.h"
#include "cpu/isa.h"
#include "cpu/pool.h"

namespace hs::bench {
namespace {

constexpr double kSampleSeconds = 5e-4;
constexpr int kRounds = 5, kSamplesOfRound = 9, kSamples = kRounds * kSamplesOfRound;
constexpr useconds_t kPauseMicros = 20000;

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double seconds_of(const std::function<void()>& run, int calls) {
  cpu::pool_session_begin();
  const double start = now();
  for (int i = 0; i < calls; ++i) run();
  const double seconds = now() - start;
  cpu::pool_session_end();
  return seconds / calls;
}

// The number of calls in a sample.
int calls_of(const std::function<void()>& run) {
  seconds_of(run, 1);
  double once = 1e9;
  for (int i = 0; i < 3; ++i) once = std::min(once, seconds_of(run, 1));
  return static_cast<int>(std::clamp(kSampleSeconds / once, 1.0, 1e5));
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kSamples / 2, values.end());
  return values[kSamples / 2];
}

struct Ceilings {
  double gflops, gb_per_s;
};

void print(const Row& row, const Ceilings& ceilings) {
  const int calls = calls_of(row.run);
  const int peer_calls = row.peer ? calls_of(row.peer) : 0;
  std::vector<double> ours, peers;
  for (int round = 0; round < kRounds; ++round) {
    if (row.peer) usleep(kPauseMicros);
    for (int i = 0; i < kSamplesOfRound; ++i) ours.push_back(seconds_of(row.run, calls));
    if (!row.peer) continue;
    usleep(kPauseMicros);
    for (int i = 0; i < kSamplesOfRound; ++i) peers.push_back(seconds_of(row.peer, peer_calls));
  }
  const double seconds = median(ours);
  const double best = *std::min_element(ours.begin(), ours.end());
  const double floor = std::max(row.flops / ceilings.gflops, row.bytes / ceilings.gb_per_s) * 1e-9;
  std::printf("%-44s %10.2f %10.2f %8.1f %8.1f %7.0f%%", row.name.c_str(), seconds * 1e6,
              best * 1e6, row.flops / seconds * 1e-9, row.bytes / seconds * 1e-9,
              100 * floor / seconds);
  if (row.peer) {
    const double peer = median(peers);
    std::printf(" %10.2f %7.2f", peer * 1e6, peer / seconds);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

std::vector<Adder>& adders() {
  static std::vector<Adder> all;
  return all;
}

std::shared_ptr<float[]> normal_floats(int64_t count) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t bytes = (static_cast<size_t>(count) * 4 + kHugePage - 1) / kHugePage * kHugePage;
  auto* const data = static_cast<float*>(std::aligned_alloc(kHugePage, bytes));
  madvise(data, bytes, MADV_HUGEPAGE);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  float pattern[4099];
  for (float& x : pattern) x = normal(random);
  for (int64_t i = 0; i < count; ++i) data[i] = pattern[i % 4099];
  return {data, [](float* p) { std::free(p); }};
}

const KernelTable& kernels() { return cpu_backend().kernels; }

}  // namespace hs::bench

int main(int argc, char** argv) {
  using namespace hs::bench;
  if (hs::cpu::isa_problem() != nullptr) {
    std::fprintf(stderr, "%s\n", hs::cpu::isa_problem());
    return 2;
  }
  const int threads = hs::cpu::pool_threads();
  Rows rows(argc > 1 ? argv[1] : "");
  for (const Adder add : adders()) add(rows);
  const Ceilings before{peak_gflops(threads), axpy_gb_per_s(threads)};
  std::printf("%s, %d threads, multiply-adds %.1f GFLOP/s, axpy %.1f GB/s\n",
              hs::cpu::active_isa().name, threads, before.gflops, before.gb_per_s);
  std::printf("%-44s %10s %10s %8s %8s %8s %10s %7s\n", "row", "us", "best us", "GFLOP/s", "GB/s",
              "floor", "peer us", "ratio");
  for (const Row& row : rows.all()) print(row, before);
  std::printf("ceilings after: %.1f GFLOP/s, %.1f GB/s\n", peak_gflops(threads),
              axpy_gb_per_s(threads));
  return 0;
}
