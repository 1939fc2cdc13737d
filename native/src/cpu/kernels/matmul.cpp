// C = activation(alpha * op(A) * op(B) + beta * C + bias), strided batched, and the bias gradient.
//
// 2 m n k FLOP; bytes: each operand once, if it fits in the caches. Floor: for large shapes the
// machine's peak of two vector multiply-adds per cycle and core, for thin ones memory.
// Design: the plan (matmul_plan.h) cuts C into tiles by the shape alone. Each tile loops over
// blocks of k and panels of columns, packs a panel of B if that pays, and calls a register kernel
// (matmul_micro.h) for each panel of rows. If the epilogue cannot be applied in registers (16-bit
// C, GELU, aux), the register kernels write float sums to scratch, and a second pass computes C.
#include "cpu/kernels/matmul.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/matmul_micro.h"
#include "cpu/kernels/matmul_pack.h"
#include "cpu/kernels/matmul_plan.h"
#include "cpu/kernels/storage.h"
#include "cpu/pool.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t round_up(int64_t a, int64_t b) { return (a + b - 1) / b * b; }

// A call and its plan. Element (i, p) of op(A) lies at i * a_row + p * a_step, element (p, j) of
// op(B) at p * b_step + j * b_column.
class Product {
 public:
  Product(const MatmulArgs& args, const MatmulPlan& plan, const PartDone& done)
      : args_(args),
        d_(args.desc),
        plan_(plan),
        done_(done),
        a_row_(d_.transpose_a ? 1 : d_.lda),
        a_step_(d_.transpose_a ? d_.lda : 1),
        b_step_(d_.transpose_b ? 1 : d_.ldb),
        b_column_(d_.transpose_b ? d_.ldb : 1) {}

  // Packs panel `panel` of the rows of A, for all blocks of k (batch = 1).
  void pack_a_once(int64_t panel, float* packed) const {
    const int64_t begin = row_begin(panel), end = row_begin(panel + 1);
    for (int64_t block = 0; block < plan_.blocks.parts; ++block) {
      const int64_t p = step_begin(block), depth = step_begin(block + 1) - p;
      pack_a(0, begin, end, p, depth, packed + p * d_.m + begin * depth);
    }
  }

  void run_tile(int64_t tile, const float* packed_a) const {
    const int64_t group = tile / (plan_.across.parts * plan_.down.parts);
    const int64_t place = tile % (plan_.across.parts * plan_.down.parts);
    const int64_t across =
        plan_.columns_first ? place / plan_.down.parts : place % plan_.across.parts;
    const int64_t down =
        plan_.columns_first ? place % plan_.down.parts : place / plan_.across.parts;
    const Range rows{plan_.down.begin(down), plan_.down.begin(down + 1)};
    const Range columns{plan_.across.begin(across), plan_.across.begin(across + 1)};
    const int64_t end = min((group + 1) * plan_.group, d_.batch);
    for (int64_t matrix = group * plan_.group; matrix < end; ++matrix) {
      if (plan_.dot) {
        dot_block(matrix, rows, columns);
      } else if (plan_.thin) {
        thin_block(matrix, rows, columns);
      } else {
        outer_block(matrix, rows, columns, packed_a);
      }
    }
    if (plan_.thin || done_.call == nullptr) return;
    const int64_t row = row_begin(rows.begin), column = column_begin(columns.begin);
    done_.call(done_.context, static_cast<const float*>(args_.c) + row * d_.ldc + column,
               row_begin(rows.end) - row, column_begin(columns.end) - column);
  }

