// Checks of the calls that normalise: batch, group and layer normalisation, softmax.
#include "core/check.h"

using namespace hs;

namespace {

hs_status check_batch_norm(const char* name, const hs_batch_norm_desc* desc, int64_t least_rows) {
  HS_REQUIRE(desc != nullptr, "%s: desc is null", name);
  const hs_batch_norm_desc& d = *desc;
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.rows >= least_rows && d.channels >= 1,
             "%s: x [%lld, %lld]: there must be %lld rows or more and a channel", name, ll{d.rows},
             ll{d.channels}, ll{least_rows});
  HS_REQUIRE(fits({d.rows, d.channels}), "%s: x [%lld, %lld] has more than 2^58 elements", name,
             ll{d.rows}, ll{d.channels});
  HS_REQUIRE(d.eps > 0 && d.momentum >= 0 && d.momentum <= 1,
             "%s: eps %g must be positive, momentum %g in [0, 1]", name, static_cast<double>(d.eps),
             static_cast<double>(d.momentum));
  HS_REQUIRE(d.activation == HS_NONE || d.activation == HS_RELU,
             "%s: activation %d cannot be fused: NONE and RELU can", name, d.activation);
  return HS_OK;
}

hs_status check_group_norm(const char* name, const hs_group_norm_desc* desc) {
  HS_REQUIRE(desc != nullptr, "%s: desc is null", name);
  const hs_group_norm_desc& d = *desc;
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.positions >= 1 && d.channels >= 1 && d.groups >= 1 &&
                 d.channels % d.groups == 0,
             "%s: x [%lld, %lld, %lld] in %d groups: extents must be positive (n may be 0) and the "
             "groups divide the channels",
             name, ll{d.n}, ll{d.positions}, ll{d.channels}, d.groups);
  HS_REQUIRE(fits({d.n, d.positions, d.channels}),
             "%s: x [%lld, %lld, %lld] has more than 2^58 elements", name, ll{d.n}, ll{d.positions},
             ll{d.channels});
  HS_REQUIRE(d.eps > 0, "%s: eps %g must be positive", name, static_cast<double>(d.eps));
  return HS_OK;
}

hs_status check_softmax(const char* name, const hs_softmax_desc* desc) {
  HS_REQUIRE(desc != nullptr, "%s: desc is null", name);
  const hs_softmax_desc& d = *desc;
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.rows >= 0 && d.columns >= 1 && d.queries >= 0 && __builtin_isfinite(d.scale),
             "%s: [%lld, %lld] with %lld queries and scale %g: extents must be positive (rows may "
             "be 0), the scale finite",
             name, ll{d.rows}, ll{d.columns}, ll{d.queries}, static_cast<double>(d.scale));
  HS_REQUIRE(fits({d.rows, d.columns}), "%s: [%lld, %lld] has more than 2^58 elements", name,
             ll{d.rows}, ll{d.columns});
  HS_REQUIRE(d.queries == 0 || (d.rows % d.queries == 0 && d.queries <= d.columns),
             "%s: %lld queries must divide the %lld rows and not pass the %lld columns", name,
             ll{d.queries}, ll{d.rows}, ll{d.columns});
  HS_REQUIRE(
      d.samples >= 0 && (d.samples == 0 || d.rows % d.samples == 0) && fits({d.samples, d.columns}),
      "%s: %lld samples must divide the %lld rows, and their tokens be 2^58 at most", name,
      ll{d.samples}, ll{d.rows});
  return HS_OK;
}

}  // namespace

hs_status hs_batch_norm_training(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr x,
                                 hs_ptr gamma, hs_ptr beta, hs_ptr residual, hs_ptr y,
                                 hs_ptr running_mean, hs_ptr running_variance, hs_ptr saved_mean,
                                 hs_ptr saved_invstd) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_batch_norm("batch_norm_training", desc, 2); status != HS_OK) {
      return status;
    }
    HS_NEED("batch_norm_training", x);
    HS_NEED("batch_norm_training", gamma);
    HS_NEED("batch_norm_training", beta);
    HS_OPTIONAL("batch_norm_training", residual);
    HS_NEED("batch_norm_training", y);
    HS_NEED("batch_norm_training", running_mean);
    HS_NEED("batch_norm_training", running_variance);
    HS_NEED("batch_norm_training", saved_mean);
    HS_NEED("batch_norm_training", saved_invstd);
    return submit(stream, &KernelTable::batch_norm_training,
                  BatchNormTrainingArgs{*desc, as<void>(x), as<float>(gamma), as<float>(beta),
                                        as<void>(residual), as<void>(y), as<float>(running_mean),
                                        as<float>(running_variance), as<float>(saved_mean),
                                        as<float>(saved_invstd)});
  });
}

hs_status hs_batch_norm_inference(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr x,
                                  hs_ptr gamma, hs_ptr beta, hs_ptr residual, hs_ptr y,
                                  hs_ptr running_mean, hs_ptr running_variance) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_batch_norm("batch_norm_inference", desc, 0); status != HS_OK) {
      return status;
    }
    if (desc->rows != 0) {
      HS_NEED("batch_norm_inference", x);
      HS_NEED("batch_norm_inference", y);
    }
    HS_NEED("batch_norm_inference", gamma);
    HS_NEED("batch_norm_inference", beta);
    HS_OPTIONAL("batch_norm_inference", residual);
    HS_NEED("batch_norm_inference", running_mean);
    HS_NEED("batch_norm_inference", running_variance);
    return submit(stream, &KernelTable::batch_norm_inference,
                  BatchNormInferenceArgs{*desc, as<void>(x), as<float>(gamma), as<float>(beta),
                                         as<void>(residual), as<void>(y), as<float>(running_mean),
                                         as<float>(running_variance)});
  });
}

