// Convolution, y = activation(conv(x, weights) + bias), and dx, the gradient of its input.
//
// 2 n p q k r s c / groups FLOP; bytes: x, y and the weights once. Floor: the machine's peak of
// multiply-adds, or memory where r s c / groups or k is small.
// Design: an implicit matrix product [n p q, r s c] x [r s c, k] with the register kernels of
// matmul. The weights are packed once per call. If windows overlap and have enough channels, a tile
// is whole rows of output pixels; it copies the part of the images that their windows cover once
// and reads the first matrix from that copy (conv2d_patch.h). Otherwise a tile is 96 pixels and
// copies the rows of the first matrix that it needs, in blocks of at most 256 columns. dx is the
// same product of dy with the filters reversed, one product for each phase of the strides. Measured
// (xeon-avx512-2cores, 2026-11-22): 52-73 % of the floor if c and k are 32 or more, 0.7-1.15 x
// oneDNN (0.5-0.6 x for 512 channels of 7 x 7, where oneDNN keeps the weights packed between
// calls); forward 55 % with 1 input channel, 33 % with 3. With 1 or 3 output channels most lanes
// are idle: 6-8 %. With patches (an AMD EPYC with AVX-512, one of two cores, 2026-11-27): 64 x 14 x
// 14 x 32 -> 64 channels, 3 x 3, reaches 94 % of the floor forward and 91 % backward, where it was
// 84 and 83 % without; copying the patches takes 3 and 7 % of the time.
#include "cpu/kernels/conv2d.h"
#include "cpu/kernels/conv2d_patch.h"
#include "cpu/kernels/matmul_pack.h"

namespace hs::cpu::HS_ISA {

namespace {

int64_t output_extent(int64_t input, int64_t window, int64_t stride, int64_t pad,
                      int64_t dilation) {
  return (input + 2 * pad - dilation * (window - 1) - 1) / stride + 1;
}

Axis forward_axis(int64_t extent, int64_t window, int64_t stride, int64_t pad, int64_t dilation) {
  const int64_t outputs = output_extent(extent, window, stride, pad, dilation);
  return {extent, outputs, window, stride, -pad, dilation, 0, 1, outputs, 0, 1};
}

// One axis of the product that computes the pixels of dx at `phase` + i * stride. Only the taps t
// for which phase + pad - t * dilation is a multiple of the stride contribute to them: every
// `every`th tap. They are used from the last to the first, so that their places in dy ascend.
Axis backward_axis(int64_t extent, int64_t window, int64_t stride, int64_t pad, int64_t dilation,
                   int64_t phase) {
  int64_t every = 1;  // at most the window, for which one tap at most is left
  while (every < window && every * dilation % stride != 0) ++every;
  int64_t first = 0;
  while (first < every && (phase + pad - first * dilation) % stride != 0) ++first;
  Axis axis{};
  axis.extent = output_extent(extent, window, stride, pad, dilation);
  axis.outputs = phase < extent ? (extent - phase + stride - 1) / stride : 0;
  axis.taps = first < every && first < window ? (window - 1 - first) / every + 1 : 0;
  axis.tap_first = first + (axis.taps - 1) * every;
  axis.tap_step = -every;
  axis.step = 1;
  axis.first = (phase + pad - axis.tap_first * dilation) / stride;
  axis.spacing = larger(1, every * dilation / stride);
  axis.out_first = phase;
  axis.out_step = stride;
  axis.out_extent = extent;
  return axis;
}

// The implicit matrix products of a convolution, one for each group of channels.
class ImplicitProduct {
 public:
  // `columns` are the output channels of a group.
  ImplicitProduct(const Window& window, hs_dtype type, const void* source, int64_t groups,
                  int64_t columns, const Finish& finish)
      : w_(window),
        type_(type),
        source_(source),
        groups_(groups),
        columns_(columns),
        f_(finish),
        depth_(window.depth()),
        patched_(Patch::suits(window)),
        blocks_(cut(depth_, larger(1, ceil_div(depth_, patched_ ? kMaxPatchDepth : kMaxDepth)))),
        panels_(cut(ceil_div(columns, kLanes), ceil_div(ceil_div(columns, kLanes), kMaxVectors))),
        simple_(finish.type == HS_F32 && finish.activation != HS_GELU && finish.aux == nullptr &&
                window.rows.out_step == 1 && window.columns.out_step == 1) {}

