// oneDNN as a yardstick: only where the build was told where it lies (HALFSTEP_ONEDNN_DIR).
#ifndef HALFSTEP_BENCH_ONEDNN_H
#define HALFSTEP_BENCH_ONEDNN_H

#include <functional>

#include "core/kernels.h"

namespace hs::bench {

// A call that multiplies what `args` says (F32, no activation, no bias gradient) with oneDNN on
// all threads; empty without oneDNN.
std::function<void()> onednn_matmul(const MatmulArgs& args);

// The same for the convolutions (F32, no activation, no bias): NHWC, the weights and their gradient
// in oneDNN's own layout, as a program keeps them that only uses oneDNN.
std::function<void()> onednn_conv2d(const Conv2dArgs& args);
std::function<void()> onednn_conv2d_backward_data(const Conv2dBackwardDataArgs& args);
std::function<void()> onednn_conv2d_backward_weights(const Conv2dBackwardWeightsArgs& args);

}  // namespace hs::bench

#endif  // HALFSTEP_BENCH_ONEDNN_H
