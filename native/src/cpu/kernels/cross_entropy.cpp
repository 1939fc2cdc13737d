// Softmax cross-entropy: loss, gradient and number of correct rows. Bound by memory if the rows are
// long: a row of logits is read once, and its gradient, if wanted, is written once; 8 bytes per F32
// logit.
//
// A row is cut into chunks that stay in the first-level cache. Each chunk computes its maximum and
// the sum of exponentials relative to that, and stores the exponentials where the gradient will be.
// Then the chunks are merged, and the gradient is scaled in place, from the second-level cache at
// worst.
//
// If the data are in the caches, the exponentials are the bound: 64 x 1000 takes 10 us and 1024 x
// 1000 147 to 160 us, 51 to 56 GB/s, where the memory bandwidth is 50 to 55 (two cores of an AMD
// EPYC with AVX-512, 2026-11-27); 256 x 50257 takes 3.4 ms, in place 2.8: 0.6 and 0.7 of the floor.
#include "cpu/kernels/cross_entropy.h"

#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kChunk = 4096;
constexpr int64_t kMaxChunks = 256;
constexpr int64_t kMaxTiles = 256;
constexpr int64_t kTileElements = 4 << 10;
constexpr double kNsPerElement = 0.5, kNsPerRow = 40;

// One chunk of a row: its maximum, the sum of exp(x - maximum), and with smoothing `distance`, the
// sum of w (maximum - x), and `weight`, that of w. merge() sets `factor` to exp(maximum - the row's
// maximum).
struct ChunkSums {
  float maximum, sum, distance, weight, factor;
};

struct RowSums {
  float maximum;
  double sum, distance;
};

HS_INLINE float exp_one(float x) { return exp_nonpositive(set1(x))[0]; }

template <class T>
HS_INLINE float chunk_maximum(const T* x, int64_t count) {
  vf maximum[4] = {set1(kLowest), set1(kLowest), set1(kLowest), set1(kLowest)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int part = 0; part < 4; part++) {
      maximum[part] = max(load(x + i + part * kLanes), maximum[part]);
    }
  }
  for_vectors(i, count, [&](int64_t at, auto lanes) {
    maximum[0] = max(keep(load(x + at, lanes), maximum[0], lanes), maximum[0]);
  });
  return reduce_max(max(max(maximum[0], maximum[1]), max(maximum[2], maximum[3])));
}

// The chunk that will be processed next.
template <class T>
struct Next {
  const T* x;
  int64_t count;
};

// Computes the sums of one chunk; if `stored`, writes exp(x - maximum) to `exponentials`. In the
// same loop it reads the next chunk and replaces *maximum_io by that chunk's maximum: the
// exponentials hide the time to fetch the logits from memory or from the third-level cache.
template <bool smooth, bool stored, class T>
HS_INLINE ChunkSums chunk_sums(const T* x, const float* weights, int64_t count, float* exponentials,
                               const Next<T>& next, float* maximum_io) {
  const float maximum = *maximum_io;
  const T* const ahead = next.count >= count ? next.x : x;
  vf sum{}, distance{}, weight{}, largest = set1(kLowest);
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    largest = max(keep(load(ahead + i, lanes), largest, lanes), largest);
    const vf d = load(x + i, lanes) - maximum;
    const vf e = keep(exp_nonpositive(d), vf{}, lanes);
    if constexpr (stored) store(exponentials + i, e, lanes);
    sum += e;
    if constexpr (smooth) {
      const vf w = weights != nullptr ? load(weights + i, lanes) : keep(set1(1), vf{}, lanes);
      distance -= keep(w * d, vf{}, lanes);
      weight += w;
    }
  });
  const int64_t seen = next.count >= count ? count : 0;
  const float rest = chunk_maximum(next.x + seen, next.count - seen);
  *maximum_io = seen > 0 && reduce_max(largest) > rest ? reduce_max(largest) : rest;
  return {maximum, reduce_add(sum), smooth ? reduce_add(distance) : 0.0f,
          smooth ? reduce_add(weight) : 0.0f, 1.0f};
}

// Adds the sums of the chunks of a row in order.
HS_INLINE RowSums merge(ChunkSums* chunks, int64_t count) {
  RowSums row{kLowest, 0, 0};
  for (int64_t c = 0; c < count; c++) {
    if (chunks[c].maximum > row.maximum) row.maximum = chunks[c].maximum;
  }
  for (int64_t c = 0; c < count; c++) {
    const float rise = row.maximum - chunks[c].maximum;
    if (rise != 0) chunks[c].factor = exp_one(-rise);
    row.sum += static_cast<double>(chunks[c].sum) * static_cast<double>(chunks[c].factor);
    row.distance += static_cast<double>(chunks[c].distance) +
                    static_cast<double>(chunks[c].weight) * static_cast<double>(rise);
  }
  return row;
}

