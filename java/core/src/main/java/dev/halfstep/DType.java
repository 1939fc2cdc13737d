package dev.halfstep;

/** Element types of tensors, with the codes of {@code hs_dtype} in {@code halfstep.h}. */
public enum DType {
  /** IEEE 754 single precision. */
  F32(0, 4),
  /** bfloat16: the upper half of a single-precision number. */
  BF16(1, 2),
  /** IEEE 754 half precision. */
  F16(2, 2),
  /** Signed 32-bit integer: class labels, token ids, sample indices. */
  I32(3, 4),
  /** Unsigned byte: raw pixels. */
  U8(4, 1),
  /** Signed 64-bit integer: counters. */
  I64(5, 8),
  /** IEEE 754 double precision: sums of metrics. */
  F64(6, 8);

  private final int code;
  private final int bytes;

  DType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** The value of {@code hs_dtype} in the C ABI. */
  public int code() {
    return code;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers. */
  public boolean isFloat() {
    return this == F32 || this == BF16 || this == F16 || this == F64;
  }
}
