// Macros and functions that check the arguments of a kernel call.
#ifndef HALFSTEP_CORE_CHECK_H
#define HALFSTEP_CORE_CHECK_H

#include <initializer_list>

#include "core/stream.h"

// Returns HS_INVALID_ARGUMENT with the message from the calling function unless the condition
// holds.
#define HS_REQUIRE(condition, ...) \
  if (!(condition)) return ::hs::fail(HS_INVALID_ARGUMENT, __VA_ARGS__)

// Returns HS_INVALID_ARGUMENT unless there can be an array of `count` elements.
#define HS_REQUIRE_COUNT(call, count)                        \
  HS_REQUIRE((count) >= 0 && (count) <= ::hs::kMostElements, \
             "%s: count is %lld: it must be 0 ... 2^58", call, static_cast<long long>(count))

// Return HS_INVALID_ARGUMENT unless `operand` can be the address of an array; HS_OPTIONAL also
// takes 0.
#define HS_NEED(call, operand) \
  if ((operand) < ::hs::kLeastAddress) return ::hs::fail_address(call, #operand, operand)
#define HS_OPTIONAL(call, operand) \
  if ((operand) != 0) HS_NEED(call, operand)

namespace hs {

using ll = long long;            // for printing int64_t
using ull = unsigned long long;  // and uint64_t

constexpr bool is_storage(hs_dtype type) {
  return type == HS_F32 || type == HS_BF16 || type == HS_F16;
}

constexpr bool is_dtype(hs_dtype type) { return type >= HS_F32 && type <= HS_F64; }

inline const char* dtype_name(hs_dtype type) {
  constexpr const char* kNames[] = {"F32", "BF16", "F16", "I32", "U8", "I64", "F64"};
  return is_dtype(type) ? kNames[type] : "unknown";
}

// Systems map no memory below this address: a smaller number is an offset mistaken for an address.
constexpr hs_ptr kLeastAddress = 4096;

[[gnu::cold]] hs_status fail_address(const char* call, const char* operand, hs_ptr address);

// The most elements of an array, so that twice its size in bytes is less than 2^63.
constexpr int64_t kMostElements = int64_t{1} << 58;
constexpr uint64_t kMostBytes = uint64_t{8} << 58;

// Whether there can be an array of these extents, none of which is negative. An extent of 0 counts
// as 1, since kernels multiply the other extents with each other.
constexpr bool fits(const int64_t* extents, size_t rank) {
  int64_t elements = 1;
  for (size_t i = 0; i < rank; i++) {
    if (extents[i] > 1 &&
        (__builtin_mul_overflow(elements, extents[i], &elements) || elements > kMostElements)) {
      return false;
    }
  }
  return true;
}
constexpr bool fits(std::initializer_list<int64_t> extents) {
  return fits(extents.begin(), extents.size());
}

// Checks that `type` is a storage type (F32, BF16 or F16) and `count` a possible number of
// elements.
hs_status check_elements(const char* call, hs_dtype type, int64_t count);

// The output extent of a window that slides over an input of `input` elements in one dimension, or
// 0 if the window does not fit.
inline int64_t output_extent(int64_t input, int64_t window, int32_t stride, int32_t pad,
                             int32_t dilation) {
  int64_t reach = 0;
  if (__builtin_mul_overflow(window - 1, dilation, &reach)) return 0;
  const int64_t room = input + 2 * int64_t{pad} - 1;
  return room < reach ? 0 : (room - reach) / stride + 1;
}

template <class T>
T* as(hs_ptr address) {
  return reinterpret_cast<T*>(address);
}

}  // namespace hs

#endif  // HALFSTEP_CORE_CHECK_H
