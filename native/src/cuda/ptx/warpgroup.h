// Hopper's tensor cores: a warpgroup (four warps) starts products of 16-bit tiles in shared memory
// and waits for them (wgmma, "Asynchronous Warpgroup Level Matrix Instructions" of the PTX ISA).
// Only code for sm_90a has these instructions. The sums [64, N] are in registers: with w the warp's
// number in its group, g = lane / 4 and t = lane % 4, sums[4 j], [4 j + 1] are row 16 w + g,
// columns 8 j + 2 t and + 1, and sums[4 j + 2], [4 j + 3] are the same columns of row 16 w + g + 8.
#ifndef HALFSTEP_CUDA_PTX_WARPGROUP_H
#define HALFSTEP_CUDA_PTX_WARPGROUP_H

#include <type_traits>

#include "cuda/platform.h"
#include "cuda/ptx/convert.h"

// Defined if the code that is being compiled can use these instructions.
#if defined(HS_SIM) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HS_HAS_WARPGROUPS 1
#endif

namespace hs::cuda {

#ifdef HS_HAS_WARPGROUPS
constexpr bool kHasWarpgroups = true;
#else
constexpr bool kHasWarpgroups = false;
#endif

constexpr unsigned kWarpgroupSize = 128;
constexpr int kWarpgroupRows = 64, kWarpgroupDepth = 16;  // rows and steps of k of one product

// An operand in the layout that the units read. Rows have 128 bytes; eight rows are a group of 1
// KB, aligned to its size, and the chunks of 16 bytes in a row are permuted by the row's number in
// its group. `groups` is the distance in bytes from one group of eight rows to the next. If rows do
// not run along k, each row is one step of k, and `blocks` is the distance in bytes from one block
// of 64 columns to the next.
struct SharedOperand {
#ifdef HS_SIM
  const unsigned char* at;
  unsigned blocks, groups;
  // The permutation depends on the bits of the address, as in the hardware, and not on the row.
  std::uint16_t bits(unsigned offset) const {
    auto address = reinterpret_cast<std::uintptr_t>(at) + offset;
    std::uint16_t value;
    std::memcpy(&value, reinterpret_cast<const void*>(address ^ (address >> 7 & 7) << 4), 2);
    return value;
  }
  template <bool kTranspose>
  std::uint16_t element(unsigned outer, unsigned k) const {
    return kTranspose ? bits(outer / 64 * blocks + outer % 64 * 2 + k / 8 * groups + k % 8 * 128)
                      : bits(outer / 8 * groups + outer % 8 * 128 + k * 2);
  }
#else
  std::uint64_t descriptor;
#endif

  HS_DEVICE SharedOperand(const void* shared, unsigned block_bytes, unsigned group_bytes)
#ifdef HS_SIM
      : at(static_cast<const unsigned char*>(shared)),
        blocks(block_bytes),
        groups(group_bytes){}
#else
  {
    constexpr std::uint64_t kRowsOf128Bytes = std::uint64_t{1} << 62;
    auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
    descriptor = kRowsOf128Bytes | std::uint64_t{group_bytes / 16} << 32 |
                 std::uint64_t{block_bytes / 16} << 16 | (address & 0x3ffff) / 16;
  }
#endif

        // The same operand, `bytes` bytes further on.
        HS_DEVICE SharedOperand advanced(unsigned bytes) const {
    SharedOperand moved = *this;
#ifdef HS_SIM
    moved.at += bytes;
#else
    moved.descriptor += bytes / 16;
#endif
    return moved;
  }
};

// Makes this thread's writes and copies to shared memory visible to the units; a barrier must
// follow before the warpgroup starts its products.
HS_DEVICE void fence_shared_for_units() {
#ifdef HS_HAS_WARPGROUPS
#ifndef HS_SIM
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
#endif
}

// Required before the first of a series of products, and after ordinary code has accessed the sums.
HS_DEVICE void warpgroup_arrive() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

// Closes the group of the products that were started since the last commit.
HS_DEVICE void warpgroup_commit() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

// Waits until at most the last `kNewest` groups are still in flight.
template <int kNewest>
HS_DEVICE void warpgroup_wait() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kNewest) : "memory");
#endif
}

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// Lists of the sums' registers, for the text of an instruction and for its operands.
#define HS_SUMS_4 "%0, %1, %2, %3"
#define HS_SUMS_32                                                                             \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
  "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define HS_SUMS_64                                                                             \
  HS_SUMS_32                                                                                   \
  ", "                                                                                         \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, " \
  "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define HS_SUMS_128                                                                            \
  HS_SUMS_64                                                                                   \
  ", "                                                                                         \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, " \
  "%82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, %98, %99, " \
  "%100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, " \
  "%115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define HS_REGISTERS_4(i) "+f"(sums[i]), "+f"(sums[i + 1]), "+f"(sums[i + 2]), "+f"(sums[i + 3])
