#include "platform/pages.h"

#include <sys/mman.h>

#include <cstdlib>

namespace hs::platform {
namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;

}  // namespace

Block allocate(uint64_t bytes, uint64_t alignment) {
  const uint64_t align = bytes >= kHugePage ? kHugePage : alignment;
  if (bytes > UINT64_MAX - align) return {nullptr, 0};
  const uint64_t rounded = (bytes + align - 1) / align * align;
  void* const data = std::aligned_alloc(align, rounded);
  if (data == nullptr) return {nullptr, 0};
  if (align == kHugePage) madvise(data, rounded, MADV_HUGEPAGE);
  return {data, rounded};
}

void release(void* data) { std::free(data); }

}  // namespace hs::platform
