// Gradients of a convolution's weights and bias.
//
// 2 n p q k r s c / groups FLOP; bytes: x, dy and the weights' gradient once. Floor: the machine's
// peak of multiply-adds, or memory where r s c / groups or k is small.
// Design: the matrix product [r s c, n p q] x [n p q, k] over chunks of pixels; the chunks depend
// on the shape alone. A tile copies the part of x that the windows of some rows of pixels cover
// (conv2d_patch.h; for few channels, the window of each of 128 pixels), reads dy in place, and adds
// to the sums of its chunk. The bias is one more row: the weight of an input that is always one. In
// the end the sums of the chunks are added in order and transposed. Measured (xeon-avx512-2cores,
// 2026-11-22): 37-64 % of the floor, 0.7-1.0 x oneDNN; with one input channel 52 % and 0.62 x, with
// three 29 % and 0.5 x. With patches (an AMD EPYC with AVX-512, one of two cores, 2026-11-27): 64 x
// 14 x 14 x 32 -> 64 channels, 3 x 3, 86-92 %, where it was 84-86 % without.
#include "cpu/kernels/conv2d.h"
#include "cpu/kernels/conv2d_patch.h"
#include "cpu/kernels/matmul_pack.h"

namespace hs::cpu::HS_ISA {

namespace {

constexpr int64_t kTileRows = 288;     // the most rows of a tile: its copy of x stays in L2
constexpr int64_t kFewTiles = 16;      // with fewer tiles, the pixels are cut into chunks
constexpr int64_t kLeastPixels = 512;  // the least pixels of a chunk

// Elements from one pixel to the next in a copy: an odd number of cache lines, so that the pixels
// do not share a few sets of the first-level cache.
int64_t pitch_of(int64_t elements) {
  const int64_t lines = ceil_div(elements, 16);
  return (lines % 2 == 0 ? lines + 1 : lines) * 16;
}

template <class T>
void copy_rows(const T* from, int64_t rows, int64_t columns, int64_t pitch, int64_t to_pitch,
               float* to) {
  for (int64_t i = 0; i < rows; ++i) {
    for_vectors(0, columns, [&](int64_t j, auto lanes) {
      store(to + i * to_pitch + j, load(from + i * pitch + j, lanes), lanes);
    });
  }
}

struct Product {
  const Conv2dBackwardWeightsArgs& args;
  Window w;
  PartialSums partial;
  Cut chunks;  // chunks of pixels, or (patched) of rows of pixels
  Cut rows;    // parts of the rows of the sums
  bool patched;

