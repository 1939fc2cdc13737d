// The kernels that a backend must have, each with the arguments that it is given. Core checks the
// arguments (kernel_calls.cpp and its neighbours); a backend may rely on that. Pointers are
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
#define HS_KERNELS(X)                            \
  X(fill, FillArgs)                              \
  X(copy, CopyArgs)                              \
  X(cast, CastArgs)                              \
  X(random_normal, RandomArgs)                   \
  X(random_uniform, RandomArgs)                  \
  X(gather, GatherArgs)                          \
  X(matmul, MatmulArgs)                          \
  X(activation_forward, ActivationArgs)          \
  X(activation_backward, ActivationBackwardArgs) \
  X(cross_entropy, CrossEntropyArgs)             \
  X(optimizer_step, OptimizerArgs)               \
  X(gradient_check, GradientCheckArgs)           \
  X(micro_step_end, MicroStepEndArgs)            \
  X(step_end, StepEndArgs)

// One function a kernel. `queue` is what the backend's stream_create gave (null for a call without
// a stream on the CPU).
struct KernelTable {
#define HS_KERNEL_MEMBER(name, Args) hs_status (*name)(void* queue, const Args& args);
  HS_KERNELS(HS_KERNEL_MEMBER)
#undef HS_KERNEL_MEMBER
};

}  // namespace hs

#endif  // HALFSTEP_CORE_KERNELS_H
