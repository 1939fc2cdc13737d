// Checks of embeddings.
#include "core/kernel_checks.h"

namespace hs {

namespace {

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

hs_status check(const EmbeddingArgs& args) {
  return check_embedding("embedding", args.type, args.vocabulary, args.width, args.count);
}

hs_status check(const EmbeddingBackwardArgs& args) {
  return check_embedding("embedding_backward", args.type, args.vocabulary, args.width, args.count);
}

}  // namespace hs
