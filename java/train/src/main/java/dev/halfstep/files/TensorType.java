package dev.halfstep.files;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** The element types of safetensors files, by the format's names. */
enum TensorType {
  F64(64),
  F32(32),
  F16(16),
  BF16(16),
  I64(64),
  I32(32),
  I16(16),
  I8(8),
  U64(64),
  U32(32),
  U16(16),
  U8(8),
  BOOL(8),
  C64(64),
  F8_E4M3(8),
  F8_E5M2(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  F8_E8M0(8),
  F6_E2M3(6),
  F6_E3M2(6),
  F4(4);

  private final int bits;

  TensorType(int bits) {
    this.bits = bits;
  }

  static Optional<TensorType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /**
   * The size of {@code elements} elements in bytes.
   *
   * @throws ArithmeticException if it is not a whole number of bytes, or more than 2^63
   */
  long bytes(long elements) {
    long all = Math.multiplyExact(elements, bits);
    if (all % Byte.SIZE != 0) {
      throw new ArithmeticException(elements + " elements of " + bits + " bits");
    }
    return all / Byte.SIZE;
  }

  /** Whether its elements can be read as single-precision numbers. */
  boolean isReadable() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  /**
   * Reads elements from a little-endian buffer.
   *
   * @param to {@code double[]} for F64, {@code byte[]} for U8, {@code float[]} for the other
   *     readable types
   * @param count the number of elements, for which the buffer has the bytes
   */
  void read(ByteBuffer from, Object to, int offset, int count) {
    switch (this) {
      case F64 -> from.asDoubleBuffer().get((double[]) to, offset, count);
      case U8 -> from.get(0, (byte[]) to, offset, count);
      default -> read(from, (float[]) to, offset, count);
    }
  }

  private void read(ByteBuffer from, float[] to, int offset, int count) {
    switch (this) {
      case F32 -> from.asFloatBuffer().get(to, offset, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to[offset + i] = Float.intBitsToFloat(from.getShort(Short.BYTES * i) << 16);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to[offset + i] = ofHalf(from.getShort(Short.BYTES * i));
        }
      }
      default -> throw new IllegalStateException(this + " is not read as numbers");
    }
  }

  /**
   * The value of an IEEE 754 half-precision number: 1 bit for the sign, 5 for the exponent, 10 for
   * the fraction.
   */
  private static float ofHalf(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >> 10 & 0x1F;
    int fraction = bits & 0x3FF;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int rebiased = exponent == 0x1F ? 0xFF : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | rebiased << 23 | fraction << 13);
  }
}
