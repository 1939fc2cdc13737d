// The thread pool: each tile runs once, several callers, sessions, float modes, numbers of threads.
#include "cpu/pool.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "core/error.h"
#include "platform/cpu_count.h"
#include "platform/float_mode.h"
#include "platform/host_memory.h"
#include "test.h"

using namespace hs::cpu;
using namespace hs::platform;

namespace {

constexpr double kLarge = 1e9;  // a cost for which the pool uses all threads

// Whether each of `tiles` tiles runs exactly once.
bool runs_each_once(int64_t tiles, double cost = kLarge) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(tiles));
  parallel_for(tiles, cost, [&](int64_t tile) {
    runs[static_cast<size_t>(tile)].fetch_add(1, std::memory_order_relaxed);
  });
  for (const auto& count : runs) {
    if (count.load() != 1) return false;
  }
  return true;
}

void write(const std::filesystem::path& path, const char* text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST(each_tile_runs_once_for_any_count_and_number_of_threads) {
  for (int threads : {1, 2, 3, 8, 256}) {
    set_pool_threads(threads);
    CHECK(pool_threads() == threads);
    for (int64_t tiles : {0, 1, 2, 3, 17, 1000, 65535, 65536, 200001}) {
      CHECK_THAT(runs_each_once(tiles),
                 std::to_string(tiles) + " tiles, " + std::to_string(threads) + " threads");
    }
  }
  set_pool_threads(0);
  CHECK(pool_threads() == usable_cpus());
}

TEST(a_tile_that_gets_no_scratch_fails_the_call_and_nothing_else) {
  constexpr int64_t kTooMuch = int64_t{1} << 60;
  for (int threads : {1, 3}) {
    set_pool_threads(threads);
    for (double cost : {1.0, kLarge}) {
      int64_t lacking = 0;
      try {
        parallel_for(100, cost, [](int64_t tile) {
          thread_scratch(Scratch::kTile, tile % 10 == 3 ? kTooMuch : 64);
        });
      } catch (const hs::NoScratch& scratch) {
        lacking = scratch.bytes;
      }
      CHECK(lacking == kTooMuch);
      CHECK(runs_each_once(1000));
      static_cast<char*>(thread_scratch(Scratch::kTile, 64))[63] = 1;
    }
  }
  set_pool_threads(0);
}

TEST(a_caller_sees_what_the_tiles_wrote_over_many_short_jobs) {
  set_pool_threads(3);
  std::vector<int> values(64);  // not atomic, since the pool must order the accesses
  for (int round = 1; round <= 2000; ++round) {
    parallel_for(64, kLarge, [&](int64_t tile) { values[static_cast<size_t>(tile)] += 1; });
    for (int value : values) {
      if (value != round) {
        CHECK_THAT(false, "round " + std::to_string(round));
        return;
      }
    }
  }
}

TEST(four_threads_at_once_and_resizing_between_lose_no_tile) {
  set_pool_threads(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 300; ++round) {
        const bool session = (round + i) % 3 == 0;
        if (session) pool_session_begin();
        if (!runs_each_once(round % 50)) wrong.fetch_add(1);
        if (session) pool_session_end();
      }
    });
  }
  for (int threads : {3, 1, 2}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    set_pool_threads(threads);
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong.load() == 0);
}

TEST(a_tile_may_start_tiles_of_its_own) {
  set_pool_threads(3);
  std::atomic<int> inner{0};
  parallel_for(20, kLarge,
               [&](int64_t) { parallel_for(10, kLarge, [&](int64_t) { inner.fetch_add(1); }); });
  CHECK(inner.load() == 200);
}

TEST(workers_help_after_they_were_parked) {
  set_pool_threads(2);
  bool helped = false;
  for (int attempt = 0; attempt < 20 && !helped; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than workers spin
    std::atomic<bool> other{false};
    const std::thread::id caller = std::this_thread::get_id();
    parallel_for(50, kLarge, [&](int64_t) {
      if (std::this_thread::get_id() != caller) other.store(true);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    });
    helped = other.load();
  }
  CHECK(helped);
}

