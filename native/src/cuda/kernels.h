// The kernels' launchers: each checks nothing (core has), launches, and returns at once. The plug-in
// and the simulated device share the table.
#ifndef HALFSTEP_CUDA_KERNELS_H
#define HALFSTEP_CUDA_KERNELS_H

#include "core/kernels.h"

namespace hs::cuda {

// X(name of the kernel, type of its arguments): those of HS_KERNELS that exist here.
#define HS_CUDA_KERNELS(X)                              \
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
  X(gradient_check, GradientCheckArgs)                  \
  X(micro_step_end, MicroStepEndArgs)                   \
  X(step_end, StepEndArgs)

#define HS_DECLARE(name, Args) hs_status name(void* queue, const Args& args);
HS_CUDA_KERNELS(HS_DECLARE)
#undef HS_DECLARE

// Kernels that do not exist here answer HS_UNSUPPORTED.
KernelTable kernel_table();

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_KERNELS_H