hs_status hs_batch_norm_backward(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr dy,
                                 hs_ptr x, hs_ptr y, hs_ptr gamma, hs_ptr saved_mean,
                                 hs_ptr saved_invstd, hs_ptr dx, hs_ptr d_residual, hs_ptr d_gamma,
                                 hs_ptr d_beta, float accumulate) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_batch_norm("batch_norm_backward", desc, 2); status != HS_OK) {
      return status;
    }
    HS_NEED("batch_norm_backward", dy);
    HS_NEED("batch_norm_backward", x);
    HS_OPTIONAL("batch_norm_backward", y);
    HS_NEED("batch_norm_backward", gamma);
    HS_NEED("batch_norm_backward", saved_mean);
    HS_NEED("batch_norm_backward", saved_invstd);
    HS_NEED("batch_norm_backward", dx);
    HS_OPTIONAL("batch_norm_backward", d_residual);
    HS_NEED("batch_norm_backward", d_gamma);
    HS_NEED("batch_norm_backward", d_beta);
    HS_REQUIRE(desc->activation == HS_NONE || y != 0,
               "batch_norm_backward: with RELU it needs y, the output of the forward call");
    return submit(stream, &KernelTable::batch_norm_backward,
                  BatchNormBackwardArgs{*desc, as<void>(dy), as<void>(x), as<void>(y),
                                        as<float>(gamma), as<float>(saved_mean),
                                        as<float>(saved_invstd), as<void>(dx), as<void>(d_residual),
                                        as<float>(d_gamma), as<float>(d_beta), accumulate});
  });
}

hs_status hs_group_norm(hs_stream stream, const hs_group_norm_desc* desc, hs_ptr x, hs_ptr gamma,
                        hs_ptr beta, hs_ptr y, hs_ptr saved_mean, hs_ptr saved_invstd) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_group_norm("group_norm", desc); status != HS_OK) return status;
    if (desc->n != 0) {
      HS_NEED("group_norm", x);
      HS_NEED("group_norm", y);
    }
    HS_OPTIONAL("group_norm", gamma);
    HS_OPTIONAL("group_norm", beta);
    HS_OPTIONAL("group_norm", saved_mean);
    HS_OPTIONAL("group_norm", saved_invstd);
    HS_REQUIRE((gamma == 0) == (beta == 0) && (saved_mean == 0) == (saved_invstd == 0),
               "group_norm: give gamma and beta, and saved_mean and saved_invstd, together");
    return submit(stream, &KernelTable::group_norm,
                  GroupNormArgs{*desc, as<void>(x), as<float>(gamma), as<float>(beta), as<void>(y),
                                as<float>(saved_mean), as<float>(saved_invstd)});
  });
}

hs_status hs_group_norm_backward(hs_stream stream, const hs_group_norm_desc* desc, hs_ptr dy,
                                 hs_ptr x, hs_ptr gamma, hs_ptr saved_mean, hs_ptr saved_invstd,
                                 hs_ptr dx, hs_ptr d_gamma, hs_ptr d_beta, float accumulate) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_group_norm("group_norm_backward", desc); status != HS_OK) {
      return status;
    }
    if (desc->n != 0) {
      HS_NEED("group_norm_backward", dy);
      HS_NEED("group_norm_backward", x);
      HS_NEED("group_norm_backward", saved_mean);
      HS_NEED("group_norm_backward", saved_invstd);
      HS_NEED("group_norm_backward", dx);
    }
    HS_OPTIONAL("group_norm_backward", gamma);
    HS_OPTIONAL("group_norm_backward", d_gamma);
    HS_OPTIONAL("group_norm_backward", d_beta);
    HS_REQUIRE((d_gamma == 0) == (d_beta == 0),
               "group_norm_backward: give d_gamma and d_beta, or neither");
    return submit(
        stream, &KernelTable::group_norm_backward,
        GroupNormBackwardArgs{*desc, as<void>(dy), as<void>(x), as<float>(gamma),
                              as<float>(saved_mean), as<float>(saved_invstd), as<void>(dx),
                              as<float>(d_gamma), as<float>(d_beta), accumulate});
  });
}

hs_status hs_softmax(hs_stream stream, const hs_softmax_desc* desc, hs_ptr x, hs_ptr y,
                     hs_ptr tokens) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_softmax("softmax", desc); status != HS_OK) return status;
    if (desc->rows != 0) {
      HS_NEED("softmax", x);
      HS_NEED("softmax", y);
    }
    HS_OPTIONAL("softmax", tokens);
    HS_REQUIRE((tokens != 0) == (desc->samples != 0) || desc->rows == 0,
               "softmax: a padding mask takes samples and their tokens, but there are %lld samples "
               "and tokens are%s given",
               ll{desc->samples}, tokens == 0 ? " not" : "");
    return submit(stream, &KernelTable::softmax,
                  SoftmaxArgs{*desc, as<void>(x), as<void>(y), as<int32_t>(tokens)});
  });
}

hs_status hs_softmax_backward(hs_stream stream, const hs_softmax_desc* desc, hs_ptr dy, hs_ptr y,
                              hs_ptr dx) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_softmax("softmax_backward", desc); status != HS_OK) return status;
    if (desc->rows != 0) {
      HS_NEED("softmax_backward", dy);
      HS_NEED("softmax_backward", y);
      HS_NEED("softmax_backward", dx);
    }
    return submit(stream, &KernelTable::softmax_backward,
                  SoftmaxBackwardArgs{*desc, as<void>(dy), as<void>(y), as<void>(dx)});
  });
}
