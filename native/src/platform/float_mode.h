// Sets how the processor treats denormal floats, on the calling thread.
#ifndef HALFSTEP_PLATFORM_FLOAT_MODE_H
#define HALFSTEP_PLATFORM_FLOAT_MODE_H

#include <cstdint>

namespace hs::platform {

#if defined(__x86_64__)
using FloatMode = uint32_t;                     // MXCSR
inline constexpr FloatMode kFlushing = 0x8040;  // denormal results and operands count as zero
inline FloatMode float_mode() { return __builtin_ia32_stmxcsr(); }
inline void set_float_mode(FloatMode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
using FloatMode = uint64_t;                      // FPCR
inline constexpr FloatMode kFlushing = 1 << 24;  // FZ: denormal results and operands count as zero
inline FloatMode float_mode() {
  FloatMode mode;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) { __asm__ __volatile__("msr fpcr, %0" : : "r"(mode)); }
#else
#error "say here how this processor flushes denormal floats to zero"
#endif

// Denormals flush to zero from now on. Returns the previous mode.
inline FloatMode flush_denormals() {
  const FloatMode before = float_mode();
  set_float_mode(before | kFlushing);
  return before;
}

// Denormals flush to zero during this object's life; its destructor restores the previous mode.
class FlushDenormals {
 public:
  FlushDenormals() : before_(flush_denormals()) {}
  ~FlushDenormals() { set_float_mode(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  FloatMode before_;
};

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_FLOAT_MODE_H
