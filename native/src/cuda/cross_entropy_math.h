// Softmax cross-entropy of one row: the formulas that its kernels share, however many threads share
// a row.
#ifndef HALFSTEP_CUDA_CROSS_ENTROPY_MATH_H
#define HALFSTEP_CUDA_CROSS_ENTROPY_MATH_H

#include "core/kernels.h"
#include "cuda/elementwise.h"
#include "cuda/ptx/math.h"
#include "cuda/reduce.h"

namespace hs::cuda {

// Sums over a row, where m is its largest logit.
struct RowSums {
  float exponentials;  // sum of exp(x - m)
  float distance;      // sum of w (m - x); only with smoothing
  float weight;        // sum of w; only with smoothing
  float label_logit;   // x of the label; 0 in the threads that do not have it
  HS_DEVICE RowSums operator+(const RowSums& o) const {
    return {exponentials + o.exponentials, distance + o.distance, weight + o.weight,
            label_logit + o.label_logit};
  }
};

// Sums over rows, which are added to the state.
struct BatchSums {
  double loss, weight, correct, rows;
  HS_DEVICE BatchSums operator+(const BatchSums& o) const {
    return {loss + o.loss, weight + o.weight, correct + o.correct, rows + o.rows};
  }
};

// Values that all rows have in common.
struct CrossEntropy {
  const float* class_weights;
  float hit, uniform;  // q = hit onehot + uniform
  float gradient;      // loss gradients are multiplied by it

  HS_DEVICE explicit CrossEntropy(const CrossEntropyArgs& args)
      : class_weights(args.class_weights),
        hit(1.0f - args.desc.label_smoothing),
        uniform(args.desc.label_smoothing / static_cast<float>(args.desc.classes)),
        gradient(args.desc.gradient_seed *
                 (args.state != nullptr ? args.state->loss_scale : 1.0f)) {}

  HS_DEVICE float weight(std::int64_t c) const {
    return class_weights != nullptr ? class_weights[c] : 1.0f;
  }

  // Adds the logits of classes c, c + 1 ... to the row's sums.
  template <int kCount>
  HS_DEVICE void add(RowSums& sums, const float (&x)[kCount], std::int64_t c, float largest,
                     int label) const {
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      sums.exponentials += exp_approx(x[e] - largest);
      if (c + e == label) sums.label_logit = x[e];
    }
    if (uniform > 0) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) {
        float w = weight(c + e);
        sums.distance += w * (largest - x[e]);
        sums.weight += w;
      }
    }
  }
};

// The results of a row, computed from its sums.
struct RowResult {
  float loss, label_weight;
  float scale;  // the gradient is scale exp(x - m) - gradient q w
  float largest;

  HS_DEVICE RowResult(const CrossEntropy& p, const RowSums& sums, float m, int label)
      : label_weight(p.weight(label)), largest(m) {
    float log_sum = logf(sums.exponentials);
    loss = p.hit * label_weight * (m - sums.label_logit + log_sum);
    float all = p.hit * label_weight;
    if (p.uniform > 0) {
      loss += p.uniform * (sums.distance + sums.weight * log_sum);
      all += p.uniform * sums.weight;
    }
    scale = p.gradient * all / sums.exponentials;
  }

  // Turns the logits of classes c, c + 1 ... into their gradients.
  template <int kCount>
  HS_DEVICE void gradient(const CrossEntropy& p, float (&x)[kCount], std::int64_t c,
                          int label) const {
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      x[e] = scale * exp_approx(x[e] - largest);
      if (c + e == label) x[e] -= p.gradient * p.hit * label_weight;
    }
    if (p.uniform > 0) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) x[e] -= p.gradient * p.uniform * p.weight(c + e);
    }
  }
};

enum class RowKind { kClass, kIgnored, kInvalid };

HS_DEVICE RowKind row_kind(const hs_cross_entropy_desc& desc, int label) {
  if (label == desc.ignore_label && label != -1) return RowKind::kIgnored;
  return label >= 0 && label < desc.classes ? RowKind::kClass : RowKind::kInvalid;
}

// Called by one thread per row: writes row_loss and adds the row to the sums of the batch.
HS_DEVICE void record_row(const CrossEntropyArgs& args, std::int64_t row, RowKind kind, float loss,
                          float weight, bool correct, BatchSums& batch) {
  if (args.row_loss != nullptr) args.row_loss[row] = loss;
  if (kind == RowKind::kIgnored) return;
  if (kind == RowKind::kInvalid && args.state != nullptr) {
    atomicOr(&args.state->error, static_cast<unsigned>(HS_ERROR_LABEL));
  }
  bool counts = correct && loss == loss;  // with a NaN among its logits a row is not correct
  batch = batch + BatchSums{loss, weight, counts ? 1.0 : 0.0, 1.0};
}

// The loss and the gradient of a row whose label is not a class.
HS_DEVICE float loss_without_class(RowKind kind) {
  return kind == RowKind::kIgnored ? 0.0f : __builtin_nanf("");
}

struct BatchScratch {
  BlockScratch<BatchSums> sums;
  unsigned last;
};

// Adds the sums of the batch to the state. All threads of the grid call this at the end.
template <unsigned kThreads>
HS_DEVICE void add_to_state(const CrossEntropyArgs& args, BatchSums batch, void* workspace,
                            BatchScratch& scratch) {
  if (args.state == nullptr) return;
  batch = block_reduce<kThreads>(batch, Sum<BatchSums>{}, scratch.sums);
  if (!grid_reduce<kThreads>(&batch, Sum<BatchSums>{}, workspace, scratch.sums, scratch.last)) {
    return;
  }
  if (threadIdx.x == 0) {
    args.state->loss_sum += batch.loss;
    args.state->weight += batch.weight;
    args.state->correct += batch.correct;
    args.state->rows += batch.rows;
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_CROSS_ENTROPY_MATH_H
