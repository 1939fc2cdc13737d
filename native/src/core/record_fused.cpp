// Fuses two calls into one while a list is recorded: a matrix product that writes gradients, and
// the optimizer step that follows it. The backend can then update a part of the parameters while
// their gradients are still in the caches.
#include "core/kernel_checks.h"

namespace hs {

namespace {

bool overlap(const void* p, int64_t bytes, const void* q, int64_t q_bytes) {
  const auto* const a = static_cast<const char*>(p);
  const auto* const b = static_cast<const char*>(q);
  return p != nullptr && q != nullptr && a < b + q_bytes && b < a + bytes;
}

// Whether the step that follows a product may update the parameters of a part of C as soon as that
// part is computed: C must be a part of the step's gradients, and the step must write nothing that
// the product still reads.
bool can_update_at_once(const MatmulArgs& product, const OptimizerStepArgs& step) {
  const hs_matmul_desc& d = product.desc;
  const float* const c = static_cast<const float*>(product.c);
  const auto is_gradient = [&step](const float* p, int64_t count) {
    return p >= step.gradients && p + count <= step.gradients + step.count;
  };
  if (step.desc.rule == HS_LARS || step.desc.rule == HS_LAMB || d.batch != 1 ||
      d.out_type != HS_F32 || d.ldc != d.n || product.bias != nullptr || product.aux != nullptr ||
      !is_gradient(c, d.m * d.n) ||
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

}  // namespace

// Called by hs_optimizer_step: if the call recorded last is a product that can be fused with this
// step, replaces it by the fused call and returns true.
bool record_as_one(hs_stream stream, const OptimizerStepArgs& step) {
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

}  // namespace hs
