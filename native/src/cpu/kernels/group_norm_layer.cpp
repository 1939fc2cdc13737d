// Normalisation of groups whose elements are contiguous: layer normalisation (Ba, Kiros and Hinton,
// 2016), and group normalisation at a single position. Bound by memory: 8 bytes per F32 element
// forward, 12 backward; a row stays in the first-level cache for its three passes.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/normalization.h"

namespace hs::cpu::HS_ISA {
namespace {

// Rows of a tile: enough elements that handing out the tile pays, and few enough tiles that merging
// their sums is cheap.
HS_INLINE int64_t rows_of_tile(const hs_group_norm_desc& desc) {
  constexpr int64_t kElements = 16 << 10, kMostTiles = 256;
  const int64_t span = kElements / desc.channels, least = (desc.n + kMostTiles - 1) / kMostTiles;
  return span > least ? span : least > 1 ? least : 1;
}

// Computes two sums over [0, count): fn(i, lanes, first, second) adds the terms of the vector at i.
struct TwoSums {
  float first, second;
};
template <class Fn>
HS_INLINE TwoSums sum_vectors(int64_t count, const Fn& fn) {
  vf first[4] = {}, second[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int part = 0; part < 4; part++) {
      fn(i + part * kLanes, AllLanes{}, first[part], second[part]);
    }
  }
  for_vectors(i, count, [&](int64_t at, auto lanes) { fn(at, lanes, first[0], second[0]); });
  return {reduce_add((first[0] + first[1]) + (first[2] + first[3])),
          reduce_add((second[0] + second[1]) + (second[2] + second[3]))};
}

// Mean and 1 / deviation of a group. The mean is computed from distances to the first value, the
// variance from distances to the mean, so a mean that is large compared with the deviation costs no
// precision.
struct Spread {
  float mean, invstd;
};
template <class T>
HS_INLINE Spread spread_of(const T* x, int64_t count, double eps) {
  const double n = static_cast<double>(count);
  const float pivot = load_one(x);
  const TwoSums around_pivot = sum_vectors(count, [=](int64_t i, auto lanes, vf& sum, vf&) {
    sum += keep(load(x + i, lanes) - pivot, vf{}, lanes);
  });
  const float mean =
      static_cast<float>(static_cast<double>(pivot) + static_cast<double>(around_pivot.first) / n);
  const TwoSums around_mean = sum_vectors(count, [=](int64_t i, auto lanes, vf& sum, vf& square) {
    const vf distance = keep(load(x + i, lanes) - mean, vf{}, lanes);
    sum += distance;
    square += distance * distance;
  });
  const double rest = static_cast<double>(around_mean.first) / n;  // the rounding error of the mean
  const double variance = static_cast<double>(around_mean.second) / n - rest * rest;
  return {mean, static_cast<float>(1 / __builtin_sqrt((variance > 0 ? variance : 0) + eps))};
}

template <class Lanes, class T>
HS_INLINE void normalize_row(const GroupNormArgs& args, int64_t row) {
  const int64_t group = args.desc.channels / args.desc.groups;
  for (int64_t g = 0; g < args.desc.groups; g++) {
    const int64_t at = row * args.desc.channels + g * group;
    const T* const x = static_cast<const T*>(args.x) + at;
    T* const y = static_cast<T*>(args.y) + at;
    const Spread s = spread_of(x, group, static_cast<double>(args.desc.eps));
    if (args.saved_mean != nullptr) {
      args.saved_mean[row * args.desc.groups + g] = s.mean;
      args.saved_invstd[row * args.desc.groups + g] = s.invstd;
    }
    const float* const gamma = behind(args.gamma, g * group);
    const float* const beta = behind(args.beta, g * group);
    if (gamma != nullptr) {
      for_vectors<Lanes>(0, group, [=](int64_t c, auto lanes) {
        const vf normal = (load(x + c, lanes) - s.mean) * s.invstd;
        store(y + c, normal * load(gamma + c, lanes) + load(beta + c, lanes), lanes);
      });
    } else {
      for_vectors<Lanes>(0, group, [=](int64_t c, auto lanes) {
        store(y + c, (load(x + c, lanes) - s.mean) * s.invstd, lanes);
      });
    }
  }
}

template <class T>
void run_forward(const GroupNormArgs& args) {
  const hs_group_norm_desc& desc = args.desc;
  const bool whole = desc.channels / desc.groups % kLanes == 0 && args.y != args.x;
  const bool stream = whole && can_stream(static_cast<const T*>(args.y), desc.n * desc.channels);
  const double cost = static_cast<double>(desc.channels * 2 * int64_t{sizeof(T)}) * kNsPerByte;
  with_lanes(stream, [&](auto type) {
    using Lanes = typename decltype(type)::type;
    for_spans(desc.n, rows_of_tile(desc), cost, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) normalize_row<Lanes, T>(args, row);
      fence(Lanes{});
    });
  });
}

