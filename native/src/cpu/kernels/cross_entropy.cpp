// Softmax cross-entropy: loss, gradient, number correct. Bound by memory where the rows are long: a
// row is read once, and written once where there is a gradient; 8 bytes an F32 logit.
//
// A row is cut into chunks that stay in the first-level cache. Each chunk gives its maximum and the
// sum of exponentials relative to it, which it leaves in the place of the gradient; then the chunks
// are merged and the gradient is scaled in place, out of the second-level cache at worst.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kChunk = 4096;
constexpr int64_t kMaxChunks = 256;
constexpr int64_t kMaxTiles = 256;
constexpr int64_t kTileElements = 8 << 10;
constexpr float kLowest = -3.40282347e38f;

// What all rows have in common.
struct Problem {
  int64_t classes, chunk, chunks;
  const float* class_weights;
  double weight_total;     // of all classes
  double hit, uniform;     // q = hit onehot + uniform
  float gradient;          // loss gradients are multiplied by it
  int32_t ignore_label;
};

struct Sums {
  double loss, weight, correct, rows;
  uint32_t error;
};

// A chunk of a row: sums of exp(x - maximum) and, with smoothing, of w (maximum - x) and w.
struct ChunkSums {
  float maximum, sum, distance, weight;
};

struct RowSums {
  float maximum;
  double sum, distance;
};

HS_INLINE vf keep(vf v, vf, AllLanes) { return v; }
HS_INLINE vf keep(vf v, vf other, Mask m) { return iota() < set1_int(m.count) ? v : other; }

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

// `exponentials` takes exp(x - maximum), or is null.
template <bool smooth, class T>
HS_INLINE ChunkSums chunk_sums(const T* x, const float* class_weights, int64_t count, float maximum,
                               float* exponentials) {
  vf sum{}, distance{}, weight{};
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    const vf d = load(x + i, lanes) - maximum;
    const vf e = keep(exp(d), vf{}, lanes);
    if (exponentials != nullptr) store(exponentials + i, e, lanes);
    sum += e;
    if constexpr (smooth) {
      const vf w = class_weights != nullptr ? load(class_weights + i, lanes)
                                            : keep(set1(1.0f), vf{}, lanes);
      distance -= keep(w * d, vf{}, lanes);
      weight += w;
    }
  });
  return {maximum, reduce_add(sum), smooth ? reduce_add(distance) : 0.0f,
          smooth ? reduce_add(weight) : 0.0f};
}

HS_INLINE float exp_one(float x) { return exp(set1(x))[0]; }

// Merges the chunks in order; leaves in each chunk's `sum` the factor exp(maximum - row maximum).
HS_INLINE RowSums merge(ChunkSums* chunks, int64_t count) {
  RowSums row{kLowest, 0, 0};
  for (int64_t c = 0; c < count; c++) {
    if (chunks[c].maximum > row.maximum) row.maximum = chunks[c].maximum;
  }
  for (int64_t c = 0; c < count; c++) {
    const float rise = row.maximum - chunks[c].maximum;
    const float factor = rise == 0 ? 1.0f : exp_one(-rise);
    row.sum += static_cast<double>(chunks[c].sum) * static_cast<double>(factor);
    row.distance += static_cast<double>(chunks[c].distance) +
                    static_cast<double>(chunks[c].weight) * static_cast<double>(rise);
    chunks[c].sum = factor;
  }
  return row;
}

// gradient = scale * exp(x - maximum) - offset * w, from the exponentials left in its place (F32)
// or from the logits.
template <bool smooth, class T>
HS_INLINE void chunk_gradient(const T* x, const float* class_weights, int64_t count, float scale,
                              float maximum, float offset, T* gradient) {
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    vf e;
    if constexpr (sizeof(T) == sizeof(float)) {
      e = load(gradient + i, lanes);
    } else {
      e = exp(load(x + i, lanes) - maximum);
    }
    vf g = scale * e;
    if constexpr (smooth) {
      g -= class_weights != nullptr ? offset * load(class_weights + i, lanes) : set1(offset);
    }
    store(gradient + i, g, lanes);
  });
}

template <class T>
HS_INLINE void fill_row(T* row, int64_t count, float value) {
  for_vectors(0, count, [&](int64_t i, auto lanes) { store(row + i, set1(value), lanes); });
}

template <class T>
HS_INLINE bool contains(const T* x, int64_t count, float value) {
  for (int64_t i = 0; i < count; i++) {
    if (load_one(x + i) == value) return true;
  }
  return false;
}

