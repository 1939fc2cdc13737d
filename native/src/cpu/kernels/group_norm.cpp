// Group normalisation (Wu and He, 2018) of samples [positions, channels]. Bound by memory: a sample
// that fits into the second-level cache is read and written once, 8 bytes per F32 element forward
// and 12 backward; a larger one is read twice.
//
// It works like batch normalisation, except that the sums of a sample's channels are merged to
// those of groups. group_norm_layer.cpp handles samples of a single position, such as those of
// layer normalisation: the elements of each group are contiguous there.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/normalization.h"

namespace hs::cpu::HS_ISA {
namespace {

// Sizes that forward and backward have in common.
struct Shape {
  explicit Shape(const hs_group_norm_desc& desc)
      : columns(join_columns(desc.channels)),
        tiles(tile_rows(columns, desc.positions)),
        n(desc.n),
        positions(desc.positions),
        channels(desc.channels),
        groups(desc.groups),
        group(desc.channels / desc.groups),
        sample(desc.positions * desc.channels) {}

  Columns columns;
  RowTiles tiles;  // tiles of a sample
  int64_t n, positions, channels, groups;
  int64_t group;   // channels of a group
  int64_t sample;  // elements of a sample
  double values() const { return static_cast<double>(positions) * static_cast<double>(group); }
};

// Runs the three stages first(sample, tile), merge(sample) and second(sample, tile). If a sample is
// a single tile, it goes through all three before the next, while the cache holds it; otherwise all
// samples go through one stage before the next stage.
template <class First, class Merge, class Second>
HS_INLINE void run_stages(const Shape& shape, int64_t bytes_per_element, const First& first,
                          const Merge& merge, const Second& second) {
  const int64_t tiles = shape.tiles.count;
  const double cost = static_cast<double>(shape.n * shape.sample * bytes_per_element) * kNsPerByte;
  if (tiles == 1) {
    parallel_for(shape.n, cost, [&](int64_t sample) {
      first(sample, 0);
      merge(sample);
      second(sample, 0);
    });
    return;
  }
  parallel_for(shape.n * tiles, cost / 2, [&](int64_t i) { first(i / tiles, i % tiles); });
  parallel_for(shape.n, static_cast<double>(shape.n * tiles * shape.channels * 2), merge);
  parallel_for(shape.n * tiles, cost / 2, [&](int64_t i) {
    const int64_t back = from_middle(i, shape.n * tiles);
    second(back / tiles, back % tiles);
  });
}

HS_INLINE float* tile_scratch(int64_t floats) {
  return static_cast<float*>(
      thread_scratch(Scratch::kTile, floats * static_cast<int64_t>(sizeof(float))));
}

template <class T>
void run_forward(const GroupNormArgs& args) {
  const Shape shape(args.desc);
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const int64_t channels = shape.channels, groups = shape.groups, tiles = shape.tiles.count;
  const int64_t sums = tiles * kMomentParts * channels;  // floats of the sums of a sample
  Arena arena(Arena::bytes_of<float>(shape.n * sums) +
              2 * Arena::bytes_of<double>(shape.n * channels) +
              2 * Arena::bytes_of<float>(shape.n * groups));
  float* partials = arena.take<float>(shape.n * sums);
  double* means = arena.take<double>(shape.n * channels);
  double* squares = arena.take<double>(shape.n * channels);
  float* mean = args.saved_mean;
  float* invstd = args.saved_invstd;
  if (mean == nullptr) mean = arena.take<float>(shape.n * groups);
  if (invstd == nullptr) invstd = arena.take<float>(shape.n * groups);

  run_stages(
      shape, 3 * sizeof(T),
      [&](int64_t sample, int64_t tile) {
        tile_moments(shape.columns, x + sample * shape.sample + shape.tiles.begin(tile) * channels,
                     shape.tiles.size(tile, shape.positions), tile_scratch(3 * shape.columns.width),
                     partials + sample * sums + tile * kMomentParts * channels);
      },
      [&](int64_t sample) {
        double* const m = means + sample * channels;
        double* const s = squares + sample * channels;
        merge_moments(partials + sample * sums, channels, shape.tiles, shape.positions, 0, channels,
                      m, s);
        for (int64_t g = 0; g < groups; g++) {
          double center = 0, spread = 0;
          for (int64_t c = g * shape.group; c < (g + 1) * shape.group; c++) center += m[c];
          center /= static_cast<double>(shape.group);
          for (int64_t c = g * shape.group; c < (g + 1) * shape.group; c++) {
            spread +=
                s[c] + static_cast<double>(shape.positions) * (m[c] - center) * (m[c] - center);
          }
          const double variance = spread / shape.values();
          mean[sample * groups + g] = static_cast<float>(center);
          invstd[sample * groups + g] =
              static_cast<float>(1 / __builtin_sqrt(variance + static_cast<double>(args.desc.eps)));
        }
      },
      [&](int64_t sample, int64_t tile) {
        const int64_t width = shape.columns.width;
        float* const wide = tile_scratch(3 * width);
        for (int64_t g = 0, c = 0; g < groups; g++) {
          const float center = mean[sample * groups + g], scale = invstd[sample * groups + g];
          for (const int64_t end = c + shape.group; c < end; c++) {
            wide[c] = center;
            wide[width + c] = args.gamma != nullptr ? scale * args.gamma[c] : scale;
          }
        }
        repeat_columns(shape.columns, wide, 0, wide);
        repeat_columns(shape.columns, wide + width, 0, wide + width);
        repeat_columns(shape.columns, args.beta, 0, wide + 2 * width);
        const int64_t at = sample * shape.sample + shape.tiles.begin(tile) * channels;
        normalize_rows<AllLanes, false, false>(
            shape.columns, shape.tiles.size(tile, shape.positions) * channels,
            {wide, wide + width, wide + 2 * width}, x + at, static_cast<const T*>(nullptr), y + at);
      });
}

// Sums over a group: `sum` of gamma dy, and `product` of gamma dy (x - mean).
struct GroupSums {
  double sum, product;
};

template <class T>
void run_backward(const GroupNormBackwardArgs& args) {
  const Shape shape(args.desc);
  const T* dy = static_cast<const T*>(args.dy);
  const T* x = static_cast<const T*>(args.x);
  T* dx = static_cast<T*>(args.dx);
  const int64_t channels = shape.channels, groups = shape.groups, tiles = shape.tiles.count;
  const int64_t parts = tiles * kGradientParts * channels;  // floats of the sums of a sample
  Arena arena(Arena::bytes_of<float>(shape.n * parts) +
              2 * Arena::bytes_of<double>(shape.n * channels) +
              Arena::bytes_of<GroupSums>(shape.n * groups));
  float* partials = arena.take<float>(shape.n * parts);
  double* sums = arena.take<double>(shape.n * channels);
  double* products = arena.take<double>(shape.n * channels);
  GroupSums* of_group = arena.take<GroupSums>(shape.n * groups);
  const auto gamma_of = [&](int64_t c) { return args.gamma != nullptr ? args.gamma[c] : 1.0f; };
  const auto wide_means = [&](int64_t sample, float* wide) {
    const float* mean = args.saved_mean + sample * groups;
    for (int64_t g = 0, c = 0; g < groups; g++) {
      for (const int64_t end = c + shape.group; c < end; c++) wide[c] = mean[g];
    }
    repeat_columns(shape.columns, wide, 0, wide);
  };

  run_stages(
      shape, 5 * sizeof(T),
      [&](int64_t sample, int64_t tile) {
        const int64_t width = shape.columns.width;
        float* const wide = tile_scratch(3 * width);
        wide_means(sample, wide);
        const int64_t at = sample * shape.sample + shape.tiles.begin(tile) * channels;
        tile_gradients<false>(shape.columns, dy + at, x + at, static_cast<const T*>(nullptr),
                              shape.tiles.size(tile, shape.positions), wide, wide + width,
                              partials + sample * parts + tile * kGradientParts * channels);
      },
      [&](int64_t sample) {
        double* const s = sums + sample * channels;
        double* const p = products + sample * channels;
        merge_gradients(partials + sample * parts, channels, tiles, 0, channels, s, p);
        for (int64_t g = 0; g < groups; g++) {
          GroupSums total{};
          for (int64_t c = g * shape.group; c < (g + 1) * shape.group; c++) {
            total.sum += static_cast<double>(gamma_of(c)) * s[c];
            total.product += static_cast<double>(gamma_of(c)) * p[c];
          }
          of_group[sample * groups + g] = total;
        }
      },
      [&](int64_t sample, int64_t tile) {
        const int64_t width = shape.columns.width;
        float* const wide = tile_scratch(4 * width);
        wide_means(sample, wide);
        for (int64_t g = 0, c = 0; g < groups; g++) {
          const GroupSums& total = of_group[sample * groups + g];
          const double invstd = static_cast<double>(args.saved_invstd[sample * groups + g]);
          const double slope = invstd * invstd * invstd * total.product / shape.values();
          const double offset = invstd * total.sum / shape.values();
          for (const int64_t end = c + shape.group; c < end; c++) {
            wide[width + c] = static_cast<float>(invstd * static_cast<double>(gamma_of(c)));
            wide[2 * width + c] = static_cast<float>(slope);
            wide[3 * width + c] = static_cast<float>(offset);
          }
        }
        for (int64_t i = 1; i < 4; i++) {
          repeat_columns(shape.columns, wide + i * width, 0, wide + i * width);
        }
        const int64_t at = sample * shape.sample + shape.tiles.begin(tile) * channels;
        differentiate_rows<AllLanes, false>(
            shape.columns, shape.tiles.size(tile, shape.positions) * channels,
            {wide, wide + width, wide + 2 * width, wide + 3 * width}, dy + at, x + at,
            static_cast<const T*>(nullptr), dx + at, static_cast<T*>(nullptr));
      });

  if (args.d_gamma == nullptr) return;
  for_spans(channels, 64, static_cast<double>(2 * shape.n), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const float* const invstd = args.saved_invstd + c / shape.group;
      double d_gamma = 0, d_beta = 0;
      for (int64_t sample = 0; sample < shape.n; sample++) {
        const double inverse = static_cast<double>(invstd[sample * groups]);
        d_gamma += products[sample * channels + c] * inverse;
        d_beta += sums[sample * channels + c];
      }
      accumulate_into(args.d_gamma + c, d_gamma, args.accumulate);
      accumulate_into(args.d_beta + c, d_beta, args.accumulate);
    }
  });
}

}  // namespace

void group_norm(const GroupNormArgs& args) {
  if (args.desc.n == 0) return;
  if (args.desc.positions == 1) return layer_norm(args);
  with_storage(args.desc.type,
               [&](auto type) { run_forward<typename decltype(type)::type>(args); });
}

void group_norm_backward(const GroupNormBackwardArgs& args) {
  if (args.desc.n == 0 && args.d_gamma == nullptr) return;
  if (args.desc.positions == 1) return layer_norm_backward(args);
  with_storage(args.desc.type,
               [&](auto type) { run_backward<typename decltype(type)::type>(args); });
}

}  // namespace hs::cpu::HS_ISA
