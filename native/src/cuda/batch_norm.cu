// Batch normalisation over [rows, channels], fused with the addition of a residual and with ReLU,
// and its gradients.
//
// If rows are aligned to 16 bytes, batch_norm_slabs.cu does the work and keeps on chip what fits.
// This file handles other rows, and arrays that have more slabs than there are multiprocessors.
// Bytes: forward reads each element of x twice and writes y; backward reads dy and x twice (with
// ReLU also y) and writes dx. Floor: bytes / bandwidth, with one read less if the second-level
// cache holds the rows that the first pass read last. Design: two launches; each thread has loads
// of several rows in flight. The first launch reduces columns: each thread sums distances from a
// pivot of its own, and the block that finishes a column last adds the sums up in double, in fixed
// order. The second goes over the rows backward, with the coefficients in registers; its stores are
// marked to leave the second-level cache first. Measured (benchmarks/results/hopper-2026-11-27),
// H200, BF16, [200704, 256]: forward in two launches 304 us, on chip 84, 57 % of the floor; forward
// and backward together 585 and 217, 55 %.
#include "cuda/batch_norm_parts.h"
#include "cuda/batch_norm_slabs.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

// Blocks per multiprocessor. All blocks run at once, since a second wave would leave
// multiprocessors idle at its end. And the number of rows for which a thread has loads in flight.
constexpr int kBlocks = 3, kObservedRows = 4, kNormalizedRows = 3;
constexpr int kGradientBlocks = 2, kGradientRows = 4;

template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kColumnThreads, kBlocks)
    observe(const BatchNormTrainingArgs args, const ColumnCut cut, void* workspace) {
  using Shared = ColumnShared<DistanceSums>;
  using Values = Packed<T, kVector>;
  Shared& shared = shared_memory<Shared>();
  const ColumnPart part = column_part<kVector>(cut);
  auto* x = static_cast<const T*>(args.x);
  float pivot[kVector] = {};  // the column's first values
  PivotSums<kVector> own;
  if (part.column < cut.columns) {
    const T* from = x + part.column;
    for_rows<kObservedRows>(
        part, [&](std::int64_t row) { return load<Values>(from + row * cut.columns); },
        [&](std::int64_t, const Values& values) {
          float v[kVector];
          unpack<T>(values, v);
          own.add(v);
        });
    load_elements(from, pivot);
  }
  DistanceSums sums[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = own.around(e, pivot[e]);
  reduce_columns(cut, part, sums, Sum<DistanceSums>{}, workspace, shared,
                 [&](std::int64_t c, const DistanceSums& total) {
                   save_moments(args, c,
                                moments_of(total, to_float(x[c]), static_cast<double>(cut.rows)));
                 });
}

// The arguments of normalisation. If kVariance, `spread` is the variance, otherwise 1 / deviation.
struct Normalization {
  const void* x;
  const void* residual;
  void* y;
  const float* mean;
  const float* spread;
  const float* gamma;
  const float* beta;
  float eps;
  bool relu;
};

template <class T, int kVector, bool kVariance>
HS_KERNEL void __launch_bounds__(kColumnThreads, kBlocks)
    normalize(const Normalization n, const ColumnCut cut) {
  struct Row {
    Packed<T, kVector> x, residual;
  };
  const ColumnPart part = column_part<kVector>(cut);
  if (part.column >= cut.columns) return;
  Scaling of[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) {
    std::int64_t c = part.column + e;
    float invstd = kVariance ? 1.0f / sqrtf(n.spread[c] + n.eps) : n.spread[c];
    of[e] = {n.mean[c], invstd * n.gamma[c], n.beta[c]};
  }
  auto *x = static_cast<const T*>(n.x), *residual = static_cast<const T*>(n.residual);
  const bool adds = residual != nullptr;
  for_rows_backward<kNormalizedRows>(
      part,
      [&](std::int64_t row) {
        std::int64_t at = row * cut.columns + part.column;
        Row loaded{load<Packed<T, kVector>>(x + at), {}};
        if (adds) loaded.residual = load<Packed<T, kVector>>(residual + at);
        return loaded;
      },
      [&](std::int64_t row, const Row& loaded) {
        float v[kVector], added[kVector];
        unpack<T>(loaded.x, v);
        unpack<T>(loaded.residual, added);
        normalize_values(v, of, adds, added, n.relu);
        store_values(static_cast<T*>(n.y) + row * cut.columns + part.column, v, !kVariance);
      });
}

// The values of a row that a thread reads to compute gradients.
template <class T, int kVector>
struct GradientRow {
  Packed<T, kVector> dy, x, y;
};

template <class T, int kVector>
HS_DEVICE GradientRow<T, kVector> load_gradient_row(const BatchNormBackwardArgs& args,
                                                    std::int64_t at) {
  using Values = Packed<T, kVector>;
  GradientRow<T, kVector> row{load<Values>(static_cast<const T*>(args.dy) + at),
                              load<Values>(static_cast<const T*>(args.x) + at),
                              {}};
  if (args.desc.activation == HS_RELU) row.y = load<Values>(static_cast<const T*>(args.y) + at);
  return row;
}

// Unpacks a row: v receives x, and g receives dy, with ReLU 0 where y is not positive.
template <class T, int kVector>
HS_DEVICE void take_gradient_row(const BatchNormBackwardArgs& args,
                                 const GradientRow<T, kVector>& row, float (&g)[kVector],
                                 float (&v)[kVector]) {
  unpack<T>(row.dy, g);
  unpack<T>(row.x, v);
  if (args.desc.activation == HS_RELU) mask_by_output<T>(g, row.y);
}

// Computes the sums that `differentiate` reads.
template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kColumnThreads, kGradientBlocks)
    sum_gradients(const BatchNormBackwardArgs args, const ColumnCut cut, void* workspace,
                  GradientSums* result) {
  using Shared = ColumnShared<GradientSums>;
  Shared& shared = shared_memory<Shared>();
  const ColumnPart part = column_part<kVector>(cut);
  float dy[kVector] = {}, product[kVector] = {};
  if (part.column < cut.columns) {
    float mean[kVector];
    HS_UNROLL for (int e = 0; e < kVector; ++e) mean[e] = args.saved_mean[part.column + e];
    for_rows<kGradientRows>(
        part,
        [&](std::int64_t row) {
          return load_gradient_row<T, kVector>(args, row * cut.columns + part.column);
        },
        [&](std::int64_t, const GradientRow<T, kVector>& row) {
          float g[kVector], v[kVector];
          take_gradient_row(args, row, g, v);
          HS_UNROLL for (int e = 0; e < kVector; ++e) {
            dy[e] += g[e];
            product[e] += g[e] * (v[e] - mean[e]);
          }
        });
  }
  GradientSums sums[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) sums[e] = {dy[e], product[e]};
  reduce_columns(cut, part, sums, Sum<GradientSums>{}, workspace, shared,
                 [&](std::int64_t c, const GradientSums& s) {
                   result[c] = s;
                   save_gradients(args, c, s);
                 });
}

