// Checks of the calls that work element by element, reduce, rearrange, or look up rows.
#include "core/check.h"

using namespace hs;

namespace {

hs_status check_elements(const char* name, hs_dtype type, int64_t count) {
  HS_REQUIRE(is_storage(type), "%s of %s: F32, BF16 and F16 are possible", name, dtype_name(type));
  HS_REQUIRE_COUNT(name, count);
  return HS_OK;
}

hs_status check_reduce(const char* name, const hs_reduce_desc* desc) {
  HS_REQUIRE(desc != nullptr, "%s: desc is null", name);
  const hs_reduce_desc& d = *desc;
  HS_REQUIRE(d.reduction >= HS_SUM && d.reduction <= HS_MAX, "%s: %d is not an hs_reduction", name,
             d.reduction);
  HS_REQUIRE(is_storage(d.type) && (d.out_type == HS_F32 || d.out_type == d.type),
             "%s of %s into %s: possible are F32, BF16 and F16 into themselves or F32", name,
             dtype_name(d.type), dtype_name(d.out_type));
  HS_REQUIRE(d.outer >= 0 && d.extent >= 1 && d.extent <= INT32_MAX && d.inner >= 0,
             "%s: x [%lld, %lld, %lld]: the reduced extent must be positive, the others not "
             "negative",
             name, ll{d.outer}, ll{d.extent}, ll{d.inner});
  HS_REQUIRE(fits({d.outer, d.extent, d.inner}),
             "%s: x [%lld, %lld, %lld] has more than 2^58 elements", name, ll{d.outer},
             ll{d.extent}, ll{d.inner});
  HS_REQUIRE(d.beta == 0 || d.reduction != HS_MAX, "%s: a maximum cannot be accumulated (beta %g)",
             name, static_cast<double>(d.beta));
  return HS_OK;
}

// Whether memory can hold rows of so many bytes at this pitch.
bool fits_rows(int64_t rows, uint64_t row_bytes, uint64_t pitch) {
  uint64_t before_last = 0;
  return rows == 0 ||
         (row_bytes <= kMostBytes &&
          !__builtin_mul_overflow(static_cast<uint64_t>(rows - 1), pitch, &before_last) &&
          before_last <= kMostBytes - row_bytes);
}

hs_status check_embedding(const char* name, hs_dtype type, int64_t vocabulary, int64_t width,
                          int64_t count) {
  if (hs_status status = check_elements(name, type, count); status != HS_OK) return status;
  HS_REQUIRE(vocabulary >= 1 && vocabulary < INT32_MAX && width >= 1 && count <= INT32_MAX,
             "%s: table [%lld, %lld] and %lld tokens: the extents must be positive and fit 31 bits",
             name, ll{vocabulary}, ll{width}, ll{count});
  HS_REQUIRE(fits({vocabulary, width}) && fits({count, width}),
             "%s: table [%lld, %lld] or %lld rows of it have more than 2^58 elements", name,
             ll{vocabulary}, ll{width}, ll{count});
  return HS_OK;
}

}  // namespace

hs_status hs_elementwise(hs_stream stream, hs_binary op, hs_dtype type, int64_t count,
                         int64_t period, hs_ptr a, hs_ptr b, hs_ptr y) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(op >= HS_ADD && op <= HS_LESS, "elementwise: %d is not an hs_binary", op);
    if (hs_status status = check_elements("elementwise", type, count); status != HS_OK) {
      return status;
    }
    HS_REQUIRE(count == 0 || (period >= 1 && count % period == 0),
               "elementwise: period %lld does not divide count %lld", ll{period}, ll{count});
    if (count != 0) {
      HS_NEED("elementwise", a);
      HS_NEED("elementwise", b);
      HS_NEED("elementwise", y);
    }
    return submit(stream, &KernelTable::elementwise,
                  ElementwiseArgs{op, type, count, period, as<void>(a), as<void>(b), as<void>(y)});
  });
}

hs_status hs_scale_add(hs_stream stream, hs_dtype type, int64_t count, float alpha, hs_ptr x,
                       float beta, hs_ptr y) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_elements("scale_add", type, count); status != HS_OK) return status;
    if (count != 0) {
      HS_NEED("scale_add", x);
      HS_NEED("scale_add", y);
    }
    return submit(stream, &KernelTable::scale_add,
                  ScaleAddArgs{type, count, alpha, as<void>(x), beta, as<void>(y)});
  });
}