  // pack(group, first column, columns, width, panel) packs the weights [depth, columns] so that
  // element (d, column) lies at panel[d * width + column].
  template <class Pack>
  void run(const Pack& pack) {
    const int64_t pixels = w_.pixels();
    if (pixels == 0) return;
    const int64_t size = groups_ * columns_begin(panels_.parts) * depth_;
    packed_ = static_cast<float*>(thread_scratch(Scratch::kCall, (size + 16) * 4));
    parallel_for(
        groups_ * panels_.parts, static_cast<double>(size) * 4 * kNsPerByte, [&](int64_t i) {
          const int64_t group = i / panels_.parts, panel = i % panels_.parts;
          const int64_t begin = columns_begin(panel), end = columns_begin(panel + 1);
          pack(group, begin, smaller(end, columns_) - begin, end - begin, panel_of(group, panel));
        });
    // If tiles copy patches, each has whole rows of pixels.
    const int64_t unit = patched_ ? w_.columns.outputs : 1, units = pixels / unit;
    int64_t down = ceil_div(units, patched_ ? Patch::most_rows(w_) : kTilePixels);
    if (patched_) {
      const int64_t wanted = smaller(kFewTiles / (groups_ * panels_.parts), pixels / kLeastPixels);
      down = larger(down, smaller(wanted, units));
    }
    const Cut tiles = cut(units, down);
    const int64_t across = larger(1, smaller(panels_.parts, kFewTiles / (down * groups_)));
    const double fmas = static_cast<double>(pixels * depth_) *
                        static_cast<double>(groups_ * ceil_div(columns_, kLanes));
    parallel_for(down * groups_ * across, fmas * kNsPerFma, [&](int64_t tile) {
      const int64_t begin = tiles.begin(tile / across / groups_) * unit;
      const int64_t end = tiles.begin(tile / across / groups_ + 1) * unit;
      const Cut parts = cut(panels_.parts, across);
      run_tile(begin, end - begin, tile / across % groups_, parts.begin(tile % across),
               parts.begin(tile % across + 1));
    });
  }

 private:
  static constexpr int64_t kMaxDepth = 256;       // of a block, so that its panel stays in L2
  static constexpr int64_t kMaxPatchDepth = 640;  //   with patches, which leave more room in L2
  static constexpr int64_t kMaxRuns = kMaxPatchDepth / kLeastRun + 2;  // of such a block
  static constexpr int64_t kTilePixels = 96;   // a multiple of the rows of most register tiles
  static constexpr int64_t kFewTiles = 16;     // with fewer tiles, the columns are split as well
  static constexpr int64_t kLeastPixels = 24;  // of a tile that copies a patch

  int64_t columns_begin(int64_t panel) const { return panels_.begin(panel) * kLanes; }
  float* panel_of(int64_t group, int64_t panel) const {
    return packed_ + (group * columns_begin(panels_.parts) + columns_begin(panel)) * depth_;
  }

  void run_tile(int64_t begin, int64_t count, int64_t group, int64_t first, int64_t last) const;

  const Window w_;
  const hs_dtype type_;
  const void* const source_;
  const int64_t groups_, columns_;
  const Finish f_;
  const int64_t depth_;
  const bool patched_;
  const Cut blocks_;   // blocks of depth_, added one after the other
  const Cut panels_;   // panels of columns_, counted in vectors
  const bool simple_;  // the register kernel writes the output itself
  float* packed_ = nullptr;
};

// Computes the output pixels [begin, begin + count) for the columns of panels [first, last).
void ImplicitProduct::run_tile(int64_t begin, int64_t count, int64_t group, int64_t first,
                               int64_t last) const {
  const int64_t column = columns_begin(first);
  const int64_t columns = smaller(columns_begin(last), columns_) - column;
  const int64_t channel = group * columns_ + column;
  const int64_t most = ceil_div(depth_, blocks_.parts), sums_row = round_up(columns, kLanes);
  const int64_t row = w_.columns.outputs;
  const Patch patch{w_, begin / row, (begin + count) / row};
  const int64_t seen_size = round_up(patched_ ? patch.size() : kTilePixels * most, 16);
  const int64_t floats = seen_size + (simple_ ? 0 : count * sums_row);
  float* seen = static_cast<float*>(thread_scratch(Scratch::kTile, (floats + 32) * 4));
  float* sums = seen + seen_size;
  const bool in_place = type_ == HS_F32 && w_.identity(), planes = w_.channels == 1;
  Pixel pixels[kPatchPixels];
  int64_t places[kPatchPixels];
  Run runs[kMaxRuns];
  if (!patched_ || !simple_) locate(w_, begin, count, pixels);
  if (patched_) {
    with_storage(type_, [&](auto type) {
      using T = typename decltype(type)::type;
      patch.copy(static_cast<const T*>(source_) + group * w_.group, seen, places);
    });
    // Expands the places of the rows to those of the pixels, in place: backwards, since the places
    // of the rows are at the front of the array.
    for (int64_t i = count - 1; i >= 0; --i) {
      places[i] = places[i / row] + i % row * w_.columns.step * w_.group;
    }
  }
  for (int64_t block = 0; block < blocks_.parts; ++block) {
    const int64_t d = blocks_.begin(block), depth = blocks_.begin(block + 1) - d;
    PatchTile patch_tile{{}, seen, places, runs, patched_ ? patch.runs(d, d + depth, runs) : 0};
    OuterTile& t = patch_tile.tile;
    t.k = depth;
    t.alpha = 1;
    if (patched_) {
      t.a_step = 1;
    } else if (in_place) {
      t.a = static_cast<const float*>(source_) + begin * w_.channels + group * w_.group + d;
      t.a_row = w_.channels;
      t.a_step = 1;
    } else {
      with_storage(type_, [&](auto type) {
        using T = typename decltype(type)::type;
        const T* source = static_cast<const T*>(source_) + group * w_.group;
        if (planes) {
          gather_planes(w_, source, pixels, count, d, d + depth, kTilePixels, seen);
        } else {
          gather_rows(w_, source, pixels, count, d, d + depth, depth, seen);
        }
      });
      t.a = seen;
      t.a_row = planes ? 1 : depth;
      t.a_step = planes ? kTilePixels : 1;
    }
    const bool last_block = block == blocks_.parts - 1;
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t from = columns_begin(panel), width = columns_begin(panel + 1) - from;
      t.b = panel_of(group, panel) + d * width;
      t.b_step = width;
      if (simple_) {
        const int64_t at = group * columns_ + from;
        t.c = static_cast<float*>(f_.out) + begin * f_.channels + at;
        t.ldc = f_.channels;
        t.beta = block == 0 ? f_.beta : 1;
        t.bias = last_block ? behind(f_.bias, at) : nullptr;
        t.relu = last_block && f_.activation == HS_RELU;
      } else {
        t.c = sums + from - column;
        t.ldc = sums_row;
        t.beta = block == 0 ? 0 : 1;
      }
      if (patched_) {
        run_patch_panel(patch_tile, count, smaller(width, columns_ - from));
      } else {
        run_panel(t, count, smaller(width, columns_ - from));
      }
    }
  }
  if (simple_) return;
  with_storage(f_.type, [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < count; ++i) {
      const Pixel& pixel = pixels[i];
      const int64_t at = output_at(w_, f_, pixel.image, pixel.row, pixel.column) + channel;
      for_vectors(0, columns, [&](int64_t j, auto lanes) {
        finish_vector<T>(f_, at + j, channel + j, load(sums + i * sums_row + j, lanes), lanes);
      });
    }
  });
}

}  // namespace

