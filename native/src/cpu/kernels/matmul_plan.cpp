#include "cpu/kernels/matmul_plan.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kMaxDepth = 256;            // of a block of k: keeps B's panel in L2, A's in L1
constexpr int64_t kMaxDotDepth = 1024;        // keeps the rows of A and B of a dot tile in L1
constexpr int64_t kThinSteps = 2;             // thin_row is used for at most this many steps
constexpr int64_t kThinColumns = 8 * kLanes;  //   of k and at least this many columns
constexpr int64_t kFewSteps = 4;    // wide tiles are used for at most this many steps of k
constexpr int64_t kFewRows = 28;    // for fewer rows packing B costs more than it saves
constexpr double kSplitNs = 2500;   // a faster product is one tile, others at least four
constexpr double kTileNs = 5000;    // time of a tile, so that handing it out costs little
constexpr double kGroupNs = 10000;  // time of a tile of several matrices
constexpr int64_t kMaxTiles = 64;
constexpr double kNsPerFloat = 0.08;            // time to read or write a float in L2
constexpr int64_t kTileBytes = 512 << 10;       // bytes of A that a tile reads, a part of L2
constexpr int64_t kInPlaceBytes = 256 << 10;    // a panel of B that spans more bytes is packed
constexpr int64_t kRowsFirstBytes = 512 << 10;  // a B so small may be read whole by every tile

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

// Approximate cycles of the two kernels on one core with two vector multiply-adds per cycle.
double dot_cycles(const hs_matmul_desc& d) {
  const double per_sum = 0.55 * static_cast<double>(ceil_div(d.k, kLanes)) + 2.5;
  return static_cast<double>(d.m * d.n) * per_sum;
}
double outer_cycles(const hs_matmul_desc& d) {
  const double vectors = static_cast<double>(d.m * ceil_div(d.n, kLanes));
  const double packing = 0.6 * static_cast<double>(d.n * d.k);
  return vectors * (0.5 * static_cast<double>(d.k) + 2) + packing;
}

// Approximate time of one matrix on one thread: that of its multiply-adds or that of its memory
// accesses, whichever is longer.
double time_ns(double cycles, const hs_matmul_desc& d) {
  const double compute = cycles / 2.2;
  const double memory = kNsPerFloat * static_cast<double>(d.m * d.k + d.k * d.n + d.m * d.n);
  return compute > memory ? compute : memory;
}

// Whether rows that are `stride` floats apart share a few sets of the first-level cache.
bool collides(int64_t stride) { return stride % 512 == 0; }

PackA choose_pack_a(const hs_matmul_desc& d) {
  const PackA packed = d.batch == 1 ? PackA::kOnce : PackA::kByTile;
  if (d.type != HS_F32) return packed;
  if (d.n < 128 || d.k < 64 || d.m < 32) return PackA::kInPlace;
  if (collides(d.lda)) return packed;
  return PackA::kInPlace;
}

}  // namespace

MatmulPlan plan_matmul(const hs_matmul_desc& d, bool simple) {
  MatmulPlan plan{};
  if (d.m == 0 || d.n == 0) return plan;  // no tiles
  const bool floats = d.type == HS_F32;
  plan.dot = floats && !d.transpose_a && d.transpose_b && dot_cycles(d) < outer_cycles(d);
  plan.in_place = simple && !plan.dot;
  plan.thin = plan.in_place && floats && !d.transpose_b && d.k <= kThinSteps && d.n >= kThinColumns;

  const int64_t vectors = ceil_div(d.n, kLanes);
  const int64_t panel_vectors = min(vectors, kMaxVectors);
  plan.wide = !plan.dot && floats && !d.transpose_b && (d.m <= kWideRows || d.k <= kFewSteps) &&
              vectors >= kWideVectors;
  int64_t rows = plan.dot ? kDotRows : plan.wide ? kWideRows : kMostRows[panel_vectors];
  // If rows of A share cache sets, more rows than the first-level cache has ways evict each other.
  if (!d.transpose_a && collides(d.lda)) rows = min(rows, 8);
  plan.rows = cut(d.m, ceil_div(d.m, rows));
  plan.columns = plan.dot ? cut(d.n, ceil_div(d.n, kDotColumns))
                          : cut(vectors, ceil_div(vectors, kMaxVectors));
  plan.blocks = cut(d.k, max(1, ceil_div(d.k, plan.dot ? kMaxDotDepth : kMaxDepth)));
  if (!plan.dot) {
    plan.pack_a = choose_pack_a(d);
    const int64_t reach = ceil_div(d.k, plan.blocks.parts) * d.ldb * 4;  // bytes a panel spans
    plan.pack_b = !floats || d.transpose_b != 0 ||
                  (reach > kInPlaceBytes && d.m > (collides(d.ldb) ? kWideRows : kFewRows));
  }

  const double matrix_ns = time_ns(plan.dot ? dot_cycles(d) : outer_cycles(d), d);
  plan.cost_ns = matrix_ns * static_cast<double>(d.batch);
  plan.group = max(1, min(d.batch, static_cast<int64_t>(kGroupNs / (matrix_ns + 20))));
  const int64_t wanted =
      matrix_ns < kSplitNs
          ? 1
          : min(max(static_cast<int64_t>(matrix_ns / kTileNs), 4), ceil_div(kMaxTiles, d.batch));
  int64_t down = 1, across = 1;
  if (wanted > 1 && !plan.dot && !plan.pack_b && d.k * d.n * 4 <= kRowsFirstBytes) {
    // Cuts the rows first: a weight gradient is then written by the threads that will update the
    // same rows in the optimizer's step and read them in the next forward pass.
    down = min(wanted, max(1, plan.rows.parts / 4));
    across = min(ceil_div(wanted, down), plan.columns.parts);
  } else if (wanted > 1) {
    // A tile gets as many rows as the second-level cache can keep of A. Then the columns are cut
    // until there are enough tiles; if that does not suffice, tiles get fewer rows, but enough that
    // packing a panel of B pays.
    const int64_t depth = plan.dot ? d.k : ceil_div(d.k, plan.blocks.parts);
    const int64_t most = max(1, kTileBytes / (rows * 4 * max(depth, 1)));
    down = ceil_div(plan.rows.parts, most);
    across = min(ceil_div(wanted, down), plan.columns.parts);
    const int64_t least = plan.pack_b ? ceil_div(112, rows) : 2;
    down = max(down, min(ceil_div(wanted, across), plan.rows.parts / least));
  }
  plan.down = cut(plan.rows.parts, down);
  plan.across = cut(plan.columns.parts, across);
  // The threads take tiles from both ends. If B is the larger operand, columns come first, so that
  // each thread reads only a part of B; if B is weights, those are the rows that it also updates.
  plan.columns_first = plan.dot && 2 * d.n > d.m;
  plan.groups = ceil_div(d.batch, plan.group);
  return plan;
}

}  // namespace hs::cpu::HS_ISA
