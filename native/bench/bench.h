// The table of the micro-benchmark. Each *_bench.cpp adds the rows of its kernels:
//   BENCHMARKS(matmul) { rows.add({.name = "...", .flops = ..., .bytes = ..., .run = [...] {...}});
//   }
#ifndef HALFSTEP_BENCH_BENCH_H
#define HALFSTEP_BENCH_BENCH_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/kernels.h"

namespace hs::bench {

struct Row {
  std::string name;
  double flops;                // FLOP of one call
  double bytes;                // the least bytes that one call must move
  std::function<void()> run;   // one call
  std::function<void()> peer;  // the same work by the peer (oneDNN), or empty
};

class Rows {
 public:
  explicit Rows(std::string filter) : filter_(std::move(filter)) {}
  // Whether the filter selects a row of this name. Call it before preparing the row's data.
  bool wants(const std::string& name) const { return name.find(filter_) != std::string::npos; }
  void add(Row row) {
    if (wants(row.name)) rows_.push_back(std::move(row));
  }
  const std::vector<Row>& all() const { return rows_; }

 private:
  std::string filter_;
  std::vector<Row> rows_;
};

// Standard normal floats, on huge pages if the system has them; the same numbers each time.
std::shared_ptr<float[]> normal_floats(int64_t count);

// The kernels of this machine's best instruction set, or of the one that HALFSTEP_CPU_ISA names.
const KernelTable& kernels();

// Measure the machine's ceilings with `threads` threads.
double peak_gflops(int threads);    // vector multiply-adds of the active instruction set
double axpy_gb_per_s(int threads);  // y[i] = a * x[i] + y[i], bytes read and written

using Adder = void (*)(Rows& rows);
std::vector<Adder>& adders();
struct Registration {
  explicit Registration(Adder adder) { adders().push_back(adder); }
};

}  // namespace hs::bench

#define BENCHMARKS(group)                                                 \
  static void add_##group(hs::bench::Rows& rows);                         \
  static const hs::bench::Registration registration_##group(add_##group); \
  static void add_##group(hs::bench::Rows& rows)

#endif  // HALFSTEP_BENCH_BENCH_H
