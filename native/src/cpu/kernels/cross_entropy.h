// Declarations that the two implementations of softmax cross-entropy share.
#ifndef HALFSTEP_CPU_KERNELS_CROSS_ENTROPY_H
#define HALFSTEP_CPU_KERNELS_CROSS_ENTROPY_H

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

// Values that all rows have in common. With q = hit onehot + uniform and class weights w, the loss
// of a row is hit w_label (lse - x_label) + uniform sum_c w_c (lse - x_c), where lse is the
// logarithm of the sum of exponentials; its gradient is (hit w_label + uniform sum w) softmax - w
// q.
struct CrossEntropyProblem {
  int64_t classes;
  const float* class_weights;
  float weight_total;  // sum of the weights of all classes
  float hit, uniform;
  float gradient;  // loss gradients are multiplied by it
  int32_t ignore_label;
};

// Sums over some rows, added in their order.
struct CrossEntropySums {
  double loss, weight, correct, rows;
  uint32_t error;
};

// Computes rows [begin, end) of at most kFewClasses classes: a vector holds one class of several
// rows.
inline constexpr int64_t kFewClasses = 32;
void cross_entropy_few(const CrossEntropyArgs& args, const CrossEntropyProblem& problem,
                       int64_t begin, int64_t end, CrossEntropySums* sums);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_CROSS_ENTROPY_H
