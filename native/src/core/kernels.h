// The kernels that a backend must have, each with the arguments that it is given. Core checks the
// arguments (core/calls_*.cpp); a backend may rely on that. Pointers are
// addresses in the device's memory. Args are plain data: command lists copy them.
#ifndef HALFSTEP_CORE_KERNELS_H
#define HALFSTEP_CORE_KERNELS_H

#include "halfstep.h"

namespace hs {

struct FillArgs {
  hs_dtype type;
  void* dst;
  int64_t count;
  double value;
};

struct CopyArgs {
  void* dst;
  const void* src;
  uint64_t bytes;
};

struct CastArgs {
  hs_dtype src_type;
  const void* src;
  hs_dtype dst_type;
  void* dst;
  int64_t count;
};

// normal: first = mean, second = deviation; uniform: first = low, second = high.
struct RandomArgs {
  float* dst;
  int64_t count;
  uint64_t seed, sequence;
  float first, second;
};

struct GatherArgs {
  hs_gather_desc desc;
  const void* src;
  const int32_t* order;
  hs_step_state* state;
  const float* scale;
  const float* shift;
  void* dst;
};

struct MatmulArgs {
  hs_matmul_desc desc;
  const void* a;
  const void* b;
  void* c;
  const float* bias;
  void* aux;
  float* bias_grad;
  bool tf32 = false;  // whether F32 operands may be rounded to TF32
};

struct Conv2dArgs {
  hs_conv2d_desc desc;
  const void* x;
  const void* weights;
  const float* bias;
  void* aux;
  void* y;
  bool tf32 = false;
};

struct Conv2dBackwardDataArgs {
  hs_conv2d_desc desc;
  const void* dy;
  const void* weights;
  float beta;
  void* dx;
  bool tf32 = false;
};

struct Conv2dBackwardWeightsArgs {
  hs_conv2d_desc desc;
  const void* x;
  const void* dy;
  float beta;
  float* d_weights;
  float* d_bias;
  bool tf32 = false;
};

struct Pool2dArgs {
  hs_pool2d_desc desc;
  const void* x;
  void* y;
  uint8_t* index;
};

struct Pool2dBackwardArgs {
  hs_pool2d_desc desc;
  const void* dy;
  const uint8_t* index;
  void* dx;
};

struct ResizeArgs {
  hs_resize_desc desc;
  const void* x;
  void* y;
};

struct ResizeBackwardArgs {
  hs_resize_desc desc;
  const void* dy;
  void* dx;
};

struct ActivationArgs {
  hs_activation activation;
  hs_dtype type;
  int64_t count;
  const void* x;
  void* y;
};

struct ActivationBackwardArgs {
  hs_activation activation;
  hs_dtype type;
  int64_t count;
  const void* dy;
  const void* saved;
  void* dx;
};

struct CrossEntropyArgs {
  hs_cross_entropy_desc desc;
  const void* logits;
  const int32_t* labels;
  const float* class_weights;
  hs_step_state* state;
  void* d_logits;
  float* row_loss;
};

struct ElementwiseArgs {
  hs_binary op;
  hs_dtype type;
  int64_t count, period;
  const void* a;
  const void* b;
  void* y;
};

struct ScaleAddArgs {
  hs_dtype type;
  int64_t count;
  float alpha;
  const void* x;
  float beta;
  void* y;
};

struct DropoutArgs {
  hs_dtype type;
  int64_t count;
  float rate;
  uint64_t seed;
  uint32_t operation;
  const hs_step_state* state;
  const void* x;
  void* y;
};

struct BatchNormTrainingArgs {
  hs_batch_norm_desc desc;
  const void* x;
  const float* gamma;
  const float* beta;
  const void* residual;
  void* y;
  float* running_mean;
  float* running_variance;
  float* saved_mean;
  float* saved_invstd;
};

struct BatchNormInferenceArgs {
  hs_batch_norm_desc desc;
  const void* x;
  const float* gamma;
  const float* beta;
  const void* residual;
  void* y;
  const float* running_mean;
  const float* running_variance;
};

struct BatchNormBackwardArgs {
  hs_batch_norm_desc desc;
  const void* dy;
  const void* x;
  const void* y;
  const float* gamma;
  const float* saved_mean;
  const float* saved_invstd;
  void* dx;
  void* d_residual;
  float* d_gamma;
  float* d_beta;
  float accumulate;
};

struct GroupNormArgs {
  hs_group_norm_desc desc;
  const void* x;
  const float* gamma;
  const float* beta;
  void* y;
  float* saved_mean;
  float* saved_invstd;
};

struct GroupNormBackwardArgs {
  hs_group_norm_desc desc;
  const void* dy;
  const void* x;
  const float* gamma;
  const float* saved_mean;
  const float* saved_invstd;
  void* dx;
  float* d_gamma;
  float* d_beta;
  float accumulate;
};

struct SoftmaxArgs {
  hs_softmax_desc desc;
  const void* x;
  void* y;
  const int32_t* tokens;
};

struct SoftmaxBackwardArgs {
  hs_softmax_desc desc;
  const void* dy;
  const void* y;
  void* dx;
};

struct ReduceArgs {
  hs_reduce_desc desc;
  const void* x;
  void* y;
  int32_t* index;
};

struct ReduceBackwardArgs {
  hs_reduce_desc desc;
  const void* dy;
  const int32_t* index;
  void* dx;
};

struct PermuteArgs {
  hs_dtype type;
  int32_t rank;
  int64_t extents[6];
  int32_t permutation[6];
  const void* x;
  void* y;
};

struct CopyRowsArgs {
  int64_t rows;
  uint64_t row_bytes;
  const void* src;
  uint64_t src_pitch;
  void* dst;
  uint64_t dst_pitch;
};

struct EmbeddingArgs {
  hs_dtype type;
  int64_t vocabulary, width, count;
  const void* table;
  const int32_t* tokens;
  hs_step_state* state;
  void* y;
};

struct EmbeddingBackwardArgs {
  hs_dtype type;
  int64_t vocabulary, width, count;
  const void* dy;
  const int32_t* tokens;
  float beta;
  float* d_table;
  int32_t* workspace;
};

struct PointwiseLossArgs {
  hs_loss loss;
  hs_dtype type;
  int64_t rows, count;
  float gradient_seed;
  const void* prediction;
  const float* target;
  hs_step_state* state;
  void* d_prediction;
};

struct GradientStatisticsArgs {
  int64_t count;
  const float* x;
  const hs_step_state* state;
  hs_statistics* statistics;
};

struct OptimizerArgs {
  hs_optimizer_desc desc;
  int64_t count;
  float* parameters;
  const float* gradients;
  float* moment1;
  float* moment2;
  void* copy;
  hs_step_state* state;
  const hs_schedule_row* schedule;
  const hs_segment* segments;
  int32_t segment_count;
  double* workspace;
};

// A product whose C is a run of the gradients, and the step of the optimizer behind it. Recorded in
// place of the two, so that gradients are used while they are in the caches.
struct MatmulUpdateArgs {
  MatmulArgs product;
  OptimizerArgs update;
};

struct GradientCheckArgs {
  int64_t count;
  const float* gradients;
  hs_step_state* state;
  float weight_units, max_norm;
};

struct MicroStepEndArgs {
  hs_step_state* state;
  int64_t rows;
};

struct StepEndArgs {
  hs_step_state* state;
  const hs_schedule_row* schedule;
  hs_scaler scaler;
  bool scaling;  // whether `scaler` holds
  hs_step_record* ring;
  int64_t capacity;
};

// X(name of the kernel, type of its arguments)
#define HS_KERNELS(X)                                   \
  X(fill, FillArgs)                                     \
  X(copy, CopyArgs)                                     \
  X(cast, CastArgs)                                     \
  X(random_normal, RandomArgs)                          \
  X(random_uniform, RandomArgs)                         \
  X(gather, GatherArgs)                                 \
  X(matmul, MatmulArgs)                                 \
  X(conv2d, Conv2dArgs)                                 \
  X(conv2d_backward_data, Conv2dBackwardDataArgs)       \
  X(conv2d_backward_weights, Conv2dBackwardWeightsArgs) \
  X(pool2d, Pool2dArgs)                                 \
  X(pool2d_backward, Pool2dBackwardArgs)                \
  X(resize, ResizeArgs)                                 \
  X(resize_backward, ResizeBackwardArgs)                \
  X(activation_forward, ActivationArgs)                 \
  X(activation_backward, ActivationBackwardArgs)        \
  X(cross_entropy, CrossEntropyArgs)                    \
  X(elementwise, ElementwiseArgs)                       \
  X(scale_add, ScaleAddArgs)                            \
  X(dropout, DropoutArgs)                               \
  X(batch_norm_training, BatchNormTrainingArgs)         \
  X(batch_norm_inference, BatchNormInferenceArgs)       \
  X(batch_norm_backward, BatchNormBackwardArgs)         \
  X(group_norm, GroupNormArgs)                          \
  X(group_norm_backward, GroupNormBackwardArgs)         \
  X(softmax, SoftmaxArgs)                               \
  X(softmax_backward, SoftmaxBackwardArgs)              \
  X(reduce, ReduceArgs)                                 \
  X(reduce_backward, ReduceBackwardArgs)                \
  X(permute, PermuteArgs)                               \
  X(copy_rows, CopyRowsArgs)                            \
  X(embedding, EmbeddingArgs)                           \
  X(embedding_backward, EmbeddingBackwardArgs)          \
  X(pointwise_loss, PointwiseLossArgs)                  \
  X(gradient_statistics, GradientStatisticsArgs)        \
  X(optimizer_step, OptimizerArgs)                      \
  X(matmul_update, MatmulUpdateArgs)                    \
  X(gradient_check, GradientCheckArgs)                  \
  X(micro_step_end, MicroStepEndArgs)                   \
  X(step_end, StepEndArgs)

// One function a kernel. `stream` is what the backend's stream_create gave (null for a call without
// a stream on the CPU).
struct KernelTable {
#define HS_KERNEL_MEMBER(name, Args) hs_status (*name)(void* stream, const Args& args);
  HS_KERNELS(HS_KERNEL_MEMBER)
#undef HS_KERNEL_MEMBER
};

}  // namespace hs

#endif  // HALFSTEP_CORE_KERNELS_H
