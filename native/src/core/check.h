// Words for checking the arguments of a kernel call.
#ifndef HALFSTEP_CORE_CHECK_H
#define HALFSTEP_CORE_CHECK_H

#include "core/stream.h"

// Leaves the function with HS_INVALID_ARGUMENT and the message unless the condition holds.
#define HS_REQUIRE(condition, ...) \
  if (!(condition)) return ::hs::fail(HS_INVALID_ARGUMENT, __VA_ARGS__)

namespace hs {

using ll = long long;  // for printing int64_t

constexpr bool is_storage(hs_dtype type) {
  return type == HS_F32 || type == HS_BF16 || type == HS_F16;
}

constexpr bool is_dtype(hs_dtype type) { return type >= HS_F32 && type <= HS_F64; }

inline const char* dtype_name(hs_dtype type) {
  constexpr const char* kNames[] = {"F32", "BF16", "F16", "I32", "U8", "I64", "F64"};
  return is_dtype(type) ? kNames[type] : "unknown";
}

template <class T>
T* as(hs_ptr address) {
  return reinterpret_cast<T*>(address);
}

}  // namespace hs

#endif  // HALFSTEP_CORE_CHECK_H
