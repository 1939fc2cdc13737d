// Checks of the calls that end a training step: gradients, optimizer, counters.
#include "core/check.h"

using namespace hs;

namespace {

bool has_second_moment(hs_rule rule) { return rule != HS_SGD && rule != HS_LARS; }

bool is_layerwise(hs_rule rule) { return rule == HS_LARS || rule == HS_LAMB; }

hs_status check_optimizer(const hs_optimizer_desc& d) {
  HS_REQUIRE(d.rule >= HS_SGD && d.rule <= HS_LAMB, "optimizer_step: %d is not an hs_rule", d.rule);
  HS_REQUIRE(d.momentum >= 0 && d.momentum < 1,
             "optimizer_step: momentum (beta1) %g is not in [0, 1)",
             static_cast<double>(d.momentum));
  HS_REQUIRE(!has_second_moment(d.rule) || (d.beta2 >= 0 && d.beta2 < 1),
             "optimizer_step: beta2 %g is not in [0, 1)", static_cast<double>(d.beta2));
  HS_REQUIRE(d.rule == HS_SGD || d.eps >= 0, "optimizer_step: eps %g is negative",
             static_cast<double>(d.eps));
  HS_REQUIRE(d.rule != HS_LARS || d.trust > 0, "optimizer_step: trust %g is not positive",
             static_cast<double>(d.trust));
  HS_REQUIRE(d.learning_rate >= 0 && d.weight_decay >= 0,
             "optimizer_step: learning rate %g or weight decay %g is negative or not a number",
             static_cast<double>(d.learning_rate), static_cast<double>(d.weight_decay));
  return HS_OK;
}

bool overlap(const void* p, int64_t bytes, const void* q, int64_t q_bytes) {
  const auto* const a = static_cast<const char*>(p);
  const auto* const b = static_cast<const char*>(q);
  return p != nullptr && q != nullptr && a < b + q_bytes && b < a + bytes;
}

// Whether a step behind a product may update the parameters of a part of C as soon as that part is
// there: C is a run of the gradients, and the step writes nothing that the product still reads.
bool can_update_at_once(const MatmulArgs& product, const OptimizerArgs& step) {
  const hs_matmul_desc& d = product.desc;
  const float* const c = static_cast<const float*>(product.c);
  const auto is_gradient = [&step](const float* p, int64_t count) {
    return p >= step.gradients && p + count <= step.gradients + step.count;
  };
  if (is_layerwise(step.desc.rule) || d.batch != 1 || d.out_type != HS_F32 || d.ldc != d.n ||
      product.bias != nullptr || product.aux != nullptr || !is_gradient(c, d.m * d.n) ||
      (product.bias_grad != nullptr && !is_gradient(product.bias_grad, d.m))) {
    return false;
  }
  const int64_t a_bytes = (d.transpose_a ? d.k : d.m) * d.lda * 4;  // at most
  const int64_t b_bytes = (d.transpose_b ? d.n : d.k) * d.ldb * 4;
  for (const void* written :
       {static_cast<const void*>(step.parameters), static_cast<const void*>(step.moment1),
        static_cast<const void*>(step.moment2), static_cast<const void*>(step.copy)}) {
    if (overlap(written, step.count * 4, product.a, a_bytes) ||
        overlap(written, step.count * 4, product.b, b_bytes)) {
      return false;
    }
  }
  return true;
}

// Records the step and the product before it as one call, if that product was recorded last.
bool record_as_one(hs_stream stream, const OptimizerArgs& step) {
  if (stream == nullptr || check_owner(stream) != HS_OK || check_usable(*stream->device) != HS_OK ||
      stream->recording == nullptr) {
    return false;
  }
  hs_list_t& list = *stream->recording;
  const MatmulArgs* const product = last_recorded<MatmulArgs>(list);
  if (product == nullptr || !can_update_at_once(*product, step)) return false;
  const MatmulUpdateArgs both{*product, step};
  list.calls.pop_back();
  record(list, stream->device->backend->kernels.matmul_update, both);
  list.size++;
  return true;
}

}  // namespace