// gradient = scale * exp(x - maximum) - offset * w. If `stored`, `gradient` holds exp(x - maximum).
template <bool smooth, bool stored, class T>
HS_INLINE void chunk_gradient(const T* x, const float* weights, int64_t count, float scale,
                              float maximum, float offset, T* gradient) {
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    vf g;
    if constexpr (stored) {
      g = scale * load(gradient + i, lanes);
    } else {
      g = scale * exp_nonpositive(load(x + i, lanes) - maximum);
    }
    if constexpr (smooth) {
      g -= weights != nullptr ? offset * load(weights + i, lanes) : set1(offset);
    }
    store(gradient + i, g, lanes);
  });
}

template <class T>
HS_INLINE bool contains(const T* x, int64_t count, float value) {
  for (int64_t i = 0; i < count; i++) {
    if (load_one(x + i) == value) return true;
  }
  return false;
}

// Cuts a row of `classes` logits into chunks: chunk c is [begin(c), begin(c) + count(c)).
struct Chunks {
  int64_t classes, size, number;

  HS_INLINE explicit Chunks(int64_t n) : classes(n), size((n + kMaxChunks - 1) / kMaxChunks) {
    size = size < kChunk ? kChunk : (size + 63) / 64 * 64;
    number = (n + size - 1) / size;
  }
  HS_INLINE int64_t begin(int64_t c) const { return c * size; }
  HS_INLINE int64_t count(int64_t c) const {
    return begin(c) + size < classes ? size : classes - begin(c);
  }
};

// Computes one row whose label is a class; returns its loss. F32 exponentials are stored where the
// gradient will be, which may be the place of the logits: x is not read after that. *maximum is the
// maximum of the row's first chunk; it is replaced by that of the next row's first chunk.
template <bool smooth, bool with_gradient, class T>
float run_row(const CrossEntropyProblem& p, const Chunks& chunks, const T* x, const T* next_row,
              int32_t label, T* gradient, float* maximum, CrossEntropySums* sums) {
  constexpr bool stored = with_gradient && sizeof(T) == sizeof(float);
  ChunkSums parts[kMaxChunks];
  const float* weights = p.class_weights;
  const float label_logit = load_one(x + label);
  bool earlier = false;  // whether a class before the label has a logit as large as the label's
  for (int64_t c = 0; c < chunks.number; c++) {
    const int64_t begin = chunks.begin(c), count = chunks.count(c);
    if (*maximum == label_logit && begin < label && !earlier) {
      earlier = contains(x + begin, label - begin < count ? label - begin : count, *maximum);
    }
    const Next<T> next = c + 1 < chunks.number
                             ? Next<T>{x + chunks.begin(c + 1), chunks.count(c + 1)}
                             : Next<T>{next_row, next_row != nullptr ? chunks.count(0) : 0};
    float* exponentials = nullptr;
    if constexpr (stored) exponentials = gradient + begin;
    parts[c] = chunk_sums<smooth, stored>(x + begin, behind(weights, begin), count, exponentials,
                                          next, maximum);
  }
  const RowSums row = merge(parts, chunks.number);
  const double label_weight = weights != nullptr ? static_cast<double>(weights[label]) : 1.0;
  const double hit = p.hit, uniform = p.uniform, weight_total = p.weight_total;
  const double log_sum = __builtin_log(row.sum);
  double loss = hit * label_weight *
                (static_cast<double>(row.maximum) - static_cast<double>(label_logit) + log_sum);
  if constexpr (smooth) loss += uniform * (row.distance + weight_total * log_sum);
  sums->loss += loss;
  sums->weight += label_weight;
  const bool counts = loss == loss;  // with a NaN among its logits a row is not correct
  sums->correct += label_logit == row.maximum && !earlier && counts ? 1 : 0;
  sums->rows += 1;

  if constexpr (with_gradient) {
    const double factor = p.gradient;
    const double scale = factor * (hit * label_weight + uniform * weight_total) / row.sum;
    const double label_gradient = scale * static_cast<double>(exp_one(label_logit - row.maximum)) -
                                  factor * label_weight * (hit + uniform);
    for (int64_t c = 0; c < chunks.number; c++) {
      const int64_t begin = chunks.begin(c);
      const double chunk_scale = stored ? scale * static_cast<double>(parts[c].factor) : scale;
      chunk_gradient<smooth, stored>(x + begin, behind(weights, begin), chunks.count(c),
                                     static_cast<float>(chunk_scale), row.maximum,
                                     p.gradient * p.uniform, gradient + begin);
    }
    store_one(gradient + label, static_cast<float>(label_gradient));
  }
  return static_cast<float>(loss);
}

template <class T>
HS_INLINE void fill_row(T* row, int64_t count, float value) {
  for_vectors(0, count, [&](int64_t i, auto lanes) { store(row + i, set1(value), lanes); });
}