// Computes dx of one row, and adds the row's terms to d_gamma and d_beta, F32 [channels] or null.
template <class Lanes, bool scaled, class T>
HS_INLINE void differentiate_row(const GroupNormBackwardArgs& args, int64_t row, float* d_gamma,
                                 float* d_beta) {
  const int64_t group = args.desc.channels / args.desc.groups;
  for (int64_t g = 0; g < args.desc.groups; g++) {
    const int64_t at = row * args.desc.channels + g * group;
    const T* const dy = static_cast<const T*>(args.dy) + at;
    const T* const x = static_cast<const T*>(args.x) + at;
    T* const dx = static_cast<T*>(args.dx) + at;
    const float mean = args.saved_mean[row * args.desc.groups + g];
    const float invstd = args.saved_invstd[row * args.desc.groups + g];
    const float* const gamma = behind(args.gamma, g * group);
    const auto scaled_dy = [=](vf d, int64_t c, auto lanes) {
      return scaled ? d * load(gamma + c, lanes) : d;
    };
    const TwoSums sums = sum_vectors(group, [=](int64_t c, auto lanes, vf& sum, vf& product) {
      const vf d = scaled_dy(load(dy + c, lanes), c, lanes);
      sum += d;
      product += d * (load(x + c, lanes) - mean);
    });
    const double n = static_cast<double>(group), inverse = static_cast<double>(invstd);
    const float slope =
        static_cast<float>(inverse * inverse * inverse * static_cast<double>(sums.second) / n);
    const float offset = static_cast<float>(inverse * static_cast<double>(sums.first) / n);
    if (d_gamma != nullptr) {
      float* const gammas = d_gamma + g * group;
      float* const betas = d_beta + g * group;
      for_vectors(0, group, [=](int64_t c, auto lanes) {
        const vf d = load(dy + c, lanes);
        const vf normal = (load(x + c, lanes) - mean) * invstd;
        store(gammas + c, load(gammas + c, lanes) + d * normal, lanes);
        store(betas + c, load(betas + c, lanes) + d, lanes);
      });
    }
    for_vectors<Lanes>(0, group, [=](int64_t c, auto lanes) {
      const vf d = scaled_dy(load(dy + c, lanes), c, lanes);
      store(dx + c, invstd * d - (slope * (load(x + c, lanes) - mean) + offset), lanes);
    });
  }
}

template <class T>
void run_backward(const GroupNormBackwardArgs& args) {
  const hs_group_norm_desc& desc = args.desc;
  const int64_t channels = desc.channels, span = rows_of_tile(desc);
  const int64_t tiles = (desc.n + span - 1) / span;
  float* partials = nullptr;  // [tiles, 2, channels]
  if (args.d_gamma != nullptr) {
    partials =
        Arena(Arena::bytes_of<float>(tiles * 2 * channels)).take<float>(tiles * 2 * channels);
  }
  const bool whole = channels / desc.groups % kLanes == 0 && args.dx != args.dy;
  const bool stream = whole && can_stream(static_cast<const T*>(args.dx), desc.n * channels);
  const double cost = static_cast<double>(channels * 3 * int64_t{sizeof(T)}) * kNsPerByte;
  with_lanes(stream, [&](auto type) {
    using Lanes = typename decltype(type)::type;
    with_flag(args.gamma != nullptr, [&](auto scaled) {
      for_spans(desc.n, span, cost, [&](int64_t begin, int64_t end) {
        float* const d_gamma = behind(partials, begin / span * 2 * channels);
        float* const d_beta = behind(d_gamma, channels);
        if (d_gamma != nullptr) {
          __builtin_memset(d_gamma, 0, static_cast<uint64_t>(2 * channels) * sizeof(float));
        }
        for (int64_t row = begin; row < end; row++) {
          differentiate_row<Lanes, decltype(scaled)::value != 0, T>(args, row, d_gamma, d_beta);
        }
        fence(Lanes{});
      });
    });
  });
  if (args.d_gamma == nullptr) return;
  constexpr int64_t kBlock = 64;
  for_spans(channels, kBlock, static_cast<double>(2 * tiles), [&](int64_t begin, int64_t end) {
    double d_gamma[kBlock], d_beta[kBlock];
    merge_gradients(partials + begin, channels, tiles, 0, end - begin, d_gamma, d_beta);
    for (int64_t c = begin; c < end; c++) {
      accumulate_into(args.d_gamma + c, d_gamma[c - begin], args.accumulate);
      accumulate_into(args.d_beta + c, d_beta[c - begin], args.accumulate);
    }
  });
}

}  // namespace

void layer_norm(const GroupNormArgs& args) {
  with_storage(args.desc.type,
               [&](auto type) { run_forward<typename decltype(type)::type>(args); });
}

void layer_norm_backward(const GroupNormBackwardArgs& args) {
  with_storage(args.desc.type,
               [&](auto type) { run_backward<typename decltype(type)::type>(args); });
}

}  // namespace hs::cpu::HS_ISA
