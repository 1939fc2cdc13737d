package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.halfstep.DType;
import dev.halfstep.kernel.CastKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Arrays as the constant tensors of an ONNX file: little-endian and row-major. */
final class Tensors {
  private Tensors() {}

  /**
   * Numbers in one of Halfstep's types, rounded to nearest where it has 16 bits.
   *
   * @throws IllegalArgumentException if a finite number is too large for the type
   */
  static TensorProto of(String name, DType type, List<Long> extents, float... values) {
    ByteBuffer bytes = allocate(Math.multiplyExact(values.length, type.bytes()));
    if (type == DType.F32) {
      bytes.asFloatBuffer().put(values);
    } else {
      bytes.asShortBuffer().put(rounded(name, type, values));
    }
    return tensor(name, type(type), extents, bytes);
  }

  private static short[] rounded(String name, DType type, float[] values) {
    short[] bits = new short[values.length];
    float[] back = new float[values.length];
    CastKernel.of(DType.F32, type, values.length).run(values, bits);
    CastKernel.of(type, DType.F32, values.length).run(bits, back);
    for (int i = 0; i < values.length; i++) {
      if (Float.isInfinite(back[i]) && !Float.isInfinite(values[i])) {
        throw new IllegalArgumentException(
            "parameter "
                + name
                + " holds "
                + values[i]
                + ", too large for "
                + type
                + ": write the weights as "
                + (type == DType.F16 ? "BF16 or F32" : "F32"));
      }
    }
    return bits;
  }

  /** A list of whole numbers, INT64, as shapes and axes are. */
  static TensorProto of(String name, List<Long> values) {
    ByteBuffer bytes = allocate(values.size() * Long.BYTES);
    values.forEach(bytes::putLong);
    return tensor(name, DataType.INT64, List.of((long) values.size()), bytes.rewind());
  }

  /** One whole number, INT32 without dimensions, as tokens are. */
  static TensorProto ofToken(String name, int token) {
    return tensor(name, DataType.INT32, List.of(), allocate(Integer.BYTES).putInt(0, token));
  }

  /** Truth values, BOOL. */
  static TensorProto of(String name, List<Long> extents, boolean[] values) {
    ByteBuffer bytes = allocate(values.length);
    for (int i = 0; i < values.length; i++) {
      bytes.put(i, (byte) (values[i] ? 1 : 0));
    }
    return tensor(name, DataType.BOOL, extents, bytes);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static TensorProto tensor(
      String name, DataType type, List<Long> extents, ByteBuffer bytes) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(type.getNumber())
        .addAllDims(extents)
        .setRawData(UnsafeByteOperations.unsafeWrap(bytes))
        .build();
  }

  /** ONNX's name of a type. */
  static DataType type(DType type) {
    return switch (type) {
      case F32 -> DataType.FLOAT;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
      case I32 -> DataType.INT32;
      case U8 -> DataType.UINT8;
      case I64 -> DataType.INT64;
      case F64 -> DataType.DOUBLE;
    };
  }

  static ByteString utf8(String text) {
    return ByteString.copyFromUtf8(text);
  }
}