hs_status hs_dropout(hs_stream stream, hs_dtype type, int64_t count, float rate, uint64_t seed,
                     uint32_t operation, hs_ptr state, hs_ptr x, hs_ptr y) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_elements("dropout", type, count); status != HS_OK) return status;
    HS_REQUIRE(rate >= 0 && rate < 1, "dropout: rate %g is not in [0, 1)",
               static_cast<double>(rate));
    HS_NEED("dropout", state);
    if (count != 0) {
      HS_NEED("dropout", x);
      HS_NEED("dropout", y);
    }
    return submit(stream, &KernelTable::dropout,
                  DropoutArgs{type, count, rate, seed, operation, as<hs_step_state>(state),
                              as<void>(x), as<void>(y)});
  });
}

hs_status hs_reduce(hs_stream stream, const hs_reduce_desc* desc, hs_ptr x, hs_ptr y,
                    hs_ptr index) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_reduce("reduce", desc); status != HS_OK) return status;
    HS_REQUIRE(index == 0 || desc->reduction == HS_MAX, "reduce: only a maximum has places");
    if (desc->outer != 0 && desc->inner != 0) {
      HS_NEED("reduce", x);
      HS_NEED("reduce", y);
    }
    HS_OPTIONAL("reduce", index);
    return submit(stream, &KernelTable::reduce,
                  ReduceArgs{*desc, as<void>(x), as<void>(y), as<int32_t>(index)});
  });
}

hs_status hs_reduce_backward(hs_stream stream, const hs_reduce_desc* desc, hs_ptr dy, hs_ptr index,
                             hs_ptr dx) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_reduce("reduce_backward", desc); status != HS_OK) return status;
    const bool empty = desc->outer == 0 || desc->inner == 0;
    HS_REQUIRE(desc->reduction != HS_MAX || index != 0 || empty,
               "reduce_backward: a maximum needs the index of the forward call");
    if (!empty) {
      HS_NEED("reduce_backward", dy);
      HS_NEED("reduce_backward", dx);
    }
    HS_OPTIONAL("reduce_backward", index);
    return submit(stream, &KernelTable::reduce_backward,
                  ReduceBackwardArgs{*desc, as<void>(dy), as<int32_t>(index), as<void>(dx)});
  });
}

hs_status hs_permute(hs_stream stream, hs_dtype type, int32_t rank, const int64_t* extents,
                     const int32_t* permutation, hs_ptr x, hs_ptr y) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(is_dtype(type), "permute: type %d is not an hs_dtype", type);
    HS_REQUIRE(rank >= 1 && rank <= 6 && extents != nullptr && permutation != nullptr,
               "permute: rank %d is not in 1 ... 6, or extents or permutation is null", rank);
    PermuteArgs args{type, rank, {}, {}, as<void>(x), as<void>(y)};
    uint32_t seen = 0;
    bool empty = false;
    for (int32_t i = 0; i < rank; i++) {
      HS_REQUIRE(extents[i] >= 0, "permute: extent %d is %lld: it must be 0 or more", i,
                 ll{extents[i]});
      HS_REQUIRE(permutation[i] >= 0 && permutation[i] < rank && !(seen >> permutation[i] & 1u),
                 "permute: dimension %d at place %d is outside [0, %d) or there twice",
                 permutation[i], i, rank);
      seen |= 1u << permutation[i];
      empty |= extents[i] == 0;
      args.extents[i] = extents[i];
      args.permutation[i] = permutation[i];
    }
    HS_REQUIRE(fits(args.extents, static_cast<size_t>(rank)),
               "permute: x has more than 2^58 elements");
    if (!empty) {
      HS_NEED("permute", x);
      HS_NEED("permute", y);
    }
    return submit(stream, &KernelTable::permute, args);
  });
}