// One row whose label is a class; returns its loss.
template <bool smooth, class T>
float run_row(const Problem& p, const T* x, int32_t label, T* gradient, Sums* sums) {
  ChunkSums chunks[kMaxChunks];
  float* exponentials = nullptr;
  if constexpr (sizeof(T) == sizeof(float)) exponentials = gradient;
  const float label_logit = load_one(x + label);
  const float* weights = p.class_weights;
  bool earlier = false;  // whether a class before the label has as large a logit
  for (int64_t c = 0; c < p.chunks; c++) {
    const int64_t begin = c * p.chunk;
    const int64_t count = begin + p.chunk < p.classes ? p.chunk : p.classes - begin;
    const float maximum = chunk_maximum(x + begin, count);
    if (maximum == label_logit && begin < label && !earlier) {
      earlier = contains(x + begin, label - begin < count ? label - begin : count, maximum);
    }
    chunks[c] = chunk_sums<smooth>(x + begin, weights != nullptr ? weights + begin : nullptr, count,
                                   maximum, exponentials != nullptr ? exponentials + begin : nullptr);
  }
  const RowSums row = merge(chunks, p.chunks);
  const double label_weight = weights != nullptr ? static_cast<double>(weights[label]) : 1.0;
  const double log_sum = __builtin_log(row.sum);
  double loss = p.hit * label_weight * (static_cast<double>(row.maximum - label_logit) + log_sum);
  if constexpr (smooth) loss += p.uniform * (row.distance + p.weight_total * log_sum);

  sums->rows += 1;
  sums->weight += label_weight;
  sums->loss += loss;
  if (label_logit == row.maximum && !earlier) sums->correct += 1;

  if (gradient != nullptr) {
    const double all = static_cast<double>(p.gradient) *
                       (p.hit * label_weight + p.uniform * p.weight_total) / row.sum;
    const float offset = static_cast<float>(static_cast<double>(p.gradient) * p.uniform);
    const float label_gradient = static_cast<float>(
        all * static_cast<double>(exp_one(label_logit - row.maximum)) -
        static_cast<double>(p.gradient) * label_weight * (p.hit + p.uniform));
    for (int64_t c = 0; c < p.chunks; c++) {
      const int64_t begin = c * p.chunk;
      const int64_t count = begin + p.chunk < p.classes ? p.chunk : p.classes - begin;
      const float scale = static_cast<float>(
          exponentials != nullptr ? all * static_cast<double>(chunks[c].sum) : all);
      chunk_gradient<smooth>(x + begin, weights != nullptr ? weights + begin : nullptr, count,
                             scale, row.maximum, offset, gradient + begin);
    }
    store_one(gradient + label, label_gradient);
  }
  return static_cast<float>(loss);
}

template <bool smooth, class T>
void run_rows(const CrossEntropyArgs& args, const Problem& p, int64_t begin, int64_t end,
              Sums* sums) {
  const T* logits = static_cast<const T*>(args.logits);
  T* gradients = static_cast<T*>(args.d_logits);
  for (int64_t r = begin; r < end; r++) {
    const int32_t label = args.labels[r];
    T* gradient = gradients != nullptr ? gradients + r * p.classes : nullptr;
    float loss = 0;
    if (label >= 0 && label < p.classes && !(label == p.ignore_label)) {
      loss = run_row<smooth>(p, logits + r * p.classes, label, gradient, sums);
    } else {
      const bool ignored = label == p.ignore_label && label != -1;
      loss = ignored ? 0.0f : __builtin_nanf("");
      if (gradient != nullptr) fill_row(gradient, p.classes, loss);
      if (!ignored) {
        sums->loss += static_cast<double>(loss);
        sums->rows += 1;
        sums->error |= HS_ERROR_LABEL;
      }
    }
    if (args.row_loss != nullptr) args.row_loss[r] = loss;
  }
}

Problem make_problem(const CrossEntropyArgs& args) {
  const hs_cross_entropy_desc& desc = args.desc;
  Problem p{};
  p.classes = desc.classes;
  p.chunk = (desc.classes + kMaxChunks - 1) / kMaxChunks;
  p.chunk = p.chunk < kChunk ? kChunk : (p.chunk + 63) / 64 * 64;
  p.chunks = (desc.classes + p.chunk - 1) / p.chunk;
  p.class_weights = args.class_weights;
  p.weight_total = static_cast<double>(desc.classes);
  if (args.class_weights != nullptr && desc.label_smoothing > 0) {
    p.weight_total = 0;
    for (int64_t c = 0; c < desc.classes; c++) {
      p.weight_total += static_cast<double>(args.class_weights[c]);
    }
  }
  p.hit = 1.0 - static_cast<double>(desc.label_smoothing);
  p.uniform = static_cast<double>(desc.label_smoothing) / static_cast<double>(desc.classes);
  p.gradient = desc.gradient_seed * (args.state != nullptr ? args.state->loss_scale : 1.0f);
  p.ignore_label = desc.ignore_label;
  return p;
}

}  // namespace

void cross_entropy(const CrossEntropyArgs& args) {
  const hs_cross_entropy_desc& desc = args.desc;
  if (desc.rows == 0) return;
  const Problem problem = make_problem(args);
  // Tiles by the shape alone; the sums are those of the rows of a tile in order, then of the tiles.
  int64_t span = (kTileElements + desc.classes - 1) / desc.classes;
  const int64_t least = (desc.rows + kMaxTiles - 1) / kMaxTiles;
  if (span < least) span = least;
  Sums tiles[kMaxTiles] = {};
  with_storage(desc.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const auto run = desc.label_smoothing > 0 ? run_rows<true, T> : run_rows<false, T>;
    for_spans(desc.rows, span, static_cast<double>(desc.classes) + 30,
              [&](int64_t begin, int64_t end) {
                run(args, problem, begin, end, &tiles[begin / span]);
              });
  });
  if (args.state == nullptr) return;
  hs_step_state& state = *args.state;
  for (int64_t begin = 0; begin < desc.rows; begin += span) {
    const Sums& tile = tiles[begin / span];
    state.loss_sum += tile.loss;
    state.weight += tile.weight;
    state.correct += tile.correct;
    state.rows += tile.rows;
    state.error |= tile.error;
  }
}

}  // namespace hs::cpu::HS_ISA