#define HS_REGISTERS_16(i) \
  HS_REGISTERS_4(i), HS_REGISTERS_4(i + 4), HS_REGISTERS_4(i + 8), HS_REGISTERS_4(i + 12)
#define HS_REGISTERS_32(i) HS_REGISTERS_16(i), HS_REGISTERS_16(i + 16)
#define HS_REGISTERS_64(i) HS_REGISTERS_32(i), HS_REGISTERS_32(i + 32)
#define HS_REGISTERS_128(i) HS_REGISTERS_64(i), HS_REGISTERS_64(i + 64)

#endif

// Keeps the compiler from moving code that accesses the sums into the time in which the units add
// to them, of which it knows nothing. Call it before the first product and after the wait for the
// last.
template <int kCount>
HS_DEVICE void warpgroup_fence_sums([[maybe_unused]] float (&sums)[kCount]) {
  static_assert(kCount == 4 || kCount == 32 || kCount == 64 || kCount == 128);
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  if constexpr (kCount == 4) {
    asm volatile("" : HS_REGISTERS_4(0)::"memory");
  } else if constexpr (kCount == 32) {
    asm volatile("" : HS_REGISTERS_32(0)::"memory");
  } else if constexpr (kCount == 64) {
    asm volatile("" : HS_REGISTERS_64(0)::"memory");
  } else {
    asm volatile("" : HS_REGISTERS_128(0)::"memory");
  }
#endif
}

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// `a` to `tb` are the numbers of the operands that follow the sums.
#define HS_WGMMA(n, type, sums_of, a, b, ta, tb, ...)                             \
  asm volatile(                                                                   \
      "{.reg .pred added; setp.eq.u32 added, 1, 1; "                              \
      "wgmma.mma_async.sync.aligned.m64n" n "k16.f32." type "." type " {" sums_of \
      "}, "                                                                       \
      "%" a ", %" b ", added, 1, 1, %" ta ", %" tb ";}"                           \
      : __VA_ARGS__                                                               \
      : "l"(of_a), "l"(of_b), "n"(int{kTransposeA}), "n"(int{kTransposeB}))
#define HS_WGMMA_OF(type)                                                                \
  if constexpr (kN == 8) {                                                               \
    HS_WGMMA("8", type, HS_SUMS_4, "4", "5", "6", "7", HS_REGISTERS_4(0));               \
  } else if constexpr (kN == 64) {                                                       \
    HS_WGMMA("64", type, HS_SUMS_32, "32", "33", "34", "35", HS_REGISTERS_32(0));        \
  } else if constexpr (kN == 128) {                                                      \
    HS_WGMMA("128", type, HS_SUMS_64, "64", "65", "66", "67", HS_REGISTERS_64(0));       \
  } else {                                                                               \
    static_assert(kN == 256);                                                            \
    HS_WGMMA("256", type, HS_SUMS_128, "128", "129", "130", "131", HS_REGISTERS_128(0)); \
  }

#endif

// Starts sums += A B with A [64, 16] and B [16, kN]; kN is 8, 64, 128 or 256. A is stored [m, k],
// or [k, m] if kTransposeA; B is stored [k, n] if kTransposeB, otherwise [n, k].
template <class T, bool kTransposeA, bool kTransposeB, int kN>
HS_DEVICE void warpgroup_multiply(float (&sums)[kN / 2], const SharedOperand& a,
                                  const SharedOperand& b) {
#ifdef HS_SIM
  auto value = [](std::uint16_t bits) { return to_float(T{bits}); };
  unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x % kWarpgroupSize / kWarpSize;
  unsigned row = 16 * warp + lane / 4, column = 2 * (lane % 4);
  float upper[kWarpgroupDepth], lower[kWarpgroupDepth];
  for (unsigned k = 0; k < kWarpgroupDepth; ++k) {
    upper[k] = value(a.element<kTransposeA>(row, k));
    lower[k] = value(a.element<kTransposeA>(row + 8, k));
  }
  for (unsigned i = 0; i < kN / 4; ++i) {
    float& of_upper = sums[i / 2 * 4 + i % 2];
    float& of_lower = sums[i / 2 * 4 + i % 2 + 2];
    for (unsigned k = 0; k < kWarpgroupDepth; ++k) {
      float e = value(b.element<kTransposeB>(i / 2 * 8 + column + i % 2, k));
      of_upper += upper[k] * e;
      of_lower += lower[k] * e;
    }
  }
#elif defined(HS_HAS_WARPGROUPS)
  const std::uint64_t of_a = a.descriptor, of_b = b.descriptor;
  if constexpr (std::is_same_v<T, Bf16>) {
    HS_WGMMA_OF("bf16")
  } else {
    HS_WGMMA_OF("f16")
  }
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_WARPGROUP_H
