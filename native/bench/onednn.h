// oneDNN as a peer; only available if the build was told its folder (HALFSTEP_ONEDNN_DIR).
#ifndef HALFSTEP_BENCH_ONEDNN_H
#define HALFSTEP_BENCH_ONEDNN_H

#include <functional>

#include "core/kernels.h"

namespace hs::bench {

// A function that computes the product of `args` (F32, no activation, no bias gradient) with oneDNN
// on all threads; empty without oneDNN.
std::function<void()> onednn_matmul(const MatmulArgs& args);

// The same for the convolutions (F32, no activation, no bias). Images are NHWC; the weights and
// their gradient are in oneDNN's own layout, as in a program that only uses oneDNN.
std::function<void()> onednn_conv2d(const Conv2dArgs& args);
std::function<void()> onednn_conv2d_backward_data(const Conv2dBackwardDataArgs& args);
std::function<void()> onednn_conv2d_backward_weights(const Conv2dBackwardWeightsArgs& args);

}  // namespace hs::bench

#endif  // HALFSTEP_BENCH_ONEDNN_H