TEST(a_small_cost_stays_on_the_caller) {
  set_pool_threads(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> elsewhere{0};
  for (int round = 0; round < 200; ++round) {
    parallel_for(8, 100.0, [&](int64_t) {
      if (std::this_thread::get_id() != caller) elsewhere.fetch_add(1);
    });
  }
  CHECK(elsewhere.load() == 0);
}

TEST(tiles_flush_denormals_and_the_callers_mode_comes_back) {
  set_pool_threads(2);
  const FloatMode before = float_mode();
  volatile float tiny = 1e-38f;
  std::atomic<int> kept{0};
  const auto body = [&](int64_t) {
    if (tiny * 0.25f != 0.0f) kept.fetch_add(1);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  };
  for (double cost : {0.0, kLarge}) parallel_for(16, cost, body);
  CHECK(float_mode() == before);
  pool_session_begin();
  for (double cost : {0.0, kLarge}) parallel_for(16, cost, body);
  pool_session_end();
  CHECK(float_mode() == before);
  CHECK(kept.load() == 0);
  CHECK(tiny * 0.25f != 0.0f);
}

TEST(scratch_is_aligned_kept_and_grows) {
  void* first = thread_scratch(Scratch::kTile, 100);
  CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
  CHECK(thread_scratch(Scratch::kTile, 4000) == first);
  CHECK(thread_scratch(Scratch::kCall, 100) != first);
  static_cast<char*>(thread_scratch(Scratch::kTile, 1 << 20))[(1 << 20) - 1] = 1;
}

TEST(the_quota_of_both_versions_of_control_groups_counts) {
  char folder[] = "/tmp/halfstep_cgroup_XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  const std::filesystem::path root = folder;
  CHECK(cgroup_cpu_limit(folder) == 0);
  write(root / "proc/self/cgroup", "0::/a/b\n");
  CHECK(cgroup_cpu_limit(folder) == 0);
  write(root / "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(cgroup_cpu_limit(folder) == 0);
  write(root / "sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  CHECK(cgroup_cpu_limit(folder) == 3);
  write(root / "sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  CHECK(cgroup_cpu_limit(folder) == 1);
  write(root / "proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/x\n");
  write(root / "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
  write(root / "sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  CHECK(cgroup_cpu_limit(folder) == 0);
  write(root / "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "400000\n");
  CHECK(cgroup_cpu_limit(folder) == 4);
  std::filesystem::remove_all(root);
}

TEST(the_memory_limit_of_both_versions_of_control_groups_counts) {
  char folder[] = "/tmp/halfstep_cgroup_XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  const std::filesystem::path root = folder;
  const auto reads = [&](uint64_t total, uint64_t available) {
    const HostMemory memory = host_memory(folder);
    CHECK_THAT(memory.total == total && memory.available == available,
               std::to_string(memory.total) + " and " + std::to_string(memory.available));
  };
  write(root / "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 900 kB\n");
  reads(1024000, 921600);

  write(root / "proc/self/cgroup", "0::/a/b\n");
  reads(1024000, 921600);
  const std::filesystem::path parent = root / "sys/fs/cgroup/a", child = parent / "b";
  write(child / "memory.max", "max\n");
  write(child / "memory.current", "4096\n");
  reads(1024000, 921600);
  write(child / "memory.max", "500000\n");
  write(child / "memory.current", "100000\n");
  reads(500000, 400000);
  write(child / "memory.stat", "anon 1\nfile 70000\ninactive_file 50000\nactive_file 20000\n");
  reads(500000, 470000);
  write(parent / "memory.max", "600000\n");
  write(parent / "memory.current", "590000\n");
  reads(500000, 10000);
  write(parent / "memory.current", "700000\n");  // more than a limit that was just lowered
  reads(500000, 0);
  write(parent / "memory.current", "0\n");
  write(child / "memory.high", "200000\n");
  reads(200000, 170000);

  write(root / "proc/self/cgroup", "5:cpu:/x\n4:memory:/x/y\n");
  const std::filesystem::path old = root / "sys/fs/cgroup/memory";
  write(old / "x/memory.limit_in_bytes", "9223372036854771712\n");
  write(old / "x/memory.usage_in_bytes", "100\n");
  reads(1024000, 921600);
  write(old / "memory.limit_in_bytes", "300000\n");  // a container's own group is the mount point
  write(old / "memory.usage_in_bytes", "200000\n");
  write(old / "memory.stat",
        "inactive_file 7\nactive_file 7\ntotal_inactive_file 30000\ntotal_active_file 0\n");
  reads(300000, 130000);
  std::filesystem::remove_all(root);
}

int main(int argc, char** argv) {
  const int status = hs::test::run(argc, argv);
  set_pool_threads(1);  // joins the workers, so that leak checkers see no running threads
  return status;
}