  // Computes bias_grad of rows [begin, end).
  void sum_rows(int64_t begin, int64_t end) const {
    with_storage(d_.type, [&](auto type) {
      using T = typename decltype(type)::type;
      const T* a = static_cast<const T*>(args_.a);
      if (a_row_ == 1) {
        for_vectors(begin, end, [&](int64_t i, auto lanes) {
          vf sum[4] = {};  // four sums in turn, since each addition waits for the one before
          int64_t p = 0;
          for (; p + 4 <= d_.k; p += 4) {
#pragma GCC unroll 4
            for (int q = 0; q < 4; ++q) sum[q] = sum[q] + load(a + (p + q) * a_step_ + i, lanes);
          }
          for (; p < d_.k; ++p) sum[0] = sum[0] + load(a + p * a_step_ + i, lanes);
          const vf all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
          store(args_.bias_grad + i, plus_old(args_.bias_grad + i, all, lanes), lanes);
        });
      } else {
        for (int64_t i = begin; i < end; ++i) {
          vf sum{};
          for_vectors(0, d_.k,
                      [&](int64_t p, auto lanes) { sum = sum + load(a + i * a_row_ + p, lanes); });
          const Mask one = first_lanes(1);
          float* out = args_.bias_grad + i;
          store(out, plus_old(out, set1(reduce_add(sum)), one), one);
        }
      }
    });
  }

 private:
  struct Range {
    int64_t begin, end;  // panels
  };

  // The scratch of one tile, in floats.
  struct TileScratch {
    float* panel_b;
    float* block_a;
    float* sums;
    int64_t sums_row;
  };

  int64_t row_begin(int64_t panel) const { return plan_.rows.begin(panel); }
  int64_t step_begin(int64_t block) const { return plan_.blocks.begin(block); }
  int64_t column_begin(int64_t panel) const {
    const int64_t begin = plan_.columns.begin(panel);
    return plan_.dot ? begin : min(begin * kLanes, d_.n);
  }

  template <class Lanes>
  vf plus_old(const float* old, vf sum, Lanes lanes) const {
    return d_.bias_grad_beta == 0 ? sum : load(old, lanes) * d_.bias_grad_beta + sum;
  }

  void pack_a(int64_t matrix, int64_t begin, int64_t end, int64_t p, int64_t depth,
              float* dst) const {
    with_storage(d_.type, [&](auto type) {
      using T = typename decltype(type)::type;
      const T* a = static_cast<const T*>(args_.a) + matrix * d_.stride_a;
      pack_panel(a + begin * a_row_ + p * a_step_, a_row_, a_step_, end - begin, depth, end - begin,
                 dst);
    });
  }

  void pack_b(int64_t matrix, int64_t column, int64_t columns, int64_t p, int64_t depth,
              int64_t width, float* dst) const {
    with_storage(d_.type, [&](auto type) {
      using T = typename decltype(type)::type;
      const T* b = static_cast<const T*>(args_.b) + matrix * d_.stride_b;
      pack_panel(b + p * b_step_ + column * b_column_, b_column_, b_step_, columns, depth, width,
                 dst);
    });
  }

  TileScratch tile_scratch(int64_t rows, int64_t columns) const {
    const int64_t depth = (d_.k + plan_.blocks.parts - 1) / plan_.blocks.parts;
    TileScratch s{};
    s.sums_row = round_up(columns, kLanes);
    const int64_t b = plan_.pack_b ? kMaxVectors * kLanes * depth : 0;
    const int64_t a = plan_.pack_a == PackA::kByTile ? round_up(rows * depth, 16) : 0;
    const int64_t sums = plan_.in_place ? 0 : rows * s.sums_row;
    float* base = static_cast<float*>(thread_scratch(Scratch::kTile, (a + b + sums + 64) * 4));
    s.panel_b = base;
    s.block_a = base + b;
    s.sums = base + b + a;
    return s;
  }

  void outer_block(int64_t matrix, Range rows, Range columns, const float* packed_a) const;
  void outer_panel(int64_t matrix, Range rows, int64_t column, int64_t end, int64_t block,
                   const float* packed_a, const TileScratch& s, int64_t first_column) const;
  void thin_block(int64_t matrix, Range rows, Range columns) const;
  void dot_block(int64_t matrix, Range rows, Range columns) const;
  void finish(int64_t matrix, int64_t row, int64_t rows, int64_t column, int64_t columns,
              const TileScratch& s) const;