template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kColumnThreads, kGradientBlocks)
    differentiate(const BatchNormBackwardArgs args, const ColumnCut cut, const GradientSums* sums) {
  const ColumnPart part = column_part<kVector>(cut);
  if (part.column >= cut.columns) return;
  Slope of[kVector];
  HS_UNROLL for (int e = 0; e < kVector; ++e) {
    std::int64_t c = part.column + e;
    of[e] = slope_of(args.saved_mean[c], args.saved_invstd[c], args.gamma[c], sums[c],
                     static_cast<double>(cut.rows));
  }
  for_rows_backward<kGradientRows>(
      part,
      [&](std::int64_t row) {
        return load_gradient_row<T, kVector>(args, row * cut.columns + part.column);
      },
      [&](std::int64_t row, const GradientRow<T, kVector>& loaded) {
        float g[kVector], v[kVector];
        take_gradient_row(args, loaded, g, v);
        put_differentiated<T>(args, row * cut.columns + part.column, g, v, of, true);
      });
}

// Calls launcher(T{}, Elements<columns of a thread>); the type and the alignment decide the number
// of columns.
template <class Launcher>
hs_status with_columns(const hs_batch_norm_desc& desc, bool is_aligned, const Launcher& launcher) {
  return with_storage(desc.type, [&](auto element) {
    constexpr int kVector = kColumnVector<decltype(element)>;
    return is_aligned && desc.channels % kVector == 0 ? launcher(element, Elements<kVector>{})
                                                      : launcher(element, Elements<1>{});
  });
}

// The plan of the kernels that work on chip, for `arrays` arrays that both passes read. Its team is
// 0 if they cannot be used.
SlabPlan plan_of(const Stream& stream, const hs_batch_norm_desc& desc, bool is_aligned,
                 unsigned arrays, unsigned ahead) {
  int vector = desc.type == HS_F32 ? kColumnVector<float> : kColumnVector<Bf16>;
  if (!is_aligned || desc.channels % vector != 0) return {};
  return plan_slabs(stream, desc.rows, desc.channels, vector, arrays, ahead);
}

