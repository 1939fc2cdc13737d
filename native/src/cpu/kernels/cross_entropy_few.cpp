// Softmax cross-entropy of few classes: a vector holds one class of kLanes rows, so that vectors
// are full although rows are shorter. Bound by the exponentials and by the two moves per element
// that change the order of the elements and change it back.
#include "cpu/kernels/cross_entropy.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

// kLanes rows: `columns` holds them class by class, `rows` row by row, as in memory.
struct Block {
  alignas(64) float columns[kFewClasses * kLanes];
  alignas(64) float rows[kFewClasses * kLanes];
};

HS_INLINE vf column(const Block& block, int64_t c) { return load(block.columns + c * kLanes); }

template <class T>
HS_INLINE void load_block(const T* x, int64_t rows, int64_t classes, Block* block) {
  for_vectors(0, rows * classes,
              [&](int64_t i, auto lanes) { store(block->rows + i, load(x + i, lanes), lanes); });
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < classes; c++) {
      block->columns[c * kLanes + r] = block->rows[r * classes + c];
    }
  }
}

template <class T>
HS_INLINE void store_block(Block* block, int64_t rows, int64_t classes, T* x) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < classes; c++) {
      block->rows[r * classes + c] = block->columns[c * kLanes + r];
    }
  }
  for_vectors(0, rows * classes,
              [&](int64_t i, auto lanes) { store(x + i, load(block->rows + i, lanes), lanes); });
}

// Computes one block of `rows` rows.
template <class T>
HS_INLINE void run_block(const CrossEntropyArgs& args, const CrossEntropyProblem& p, int64_t first,
                         int64_t rows, Block* block, CrossEntropySums* sums) {
  const int64_t classes = p.classes;
  const float* weights = p.class_weights;
  load_block(static_cast<const T*>(args.logits) + first * classes, rows, classes, block);
  const int32_t* labels = args.labels + first;
  const vi label = rows == kLanes ? load_words(labels) : load_words(labels, first_lanes(rows));
  const vi inside = iota() < set1_int(static_cast<int32_t>(rows));
  const vi ignored = inside & (label == p.ignore_label) & (label != -1);
  const vi valid = inside & (label >= 0) & (label < static_cast<int32_t>(classes)) & ~ignored;
  const vi invalid = inside & ~(valid | ignored);

  vf maximum = column(*block, 0), label_logit{}, label_weight = set1(1.0f);
  vi largest{};  // the first class with the largest logit
  for (int64_t c = 0; c < classes; c++) {
    const vi here = set1_int(static_cast<int32_t>(c));
    const vf x = column(*block, c);
    largest = x > maximum ? here : largest;
    maximum = x > maximum ? x : maximum;
    label_logit = label == here ? x : label_logit;
    if (weights != nullptr) label_weight = label == here ? set1(weights[c]) : label_weight;
  }
  maximum = max(set1(kLowest), maximum);
  vf sum{}, distance{};
  for (int64_t c = 0; c < classes; c++) {
    const vf d = column(*block, c) - maximum;
    const vf e = exp_nonpositive(d);
    store(block->columns + c * kLanes, e);
    sum += e;
    distance -= d * (weights != nullptr ? weights[c] : 1.0f);
  }
  const vf log_sum = log(sum);
  vf loss = p.hit * label_weight * ((maximum - label_logit) + log_sum);
  if (p.uniform > 0) loss += p.uniform * (distance + p.weight_total * log_sum);
  const vi hit = valid & (largest == label) & (loss == loss);  // a loss of NaN is not correct
  loss = valid ? loss : vf{};

  sums->loss += static_cast<double>(reduce_add(loss));
  sums->weight += static_cast<double>(reduce_add(valid ? label_weight : vf{}));
  sums->correct += static_cast<double>(reduce_add(hit ? set1(1.0f) : vf{}));
  sums->rows += static_cast<double>(reduce_add((valid | invalid) ? set1(1.0f) : vf{}));
  const vf nan = set1(__builtin_nanf(""));
  if (reduce_max(invalid ? set1(1.0f) : vf{}) > 0) {
    sums->error |= HS_ERROR_LABEL;
    sums->loss += static_cast<double>(nan[0]);
    loss = invalid ? nan : loss;
  }
  if (args.row_loss != nullptr) store(args.row_loss + first, loss, first_lanes(rows));
  if (args.d_logits == nullptr) return;

  const vf scale = p.gradient * (p.hit * label_weight + p.uniform * p.weight_total) / sum;
  for (int64_t c = 0; c < classes; c++) {
    const float offset = p.gradient * p.uniform * (weights != nullptr ? weights[c] : 1.0f);
    const vf own =
        label == set1_int(static_cast<int32_t>(c)) ? p.gradient * p.hit * label_weight : vf{};
    const vf gradient = scale * column(*block, c) - (own + offset);
    store(block->columns + c * kLanes, valid ? gradient : invalid ? nan : vf{});
  }
  store_block(block, rows, classes, static_cast<T*>(args.d_logits) + first * classes);
}

}  // namespace

void cross_entropy_few(const CrossEntropyArgs& args, const CrossEntropyProblem& problem,
                       int64_t begin, int64_t end, CrossEntropySums* sums) {
  Block block{};
  with_storage(args.desc.type, [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t first = begin; first < end; first += kLanes) {
      const int64_t rows = end - first < kLanes ? end - first : kLanes;
      run_block<T>(args, problem, first, rows, &block, sums);
    }
  });
}

}  // namespace hs::cpu::HS_ISA