  const MatmulArgs& args_;
  const hs_matmul_desc& d_;
  const MatmulPlan& plan_;
  const PartDone& done_;
  int64_t a_row_, a_step_, b_step_, b_column_;
};

void Product::outer_block(int64_t matrix, Range rows, Range columns, const float* packed_a) const {
  const int64_t row = row_begin(rows.begin), row_count = row_begin(rows.end) - row;
  const int64_t column = column_begin(columns.begin), end = column_begin(columns.end);
  const TileScratch s = tile_scratch(row_count, end - column);
  for (int64_t block = 0; block < plan_.blocks.parts; ++block) {
    if (plan_.pack_a == PackA::kByTile) {
      const int64_t p = step_begin(block), depth = step_begin(block + 1) - p;
      for (int64_t panel = rows.begin; panel < rows.end; ++panel) {
        pack_a(matrix, row_begin(panel), row_begin(panel + 1), p, depth,
               s.block_a + (row_begin(panel) - row) * depth);
      }
    }
    constexpr int64_t kWideColumns = kWideVectors * kLanes;
    int64_t j = column;
    for (; plan_.wide && end - j >= kWideColumns; j += kWideColumns) {
      outer_panel(matrix, rows, j, j + kWideColumns, block, packed_a, s, column);
    }
    for (int64_t panel = columns.begin; panel < columns.end; ++panel) {
      const int64_t panel_end = column_begin(panel + 1);
      if (panel_end <= j) continue;
      outer_panel(matrix, rows, j, panel_end, block, packed_a, s, column);
      j = panel_end;
    }
  }
  if (!plan_.in_place) finish(matrix, row, row_count, column, end - column, s);
}

// Runs one panel of columns and one block of k for all rows of the tile.
void Product::outer_panel(int64_t matrix, Range rows, int64_t column, int64_t end, int64_t block,
                          const float* packed_a, const TileScratch& s, int64_t first_column) const {
  const int64_t p = step_begin(block), depth = step_begin(block + 1) - p;
  const int64_t columns = end - column;
  const int vectors = static_cast<int>((columns + kLanes - 1) / kLanes);
  const int64_t last = columns - (vectors - 1) * kLanes;
  OuterTile t{};
  t.k = depth;
  t.tail = first_lanes(last);
  if (plan_.pack_b) {
    t.b_step = vectors * kLanes;
    t.b = s.panel_b;
    pack_b(matrix, column, columns, p, depth, t.b_step, s.panel_b);
  } else {
    t.b_step = b_step_;
    t.b = static_cast<const float*>(args_.b) + matrix * d_.stride_b + p * b_step_ + column;
  }
  const bool first_block = block == 0, last_block = block == plan_.blocks.parts - 1;
  if (plan_.in_place) {
    t.ldc = d_.ldc;
    t.alpha = d_.alpha;
    t.beta = first_block ? d_.beta : 1;
    t.bias = last_block && args_.bias != nullptr ? args_.bias + column : nullptr;
    t.relu = last_block && d_.activation == HS_RELU;
  } else {
    t.ldc = s.sums_row;
    t.alpha = 1;
    t.beta = first_block ? 0 : 1;
  }
  const int64_t row = row_begin(rows.begin);
  for (int64_t panel = rows.begin; panel < rows.end; ++panel) {
    const int64_t i = row_begin(panel), height = row_begin(panel + 1) - i;
    if (plan_.pack_a == PackA::kInPlace) {
      t.a = static_cast<const float*>(args_.a) + matrix * d_.stride_a + i * a_row_ + p * a_step_;
      t.a_row = a_row_;
      t.a_step = a_step_;
    } else {
      t.a = plan_.pack_a == PackA::kOnce ? packed_a + p * d_.m + i * depth
                                         : s.block_a + (i - row) * depth;
      t.a_row = 1;
      t.a_step = height;
    }
    t.c = plan_.in_place ? static_cast<float*>(args_.c) + matrix * d_.stride_c + i * d_.ldc + column
                         : s.sums + (i - row) * s.sums_row + column - first_column;
    outer_kernel(static_cast<int>(height), vectors, last != kLanes)(t);
  }
}

