// Windows of few values in shared memory; each window is a row of floats. See engine_direct.h.
#ifndef HALFSTEP_CUDA_PRODUCT_DIRECT_WINDOWS_H
#define HALFSTEP_CUDA_PRODUCT_DIRECT_WINDOWS_H

#include "cuda/elementwise.h"
#include "cuda/product/operands.h"
#include "cuda/product/tile.h"

namespace hs::cuda {

static_assert(kTilePixels == kWarpSize);

// A value of the window: its row y, column x and element offset `at`, relative to the first value.
struct alignas(16) Tap {
  int y, x, at, unused;
};

// A row that lies outside of every image: an image with that many rows would have more than 2^31
// values.
constexpr int kNowhere = -0x40000000;

template <int kDepth>
HS_DEVICE void put_taps(const Window& window, int depth, Tap (&taps)[kDepth]) {
  const unsigned d = threadIdx.x;
  if (d >= kDepth) return;
  unsigned channel, column;
  const unsigned tap = window.of_channels.quotient(d, channel);
  const unsigned row = window.taps_of_row.quotient(tap, column);
  const int y = window.rows.of_tap(row), x = window.columns.of_tap(column);
  const int at = (y * window.columns.extent + x) * window.channels + static_cast<int>(channel);
  taps[d] = static_cast<int>(d) < depth ? Tap{y, x, at, 0} : Tap{kNowhere, 0, 0, 0};
}

// Writes the window of output `pixel` to `row`, or zeros if there are only `pixels` outputs.
template <class T, int kDepth>
HS_DEVICE void put_window(const Window& window, const T* source, std::int64_t pixel,
                          std::int64_t pixels, const Tap (&taps)[kDepth], float* row) {
  const bool exists = pixel < pixels;
  unsigned i, j;
  const unsigned line = window.of_columns.quotient(exists ? static_cast<unsigned>(pixel) : 0, j);
  const unsigned image = window.of_rows.quotient(line, i);
  const int y = window.rows.of_output(i), x = window.columns.of_output(j);
  const T* first = source + image * window.image_size +
                   (std::int64_t{y} * window.columns.extent + x) * window.channels;
  constexpr int kAtOnce = kDepth <= 12 ? 12 : 4;  // with more, the gradients' sums would spill
  HS_UNROLL for (int d = 0; d < kDepth; d += kAtOnce) {
    float values[kAtOnce] = {};
    HS_UNROLL for (int e = 0; e < kAtOnce; ++e) {
      if (d + e >= kDepth) continue;
      const Tap tap = taps[d + e];
      const bool inside =
          exists && window.rows.is_inside(y + tap.y) && window.columns.is_inside(x + tap.x);
      if (inside) values[e] = to_float(first[tap.at]);
    }
    HS_UNROLL for (int e = 0; e < kAtOnce; e += 4) {
      if (d + e >= kDepth) continue;
      const float four[] = {values[e], values[e + 1], values[e + 2], values[e + 3]};
      store_elements(row + d + e, four);
    }
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_DIRECT_WINDOWS_H