template <bool smooth, bool with_gradient, class T>
void run_rows(const CrossEntropyArgs& args, const CrossEntropyProblem& p, int64_t begin,
              int64_t end, CrossEntropySums* sums) {
  const T* logits = static_cast<const T*>(args.logits);
  T* gradients = static_cast<T*>(args.d_logits);
  const Chunks chunks(p.classes);
  float maximum = 0;   // the maximum of the row's first chunk
  bool known = false;  // whether the previous row has computed `maximum`
  for (int64_t r = begin; r < end; r++) {
    const T* x = logits + r * p.classes;
    const int32_t label = args.labels[r];
    T* gradient = with_gradient ? gradients + r * p.classes : nullptr;
    const bool ignored = label == p.ignore_label && label != -1;
    float loss = 0;
    if (label >= 0 && label < p.classes && !ignored) {
      if (!known) maximum = chunk_maximum(x, chunks.count(0));
      known = r + 1 < end;
      loss = run_row<smooth, with_gradient>(p, chunks, x, known ? x + p.classes : nullptr, label,
                                            gradient, &maximum, sums);
    } else {
      known = false;
      if (!ignored) {
        loss = __builtin_nanf("");
        sums->loss += static_cast<double>(loss);
        sums->rows += 1;
        sums->error |= HS_ERROR_LABEL;
      }
      if constexpr (with_gradient) fill_row(gradient, p.classes, loss);
    }
    if (args.row_loss != nullptr) args.row_loss[r] = loss;
  }
}

using RunRows = void (*)(const CrossEntropyArgs&, const CrossEntropyProblem&, int64_t, int64_t,
                         CrossEntropySums*);

RunRows select_rows(const CrossEntropyArgs& args) {
  if (args.desc.classes <= kFewClasses) return cross_entropy_few;
  RunRows run = nullptr;
  with_storage(args.desc.type, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.desc.label_smoothing > 0) {
      run = args.d_logits != nullptr ? run_rows<true, true, T> : run_rows<true, false, T>;
    } else {
      run = args.d_logits != nullptr ? run_rows<false, true, T> : run_rows<false, false, T>;
    }
  });
  return run;
}

CrossEntropyProblem make_problem(const CrossEntropyArgs& args) {
  const hs_cross_entropy_desc& desc = args.desc;
  double weight_total = static_cast<double>(desc.classes);
  if (args.class_weights != nullptr && desc.label_smoothing > 0) {
    weight_total = 0;
    for (int64_t c = 0; c < desc.classes; c++) {
      weight_total += static_cast<double>(args.class_weights[c]);
    }
  }
  return {desc.classes,
          args.class_weights,
          static_cast<float>(weight_total),
          1.0f - desc.label_smoothing,
          desc.label_smoothing / static_cast<float>(desc.classes),
          desc.gradient_seed * (args.state != nullptr ? args.state->loss_scale : 1.0f),
          desc.ignore_label};
}

}  // namespace

void cross_entropy(const CrossEntropyArgs& args) {
  const hs_cross_entropy_desc& desc = args.desc;
  if (desc.rows == 0) return;
  const CrossEntropyProblem problem = make_problem(args);
  const RunRows run = select_rows(args);
  // The tiles depend on the shape alone; sums are added over the rows of a tile in order, then over
  // the tiles. Tiles of short rows are whole blocks of kLanes rows. Other tiles have a power of two
  // rows, so that threads get equal shares of a power of two rows: of 64 x 1000, 32 and 32 rows,
  // not 35 and 29.
  int64_t span = (kTileElements + desc.classes - 1) / desc.classes;
  while ((span & (span - 1)) != 0) span &= span - 1;
  const int64_t least = (desc.rows + kMaxTiles - 1) / kMaxTiles;
  if (span < least) span = least;
  if (desc.classes <= kFewClasses) span = (span + kLanes - 1) / kLanes * kLanes;
  CrossEntropySums tiles[kMaxTiles] = {};
  const double row_ns = static_cast<double>(desc.classes) * kNsPerElement +
                        (desc.classes <= kFewClasses ? 0 : kNsPerRow);
  for_spans(desc.rows, span, row_ns, [&](int64_t begin, int64_t end) {
    run(args, problem, begin, end, &tiles[begin / span]);
  });
  if (args.state == nullptr) return;
  hs_step_state& state = *args.state;
  for (int64_t begin = 0; begin < desc.rows; begin += span) {
    const CrossEntropySums& tile = tiles[begin / span];
    state.loss_sum += tile.loss;
    state.weight += tile.weight;
    state.correct += tile.correct;
    state.rows += tile.rows;
    state.error |= tile.error;
  }
}

}  // namespace hs::cpu::HS_ISA