void Product::thin_block(int64_t matrix, Range rows, Range columns) const {
  const int64_t column = column_begin(columns.begin), end = column_begin(columns.end);
  OuterTile t{};
  t.a_step = a_step_;
  t.b = static_cast<const float*>(args_.b) + matrix * d_.stride_b + column;
  t.b_step = b_step_;
  t.k = d_.k;
  t.alpha = d_.alpha;
  t.beta = d_.beta;
  t.bias = args_.bias != nullptr ? args_.bias + column : nullptr;
  t.relu = d_.activation == HS_RELU;
  for (int64_t i = row_begin(rows.begin); i < row_begin(rows.end); ++i) {
    t.a = static_cast<const float*>(args_.a) + matrix * d_.stride_a + i * a_row_;
    t.c = static_cast<float*>(args_.c) + matrix * d_.stride_c + i * d_.ldc + column;
    thin_row(t, end - column);
    if (done_.call != nullptr) done_.call(done_.context, t.c, 1, end - column);
  }
}

void Product::dot_block(int64_t matrix, Range rows, Range columns) const {
  const int64_t row = row_begin(rows.begin), row_count = row_begin(rows.end) - row;
  const int64_t column = column_begin(columns.begin);
  const int64_t column_count = column_begin(columns.end) - column;
  const TileScratch s = tile_scratch(row_count, column_count);
  const float* a = static_cast<const float*>(args_.a) + matrix * d_.stride_a;
  const float* b = static_cast<const float*>(args_.b) + matrix * d_.stride_b;
  for (int64_t block = 0; block < plan_.blocks.parts; ++block) {
    const int64_t p = step_begin(block), depth = step_begin(block + 1) - p;
    for (int64_t across = columns.begin; across < columns.end; ++across) {
      const int64_t j = column_begin(across), width = column_begin(across + 1) - j;
      const Mask lanes = first_lanes(width);
      for (int64_t down = rows.begin; down < rows.end; ++down) {
        const int64_t i = row_begin(down), height = row_begin(down + 1) - i;
        float sums[(kDotRows * kDotColumns / kLanes + 2) * kLanes];
        dot_kernel(static_cast<int>(height), static_cast<int>(width))(
            depth, a + i * d_.lda + p, d_.lda, b + j * d_.ldb + p, d_.ldb, sums);
        for (int64_t r = 0; r < height; ++r) {
          float* out = s.sums + (i - row + r) * s.sums_row + j - column;
          const vf x = load(sums + r * width);
          store(out, block == 0 ? x : x + load(out, lanes), lanes);
        }
      }
    }
  }
  finish(matrix, row, row_count, column, column_count, s);
}

// Computes C from the sums of a tile.
void Product::finish(int64_t matrix, int64_t row, int64_t rows, int64_t column, int64_t columns,
                     const TileScratch& s) const {
  with_storage(d_.out_type, [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t offset = matrix * d_.stride_c + (row + i) * d_.ldc + column;
      T* c = static_cast<T*>(args_.c) + offset;
      T* aux = args_.aux == nullptr ? nullptr : static_cast<T*>(args_.aux) + offset;
      const float* sums = s.sums + i * s.sums_row;
      for_vectors(0, columns, [&](int64_t j, auto lanes) {
        vf x = load(sums + j, lanes) * d_.alpha;
        if (d_.beta != 0) x = load(c + j, lanes) * d_.beta + x;
        if (args_.bias != nullptr) x = x + load(args_.bias + column + j, lanes);
        if (aux != nullptr) store(aux + j, x, lanes);
        if (d_.activation == HS_RELU) x = max(vf{}, x);
        if (d_.activation == HS_GELU) x = gelu(x);
        store(c + j, x, lanes);
      });
    }
  });
}

}  // namespace

