// permute: copies x with its dimensions in another order. Bound by memory: each byte is read once
// and written once.
//
// Dimensions that remain neighbours are merged first. If the last dimension of y is then not
// contiguous in x, the plane of y's and x's last dimensions is cut into squares, which are
// transposed through a small buffer, so that whole cache lines are read and written.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileElements = 16 << 10;

// The dimensions of y, from the outermost; strides are in elements.
struct Dimension {
  int64_t extent, from, to;  // `from`: stride in x, `to`: in y
};
struct Layout {
  Dimension dimensions[6];
  int32_t rank;
  int64_t count;
};

Layout make_layout(const PermuteArgs& args) {
  int64_t strides[6];
  int64_t count = 1;
  for (int32_t i = args.rank - 1; i >= 0; i--) {
    strides[i] = count;
    count *= args.extents[i];
  }
  Layout layout{{}, 0, count};
  for (int32_t i = 0; i < args.rank; i++) {
    const int64_t extent = args.extents[args.permutation[i]];
    const int64_t stride = strides[args.permutation[i]];
    if (extent == 1) continue;
    Dimension* last = layout.rank > 0 ? &layout.dimensions[layout.rank - 1] : nullptr;
    if (last != nullptr && last->from == extent * stride) {
      last->extent *= extent;
      last->from = stride;
    } else {
      layout.dimensions[layout.rank++] = {extent, stride, 0};
    }
  }
  if (layout.rank == 0) layout.dimensions[layout.rank++] = {count, 1, 0};
  int64_t stride = 1;
  for (int32_t i = layout.rank - 1; i >= 0; i--) {
    layout.dimensions[i].to = stride;
    stride *= layout.dimensions[i].extent;
  }
  return layout;
}

// Offsets in x and y of position `index`, counted over the first `rank` dimensions without `skip`.
struct Place {
  int64_t from, to;
};
HS_INLINE Place place_of(const Layout& layout, int32_t rank, int32_t skip, int64_t index) {
  Place place{0, 0};
  for (int32_t i = rank - 1; i >= 0; i--) {
    if (i == skip) continue;
    const Dimension& d = layout.dimensions[i];
    place.from += index % d.extent * d.from;
    place.to += index % d.extent * d.to;
    index /= d.extent;
  }
  return place;
}

// For a y whose last dimension is contiguous in x: copies runs.
template <class T>
void copy_runs(const Layout& layout, const T* x, T* y) {
  const int64_t run = layout.dimensions[layout.rank - 1].extent;
  constexpr int64_t kSize = sizeof(T);
  if (layout.rank == 1) {
    for_spans(run, kTileElements, 2 * kSize * kNsPerByte, [=](int64_t begin, int64_t end) {
      __builtin_memcpy(y + begin, x + begin, static_cast<uint64_t>(end - begin) * sizeof(T));
    });
    return;
  }
  for_spans(layout.count / run, (kTileElements + run - 1) / run,
            static_cast<double>(run * 2 * kSize) * kNsPerByte + 5, [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; i++) {
                const Place place = place_of(layout, layout.rank - 1, -1, i);
                __builtin_memcpy(y + place.to, x + place.from,
                                 static_cast<uint64_t>(run) * sizeof(T));
              }
            });
}

constexpr int64_t kSquare = 16;

// Transposes a square, or the part of one at an edge: y[i * to + j] = x[i + j * from].
template <class T>
HS_INLINE void transpose_square(const T* x, int64_t from, T* y, int64_t to, int64_t rows,
                                int64_t columns) {
  T buffer[kSquare][kSquare];
  if (rows == kSquare && columns == kSquare) {
    for (int64_t j = 0; j < kSquare; j++) {
      for (int64_t i = 0; i < kSquare; i++) buffer[i][j] = x[j * from + i];
    }
    for (int64_t i = 0; i < kSquare; i++) __builtin_memcpy(y + i * to, buffer[i], sizeof buffer[i]);
    return;
  }
  for (int64_t j = 0; j < columns; j++) {
    for (int64_t i = 0; i < rows; i++) buffer[i][j] = x[j * from + i];
  }
  for (int64_t i = 0; i < rows; i++) {
    __builtin_memcpy(y + i * to, buffer[i], static_cast<uint64_t>(columns) * sizeof(T));
  }
}

template <class T>
void transpose(const Layout& layout, const T* x, T* y) {
  const Dimension last = layout.dimensions[layout.rank - 1];
  int32_t contiguous = 0;  // the dimension of y that is x's last dimension
  while (layout.dimensions[contiguous].from != 1) contiguous++;
  const Dimension first = layout.dimensions[contiguous];
  const int64_t blocks = (first.extent + kSquare - 1) / kSquare;
  const int64_t block_elements = kSquare * last.extent;
  constexpr int64_t kSize = sizeof(T);
  for_spans(layout.count / (first.extent * last.extent) * blocks,
            (kTileElements + block_elements - 1) / block_elements,
            static_cast<double>(block_elements) * (2 * kSize * kNsPerByte + 0.5),
            [&](int64_t begin, int64_t end) {
              for (int64_t b = begin; b < end; b++) {
                const Place place = place_of(layout, layout.rank - 1, contiguous, b / blocks);
                const int64_t i = b % blocks * kSquare;
                const int64_t rows = i + kSquare < first.extent ? kSquare : first.extent - i;
                for (int64_t j = 0; j < last.extent; j += kSquare) {
                  const int64_t columns = j + kSquare < last.extent ? kSquare : last.extent - j;
                  transpose_square(x + place.from + i + j * last.from, last.from,
                                   y + place.to + i * first.to + j, first.to, rows, columns);
                }
              }
            });
}

template <class T>
void run(const PermuteArgs& args) {
  const Layout layout = make_layout(args);
  if (layout.count == 0) return;
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  if (layout.dimensions[layout.rank - 1].from == 1) {
    copy_runs(layout, x, y);
  } else {
    transpose(layout, x, y);
  }
}

}  // namespace

void permute(const PermuteArgs& args) {
  switch (args.type) {
    case HS_U8:
      return run<uint8_t>(args);
    case HS_BF16:
    case HS_F16:
      return run<uint16_t>(args);
    case HS_F32:
    case HS_I32:
      return run<uint32_t>(args);
    default:
      return run<uint64_t>(args);
  }
}

}  // namespace hs::cpu::HS_ISA
