// oneDNN as a yardstick: only where the build was told where it lies (HALFSTEP_ONEDNN_DIR).
#ifndef HALFSTEP_BENCH_ONEDNN_H
#define HALFSTEP_BENCH_ONEDNN_H

#include <functional>

#include "core/kernels.h"

namespace hs::bench {

// A call that multiplies what `args` says (F32, no activation, no bias gradient) with oneDNN on
// all threads; empty without oneDNN.
std::function<void()> onednn_matmul(const MatmulArgs& args);

}  // namespace hs::bench

#endif  // HALFSTEP_BENCH_ONEDNN_H