  void run_tile(int64_t group, int64_t chunk, int64_t part) const;
  void run_patches(int64_t group, int64_t chunk, int64_t part) const;
  void add_block(int64_t group, int64_t begin, int64_t count, int64_t first, int64_t last,
                 bool fresh, float* sums) const;
};

void Product::run_tile(int64_t group, int64_t chunk, int64_t part) const {
  const int64_t begin = chunks.begin(chunk), end = chunks.begin(chunk + 1);
  const int64_t first = rows.begin(part), last = rows.begin(part + 1);
  float* sums = partial.at(chunk, group) + first * partial.columns;
  int64_t at = begin;
  do {
    const int64_t count = smaller(kMaxPixels, end - at);
    add_block(group, at, count, first, last, at == begin, sums);
    at += count;
  } while (at < end);
}

// As run_tile, but reads x from patches. The last part also computes the row of the bias, the sums
// of dy.
void Product::run_patches(int64_t group, int64_t chunk, int64_t part) const {
  const hs_conv2d_desc& d = args.desc;
  const int64_t first = rows.begin(part), last = rows.begin(part + 1), columns = partial.columns;
  float* const sums = partial.at(chunk, group);
  const bool bias = partial.with_bias && part == rows.parts - 1;
  const bool in_place = d.type == HS_F32 && d.k % 512 != 0;
  const int64_t dy_pitch = in_place ? d.k : pitch_of(columns);
  const int64_t row = w.columns.outputs;
  const int64_t begin = chunks.begin(chunk), all = chunks.begin(chunk + 1) - begin;
  const Cut blocks = cut(all, ceil_div(all, Patch::most_rows(w)));
  int64_t places[kTileRows], row_places[kPatchPixels];
  Run runs[kPatchPixels];
  for (int64_t block = 0; block < blocks.parts; ++block) {
    const Patch patch{w, begin + blocks.begin(block), begin + blocks.begin(block + 1)};
    const int64_t size = round_up(patch.size(), 16), pixels = patch.pixels();
    const int64_t floats = size + (in_place ? 0 : pixels * dy_pitch);
    float* const seen = static_cast<float*>(thread_scratch(Scratch::kTile, (floats + 32) * 4));
    const int64_t dy_at = patch.begin * row * d.k + group * columns;
    with_storage(d.type, [&](auto type) {
      using T = typename decltype(type)::type;
      patch.copy(static_cast<const T*>(args.x) + group * w.group, seen, row_places);
      const T* dy = static_cast<const T*>(args.dy) + dy_at;
      if (!in_place) copy_rows(dy, pixels, columns, d.k, dy_pitch, seen + size);
    });
    for (int64_t i = 0; i < patch.end - patch.begin; ++i) runs[i] = {row_places[i], row};
    for (int64_t i = first; i < last; ++i) places[i - first] = patch.place(i);
    PatchTile t{{}, seen, places, runs, patch.end - patch.begin};
    t.tile.a_step = w.columns.step * w.group;
    t.tile.b_step = dy_pitch;
    t.tile.alpha = 1;
    t.tile.beta = block == 0 ? 0 : 1;
    t.tile.ldc = columns;
    const float* const dy = in_place ? static_cast<const float*>(args.dy) + dy_at : seen + size;
    for (int64_t j = 0; j < columns; j += kMaxVectors * kLanes) {
      t.tile.b = dy + j;
      t.tile.c = sums + first * columns + j;
      run_patch_panel(t, last - first, smaller(kMaxVectors * kLanes, columns - j));
    }
    if (!bias) continue;
    for_vectors(0, columns, [&](int64_t j, auto lanes) {
      float* const to = sums + partial.depth * columns + j;
      vf sum = block == 0 ? vf{} : load(to, lanes);
      for (int64_t i = 0; i < pixels; ++i) sum = sum + load(dy + i * dy_pitch + j, lanes);
      store(to, sum, lanes);
    });
  }
}

// Adds the contribution of the `count` pixels from `begin` on to rows [first, last) of the sums.
void Product::add_block(int64_t group, int64_t begin, int64_t count, int64_t first, int64_t last,
                        bool fresh, float* sums) const {
  const hs_conv2d_desc& d = args.desc;
  const int64_t height = last - first, columns = partial.columns;
  const int64_t weights = smaller(last, partial.depth) - first;  // rows of weights, not of the bias
  const bool planes = w.channels == 1;
  const int64_t seen_pitch = planes ? kMaxPixels : pitch_of(height);
  // Rows that are a multiple of 512 elements apart would share a few sets of the first-level cache.
  const bool in_place = d.type == HS_F32 && d.k % 512 != 0;
  const int64_t dy_pitch = in_place ? d.k : pitch_of(columns);
  const int64_t dy_at = begin * d.k + group * columns;
  const int64_t seen_size = planes ? height * kMaxPixels : kMaxPixels * seen_pitch;
  const int64_t copy_size = in_place ? 0 : kMaxPixels * dy_pitch;
  float* seen = static_cast<float*>(thread_scratch(Scratch::kTile, (seen_size + copy_size) * 4));
  float* copy = seen + seen_size;

  Pixel pixels[kMaxPixels];
  locate(w, begin, count, pixels);
  OuterTile t{};
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const T* x = static_cast<const T*>(args.x) + group * w.group;
    if (planes) {
      gather_planes(w, x, pixels, count, first, first + weights, seen_pitch, seen);
    } else {
      gather_rows(w, x, pixels, count, first, first + weights, seen_pitch, seen);
    }
    if (in_place) return;
    copy_rows(static_cast<const T*>(args.dy) + dy_at, count, columns, d.k, dy_pitch, copy);
  });
  if (weights < height) {
    for (int64_t i = 0; i < count; ++i) {
      seen[planes ? weights * seen_pitch + i : i * seen_pitch + weights] = 1;
    }
  }
  t.a = seen;
  t.a_row = planes ? seen_pitch : 1;
  t.a_step = planes ? 1 : seen_pitch;
  t.k = count;
  t.alpha = 1;
  t.beta = fresh ? 0 : 1;
  t.ldc = columns;
  for (int64_t j = 0; j < columns; j += kMaxVectors * kLanes) {
    t.b = (in_place ? static_cast<const float*>(args.dy) + dy_at : copy) + j;
    t.b_step = dy_pitch;
    t.c = sums + j;
    run_panel(t, height, smaller(kMaxVectors * kLanes, columns - j));
  }
}

}  // namespace