hs_status hs_optimizer_step(hs_stream stream, const hs_optimizer_desc* desc, int64_t count,
                            hs_ptr parameters, hs_ptr gradients, hs_ptr moment1, hs_ptr moment2,
                            hs_ptr copy, hs_ptr state, hs_ptr schedule, hs_ptr segments,
                            int32_t segment_count, hs_ptr workspace) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(desc != nullptr, "optimizer_step: desc is null");
    if (hs_status status = check_optimizer(*desc); status != HS_OK) return status;
    HS_REQUIRE(count >= 0 && segment_count >= 0,
               "optimizer_step: count %lld and segment_count %d must not be negative", ll{count},
               segment_count);
    HS_REQUIRE(count <= kMostElements, "optimizer_step: %lld parameters are more than 2^58",
               ll{count});
    if (count != 0) {
      HS_NEED("optimizer_step", parameters);
      HS_NEED("optimizer_step", gradients);
    }
    HS_OPTIONAL("optimizer_step", moment1);
    HS_OPTIONAL("optimizer_step", moment2);
    HS_OPTIONAL("optimizer_step", copy);
    HS_OPTIONAL("optimizer_step", state);
    HS_OPTIONAL("optimizer_step", schedule);
    HS_OPTIONAL("optimizer_step", segments);
    HS_OPTIONAL("optimizer_step", workspace);
    HS_REQUIRE(!has_second_moment(desc->rule) || (moment1 != 0 && moment2 != 0) || count == 0,
               "optimizer_step: Adam, AdamW and LAMB need moment1 and moment2: one is 0");
    HS_REQUIRE(desc->rule != HS_LARS || moment1 != 0 || count == 0,
               "optimizer_step: LARS needs moment1");
    HS_REQUIRE(!is_layerwise(desc->rule) || workspace != 0 || segments == 0 || count == 0,
               "optimizer_step: LARS and LAMB with segments need the workspace, F64 [2, %d]",
               segment_count);
    HS_REQUIRE(desc->rule != HS_SGD || moment1 != 0 || desc->momentum == 0,
               "optimizer_step: SGD with momentum needs moment1");
    HS_REQUIRE(copy == 0 || is_storage(desc->copy_type),
               "optimizer_step: a copy in %s is not possible: F32, BF16 and F16 are",
               dtype_name(desc->copy_type));
    HS_REQUIRE(state != 0 || (desc->checked == 0 && schedule == 0),
               "optimizer_step: a checked step and a schedule need the state");
    const OptimizerArgs args{*desc,
                             count,
                             as<float>(parameters),
                             as<float>(gradients),
                             as<float>(moment1),
                             as<float>(moment2),
                             as<void>(copy),
                             as<hs_step_state>(state),
                             as<hs_schedule_row>(schedule),
                             as<hs_segment>(segments),
                             segment_count,
                             as<double>(workspace)};
    if (record_as_one(stream, args)) return HS_OK;
    return submit(stream, &KernelTable::optimizer_step, args);
  });
}

hs_status hs_gradient_check(hs_stream stream, int64_t count, hs_ptr gradients, hs_ptr state,
                            float weight_units, float max_norm) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE_COUNT("gradient_check", count);
    if (count != 0) HS_NEED("gradient_check", gradients);
    HS_NEED("gradient_check", state);
    HS_REQUIRE(weight_units > 0 && max_norm >= 0,
               "gradient_check: weight_units %g must be positive, max_norm %g not negative",
               static_cast<double>(weight_units), static_cast<double>(max_norm));
    return submit(stream, &KernelTable::gradient_check,
                  GradientCheckArgs{count, as<float>(gradients), as<hs_step_state>(state),
                                    weight_units, max_norm});
  });
}

hs_status hs_micro_step_end(hs_stream stream, hs_ptr state, int64_t rows) {
  return guarded([&]() -> hs_status {
    HS_NEED("micro_step_end", state);
    HS_REQUIRE(rows >= 0, "micro_step_end: rows is %lld: it must be 0 or more", ll{rows});
    return submit(stream, &KernelTable::micro_step_end,
                  MicroStepEndArgs{as<hs_step_state>(state), rows});
  });
}

hs_status hs_step_end(hs_stream stream, hs_ptr state, hs_ptr schedule, const hs_scaler* scaler,
                      hs_ptr ring, int64_t capacity) {
  return guarded([&]() -> hs_status {
    HS_NEED("step_end", state);
    HS_OPTIONAL("step_end", schedule);
    HS_NEED("step_end", ring);
    HS_REQUIRE(capacity >= 1, "step_end: capacity is %lld: it must be positive", ll{capacity});
    HS_REQUIRE(
        scaler == nullptr || (scaler->growth > 1 && scaler->backoff > 0 && scaler->backoff < 1 &&
                              scaler->interval >= 1 && scaler->minimum > 0),
        "step_end: a scaler needs growth > 1, backoff in (0, 1), interval >= 1 and a "
        "positive minimum");
    StepEndArgs args{as<hs_step_state>(state),
                     as<hs_schedule_row>(schedule),
                     {},
                     false,
                     as<hs_step_record>(ring),
                     capacity};
    if (scaler != nullptr) {
      args.scaler = *scaler;
      args.scaling = true;
    }
    return submit(stream, &KernelTable::step_end, args);
  });
}