namespace {

void multiply(const MatmulArgs& args, const MatmulPlan& plan, const PartDone& done) {
  const hs_matmul_desc& d = args.desc;
  const Product product(args, plan, done);
  float* packed_a = nullptr;
  if (plan.pack_a == PackA::kOnce && plan.tiles() > 0) {
    const int64_t bytes = d.m * d.k * 4;
    packed_a = static_cast<float*>(thread_scratch(Scratch::kCall, bytes));
    parallel_for(plan.rows.parts, static_cast<double>(bytes) * 2 * kNsPerByte,
                 [&](int64_t panel) { product.pack_a_once(panel, packed_a); });
  }
  constexpr int64_t kBiasRows = 8 * kLanes;
  const int64_t bias_tiles = args.bias_grad == nullptr ? 0 : (d.m + kBiasRows - 1) / kBiasRows;
  const double bias_ns = bias_tiles == 0 ? 0 : static_cast<double>(d.m * d.k * 4) * kNsPerByte;
  parallel_for(bias_tiles + plan.tiles(), plan.cost_ns + bias_ns, [&](int64_t tile) {
    if (tile < bias_tiles) {
      product.sum_rows(tile * kBiasRows, min((tile + 1) * kBiasRows, d.m));
    } else {
      product.run_tile(tile - bias_tiles, packed_a);
    }
  });
}

// The arguments of the product that computes only rows [begin, end) of C (batch = 1).
MatmulArgs rows_of(const MatmulArgs& args, int64_t begin, int64_t end) {
  MatmulArgs part = args;
  hs_matmul_desc& d = part.desc;
  d.m = end - begin;
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    part.a = static_cast<const T*>(args.a) + begin * (d.transpose_a ? 1 : d.lda);
  });
  with_storage(d.out_type, [&](auto type) {
    using T = typename decltype(type)::type;
    part.c = static_cast<T*>(args.c) + begin * d.ldc;
    if (args.aux != nullptr) part.aux = static_cast<T*>(args.aux) + begin * d.ldc;
  });
  if (args.bias_grad != nullptr) part.bias_grad = args.bias_grad + begin;
  return part;
}

}  // namespace

void matmul(const MatmulArgs& args) { matmul_in_parts(args, {}); }

void matmul_in_parts(const MatmulArgs& given, const PartDone& done) {
  MatmulArgs args = given;
  hs_matmul_desc& d = args.desc;
  // A contiguous vector is its own transpose.
  if (d.m == 1 && d.transpose_a && d.lda == 1) {
    d.transpose_a = 0;
    d.lda = d.k;
  }
  if (d.n == 1 && !d.transpose_b && d.ldb == 1) {
    d.transpose_b = 1;
    d.ldb = d.k;
  }
  const bool simple = d.out_type == HS_F32 && d.activation != HS_GELU && args.aux == nullptr;
  const MatmulPlan plan = plan_matmul(d, simple);
  // Limits the part of A that is packed at once to 32 MB, or to 128 rows if these need more.
  const int64_t rows = d.k > (int64_t{8} << 20) / 128 ? 128 : (int64_t{8} << 20) / (d.k + 1);
  if (plan.pack_a != PackA::kOnce || d.m <= rows) return multiply(args, plan, done);
  for (int64_t i = 0; i < d.m; i += rows) {
    const MatmulArgs part = rows_of(args, i, min(i + rows, d.m));
    multiply(part, plan_matmul(part.desc, simple), done);
  }
}

}  // namespace hs::cpu::HS_ISA