template <bool kVariance>
hs_status launch_normalize(const Stream& stream, const hs_batch_norm_desc& desc,
                           const Normalization& n) {
  bool is_aligned = aligned(n.x) && aligned(n.residual) && aligned(n.y);
  return with_columns(desc, is_aligned, [&](auto element, auto columns) {
    ColumnCut cut = cut_columns(stream, desc.rows, desc.channels, columns.value, 1, 1, kBlocks);
    return launch(stream, column_shape("normalize", cut, 0),
                  normalize<decltype(element), columns.value, kVariance>, n, cut);
  });
}

}  // namespace

hs_status batch_norm_training(void* stream_of_call, const BatchNormTrainingArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  const hs_batch_norm_desc& desc = args.desc;
  bool is_aligned = aligned(args.x) && aligned(args.residual) && aligned(args.y);
  if (SlabPlan plan = plan_of(stream, desc, is_aligned, 1, kRowsAhead); plan.team > 0) {
    return train_slabs(stream, args, plan);
  }
  hs_status status = with_columns(desc, aligned(args.x), [&](auto element, auto columns) {
    constexpr int kVector = decltype(columns)::value;
    ColumnCut cut =
        cut_columns(stream, desc.rows, desc.channels, kVector, sizeof(Moments), 1, kBlocks);
    void* workspace = nullptr;
    const hs_status reserved =
        reserve_workspace(stream, cut.partials() * sizeof(DistanceSums), &workspace);
    if (reserved != HS_OK) return reserved;
    return launch(stream, column_shape("observe", cut, sizeof(ColumnShared<Moments>)),
                  observe<decltype(element), kVector>, args, cut, workspace);
  });
  if (status != HS_OK) return status;
  return launch_normalize<false>(stream, desc,
                                 {args.x, args.residual, args.y, args.saved_mean, args.saved_invstd,
                                  args.gamma, args.beta, desc.eps, desc.activation == HS_RELU});
}

hs_status batch_norm_inference(void* stream, const BatchNormInferenceArgs& args) {
  if (args.desc.rows == 0) return HS_OK;
  return launch_normalize<true>(
      as_stream(stream), args.desc,
      {args.x, args.residual, args.y, args.running_mean, args.running_variance, args.gamma,
       args.beta, args.desc.eps, args.desc.activation == HS_RELU});
}

hs_status batch_norm_backward(void* stream_of_call, const BatchNormBackwardArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  const hs_batch_norm_desc& desc = args.desc;
  bool is_aligned = aligned(args.dy) && aligned(args.x) && aligned(args.y) && aligned(args.dx) &&
                    aligned(args.d_residual);
  const unsigned arrays = desc.activation == HS_RELU ? 3 : 2;
  if (SlabPlan plan = plan_of(stream, desc, is_aligned, arrays, kGradientRowsAhead);
      plan.team > 0) {
    return differentiate_slabs(stream, args, plan);
  }
  if (static_cast<std::size_t>(desc.channels) * sizeof(GradientSums) > kResultBytes) {
    return fail(HS_UNSUPPORTED, "batch_norm_backward: %lld channels: %zu are possible",
                static_cast<long long>(desc.channels), kResultBytes / sizeof(GradientSums));
  }
  return with_columns(desc, is_aligned, [&](auto element, auto columns) {
    using T = decltype(element);
    constexpr int kVector = decltype(columns)::value;
    ColumnCut cut = cut_columns(stream, desc.rows, desc.channels, kVector, sizeof(GradientSums), 1,
                                kGradientBlocks);
    // The workspace holds the partial sums, followed by the totals that the second launch reads.
    const std::size_t partials = cut.partials(), channels = static_cast<std::size_t>(desc.channels);
    void* workspace = nullptr;
    hs_status status =
        reserve_workspace(stream, (partials + channels) * sizeof(GradientSums), &workspace);
    if (status != HS_OK) return status;
    auto* sums =
        reinterpret_cast<GradientSums*>(static_cast<char*>(workspace) + kCounterBytes) + partials;
    status = launch(stream, column_shape("sum_gradients", cut, sizeof(ColumnShared<GradientSums>)),
                    sum_gradients<T, kVector>, args, cut, workspace, sums);
    if (status != HS_OK) return status;
    return launch(stream, column_shape("differentiate", cut, 0), differentiate<T, kVector>, args,
                  cut, static_cast<const GradientSums*>(sums));
  });
}

}  // namespace hs::cuda