hs_status hs_copy_rows(hs_stream stream, int64_t rows, uint64_t row_bytes, hs_ptr src,
                       uint64_t src_pitch, hs_ptr dst, uint64_t dst_pitch) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(rows >= 0, "copy_rows: rows is %lld: it must be 0 or more", ll{rows});
    HS_REQUIRE(rows <= 1 || dst_pitch >= row_bytes,
               "copy_rows: rows of %llu bytes overlap at a pitch of %llu", ull{row_bytes},
               ull{dst_pitch});
    HS_REQUIRE(fits_rows(rows, row_bytes, src_pitch) && fits_rows(rows, row_bytes, dst_pitch),
               "copy_rows: %lld rows of %llu bytes at pitches of %llu and %llu are more than there "
               "can be",
               ll{rows}, ull{row_bytes}, ull{src_pitch}, ull{dst_pitch});
    if (rows != 0 && row_bytes != 0) {
      HS_NEED("copy_rows", src);
      HS_NEED("copy_rows", dst);
    }
    return submit(
        stream, &KernelTable::copy_rows,
        CopyRowsArgs{rows, row_bytes, as<void>(src), src_pitch, as<void>(dst), dst_pitch});
  });
}

hs_status hs_embedding(hs_stream stream, hs_dtype type, int64_t vocabulary, int64_t width,
                       int64_t count, hs_ptr table, hs_ptr tokens, hs_ptr state, hs_ptr y) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_embedding("embedding", type, vocabulary, width, count);
        status != HS_OK) {
      return status;
    }
    HS_NEED("embedding", table);
    if (count != 0) {
      HS_NEED("embedding", tokens);
      HS_NEED("embedding", y);
    }
    HS_OPTIONAL("embedding", state);
    return submit(stream, &KernelTable::embedding,
                  EmbeddingArgs{type, vocabulary, width, count, as<void>(table),
                                as<int32_t>(tokens), as<hs_step_state>(state), as<void>(y)});
  });
}

hs_status hs_embedding_backward(hs_stream stream, hs_dtype type, int64_t vocabulary, int64_t width,
                                int64_t count, hs_ptr dy, hs_ptr tokens, float beta, hs_ptr d_table,
                                hs_ptr workspace) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_embedding("embedding_backward", type, vocabulary, width, count);
        status != HS_OK) {
      return status;
    }
    HS_NEED("embedding_backward", d_table);
    HS_NEED("embedding_backward", workspace);
    if (count != 0) {
      HS_NEED("embedding_backward", dy);
      HS_NEED("embedding_backward", tokens);
    }
    return submit(
        stream, &KernelTable::embedding_backward,
        EmbeddingBackwardArgs{type, vocabulary, width, count, as<void>(dy), as<int32_t>(tokens),
                              beta, as<float>(d_table), as<int32_t>(workspace)});
  });
}

hs_status hs_pointwise_loss(hs_stream stream, hs_loss loss, hs_dtype type, int64_t rows,
                            int64_t count, float gradient_seed, hs_ptr prediction, hs_ptr target,
                            hs_ptr state, hs_ptr d_prediction) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE(loss == HS_MSE || loss == HS_BCE_WITH_LOGITS, "pointwise_loss: %d is not an hs_loss",
               loss);
    if (hs_status status = check_elements("pointwise_loss", type, count); status != HS_OK) {
      return status;
    }
    HS_REQUIRE(rows >= 0 && (rows == 0 ? count == 0 : count % rows == 0),
               "pointwise_loss: %lld rows do not divide %lld elements", ll{rows}, ll{count});
    if (count != 0) {
      HS_NEED("pointwise_loss", prediction);
      HS_NEED("pointwise_loss", target);
    }
    HS_OPTIONAL("pointwise_loss", state);
    HS_OPTIONAL("pointwise_loss", d_prediction);
    return submit(
        stream, &KernelTable::pointwise_loss,
        PointwiseLossArgs{loss, type, rows, count, gradient_seed, as<void>(prediction),
                          as<float>(target), as<hs_step_state>(state), as<void>(d_prediction)});
  });
}

hs_status hs_gradient_statistics(hs_stream stream, int64_t count, hs_ptr x, hs_ptr state,
                                 hs_ptr statistics) {
  return guarded([&]() -> hs_status {
    HS_REQUIRE_COUNT("gradient_statistics", count);
    HS_NEED("gradient_statistics", statistics);
    if (count != 0) HS_NEED("gradient_statistics", x);
    HS_OPTIONAL("gradient_statistics", state);
    return submit(stream, &KernelTable::gradient_statistics,
                  GradientStatisticsArgs{count, as<float>(x), as<hs_step_state>(state),
                                         as<hs_statistics>(statistics)});
  });
}