void conv2d_backward_weights(const Conv2dBackwardWeightsArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  if (is_depthwise(d)) return depthwise_backward_weights(args);
  Product product{args, forward_window(d), {}, {}, {}, false};
  const Window& w = product.w;
  product.patched = w.pixels() > 0 && Patch::suits(w);
  PartialSums& partial = product.partial;
  const int64_t pixels = w.pixels();
  partial.groups = d.groups;
  partial.depth = w.depth();
  partial.columns = d.k / d.groups;
  partial.with_bias = args.d_bias != nullptr;
  const int64_t rows = product.patched ? partial.depth : partial.rows();
  // Few pixels give few chunks: the rows are then cut into more parts.
  const bool few = pixels < kFewTiles / 2 * kLeastPixels;
  product.rows = cut(rows, ceil_div(rows, few ? kTileRows / 2 : kTileRows));
  const int64_t tiles = d.groups * product.rows.parts;
  partial.chunks = larger(1, smaller(kFewTiles / tiles, pixels / kLeastPixels));
  const int64_t units = product.patched ? pixels / w.columns.outputs : pixels;
  partial.chunks = smaller(partial.chunks, larger(1, units));
  product.chunks = cut(units, partial.chunks);
  partial.sums = static_cast<float*>(thread_scratch(Scratch::kCall, (partial.size() + kLanes) * 4));
  const double fmas = static_cast<double>(pixels * partial.rows()) *
                      static_cast<double>(d.groups * ceil_div(partial.columns, kLanes));
  parallel_for(tiles * partial.chunks, fmas * kNsPerFma, [&](int64_t tile) {
    const int64_t group = tile / product.rows.parts % d.groups, part = tile % product.rows.parts;
    if (product.patched) {
      product.run_patches(group, tile / tiles, part);
    } else {
      product.run_tile(group, tile / tiles, part);
    }
  });
  add_partial_sums(partial, args);
}

void add_partial_sums(const PartialSums& p, const Conv2dBackwardWeightsArgs& args) {
  const int64_t chunk_size = p.groups * p.rows() * p.columns;
  const int64_t strips = ceil_div(p.columns, kLanes);  // strips of columns, one vector wide
  const auto sum_of = [&](const float* at, auto lanes) __attribute__((always_inline)) {
    vf sum = load(at, lanes);
    for (int64_t i = 1; i < p.chunks; ++i) sum = sum + load(at + i * chunk_size, lanes);
    return sum;
  };
  const auto put = [&](float* to, vf sum, auto lanes) __attribute__((always_inline)) {
    store(to, args.beta == 0 ? sum : load(to, lanes) * args.beta + sum, lanes);
  };
  parallel_for(p.groups * strips, static_cast<double>(p.size()) * 4 * kNsPerByte,
               [&](int64_t strip) {
                 const int64_t group = strip / strips, column = strip % strips * kLanes;
                 const Mask lanes = first_lanes(p.columns - column);
                 const float* from = p.at(0, group) + column;
                 const int64_t channel = group * p.columns + column;
                 for (int64_t row = 0; row < p.depth; row += kLanes) {
                   vf v[kLanes];
#pragma GCC unroll 16
                   for (int i = 0; i < kLanes; ++i) {
                     v[i] = row + i < p.depth ? sum_of(from + (row + i) * p.columns, lanes) : vf{};
                   }
                   transpose(v);
                   const Mask rows = first_lanes(p.depth - row);
#pragma GCC unroll 16
                   for (int i = 0; i < kLanes; ++i) {
                     if (i < lanes.count)
                       put(args.d_weights + (channel + i) * p.depth + row, v[i], rows);
                   }
                 }
                 if (p.with_bias)
                   put(args.d_bias + channel, sum_of(from + p.depth * p.columns, lanes), lanes);
               });
}

}  // namespace hs::cpu::HS_ISA