Window forward_window(const hs_conv2d_desc& d) {
  return {d.n, forward_axis(d.h, d.r, d.stride_h, d.pad_h, d.dilation_h),
          forward_axis(d.w, d.s, d.stride_w, d.pad_w, d.dilation_w), d.c, d.c / d.groups};
}

Window backward_window(const hs_conv2d_desc& d, int64_t row, int64_t column) {
  return {d.n, backward_axis(d.h, d.r, d.stride_h, d.pad_h, d.dilation_h, row),
          backward_axis(d.w, d.s, d.stride_w, d.pad_w, d.dilation_w, column), d.k, d.k / d.groups};
}

void conv2d(const Conv2dArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  const Window w = forward_window(d);
  const Finish finish{d.type, d.activation, 0, args.bias, args.aux, args.y, d.k};
  if (is_depthwise(d)) return depthwise(w, d.type, args.x, args.weights, d.s, d.r * d.s, finish);
  const int64_t columns = d.k / d.groups, depth = w.depth();
  ImplicitProduct product(w, d.type, args.x, d.groups, columns, finish);
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const T* weights = static_cast<const T*>(args.weights);
    product.run([&](int64_t group, int64_t first, int64_t count, int64_t width, float* panel) {
      pack_panel(weights + (group * columns + first) * depth, depth, 1, count, depth, width, panel);
    });
  });
}

void conv2d_backward_data(const Conv2dBackwardDataArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  if (d.n == 0) return;
  const Finish finish{d.type, HS_NONE, args.beta, nullptr, nullptr, args.dx, d.c};
  const int64_t columns = d.c / d.groups, rows = d.k / d.groups;
  // A stride larger than the image has no more phases than the image has pixels.
  const int64_t down = smaller(d.stride_h, d.h), across = smaller(d.stride_w, d.w);
  for (int64_t phase = 0; phase < down * across; ++phase) {
    const Window w = backward_window(d, phase / across, phase % across);
    if (is_depthwise(d)) {
      depthwise(w, d.type, args.dy, args.weights, d.s, d.r * d.s, finish);
      continue;
    }
    ImplicitProduct product(w, d.type, args.dy, d.groups, columns, finish);
    with_storage(d.type, [&](auto type) {
      using T = typename decltype(type)::type;
      const T* weights = static_cast<const T*>(args.weights);
      product.run([&](int64_t group, int64_t first, int64_t count, int64_t width, float* panel) {
        for (int64_t tap = 0; tap < w.rows.taps * w.columns.taps; ++tap) {
          const int64_t r = w.rows.tap_first + tap / w.columns.taps * w.rows.tap_step;
          const int64_t s = w.columns.tap_first + tap % w.columns.taps * w.columns.tap_step;
          const T* at = weights + (group * rows * d.r * d.s + r * d.s + s) * columns + first;
          pack_panel(at, 1, d.r * d.s * columns, count, rows, width, panel + tap * rows * width);
        }
      });
    });
  }
}

}  // namespace hs::cpu::HS_ISA
