package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.CastKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A constant tensor of an ONNX file: numbers, as weights are, or integers, as shapes are. */
final class ImportedTensor {
  private final Shape shape;
  private final float[] values;
  private final List<Long> integers;

  /**
   * @param values the numbers, row-major; empty for other types
   * @param integers whole numbers, INT64; empty for other types
   */
  ImportedTensor(Shape shape, float[] values, List<Long> integers) {
    this.shape = shape;
    this.values = values;
    this.integers = integers;
  }

  static ImportedTensor of(TensorProto tensor) {
    Shape shape = Shape.of(tensor.getDimsList().stream().mapToLong(Long::longValue).toArray());
    if (tensor.getDataLocation() == DataLocation.EXTERNAL) {
      throw new IllegalArgumentException(
          "tensor " + tensor.getName() + " lies in another file, which is not read");
    }
    ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    DataType type = DataType.forNumber(tensor.getDataType());
    int count = Math.toIntExact(shape.elements());
    float[] values = new float[0];
    List<Long> integers = new ArrayList<>();
    if (type == DataType.FLOAT) {
      values =
          new float
              [raw.hasRemaining() ? raw.remaining() / Float.BYTES : tensor.getFloatDataCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = raw.hasRemaining() ? raw.getFloat(Float.BYTES * i) : tensor.getFloatData(i);
      }
    } else if (type == DataType.FLOAT16 || type == DataType.BFLOAT16) {
      values = wide(type == DataType.FLOAT16 ? DType.F16 : DType.BF16, raw, tensor);
    } else if (type == DataType.INT64) {
      for (int i = 0; i < count; i++) {
        integers.add(raw.hasRemaining() ? raw.getLong(Long.BYTES * i) : tensor.getInt64Data(i));
      }
    }
    if (isFloat(type) && values.length != count) {
      throw new IllegalArgumentException(
          "tensor " + tensor.getName() + " " + shape + " has " + values.length + " values");
    }
    return new ImportedTensor(shape, values, integers);
  }

  private static boolean isFloat(@Nullable DataType type) {
    return type == DataType.FLOAT || type == DataType.FLOAT16 || type == DataType.BFLOAT16;
  }

  private static float[] wide(DType type, ByteBuffer raw, TensorProto tensor) {
    short[] bits =
        new short[raw.hasRemaining() ? raw.remaining() / Short.BYTES : tensor.getInt32DataCount()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = raw.hasRemaining() ? raw.getShort(Short.BYTES * i) : (short) tensor.getInt32Data(i);
    }
    float[] values = new float[bits.length];
    CastKernel.of(type, DType.F32, bits.length).run(bits, values);
    return values;
  }

  /** The value of a Constant node. */
  static ImportedTensor ofConstant(NodeProto node) {
    AttributeProto value = node.getAttribute(0);
    return switch (value.getName()) {
      case "value" -> of(value.getT());
      case "value_float" -> new ImportedTensor(Shape.of(), new float[] {value.getF()}, List.of());
      case "value_int" -> new ImportedTensor(Shape.of(), new float[0], List.of(value.getI()));
      case "value_ints" ->
          new ImportedTensor(
              Shape.of(value.getIntsCount()), new float[0], List.copyOf(value.getIntsList()));
      default ->
          throw new IllegalArgumentException(
              "constant " + node.getOutput(0) + " has the attribute " + value.getName());
    };
  }

  Shape shape() {
    return shape;
  }

  /** The numbers, not copied. */
  float[] values() {
    return values;
  }

  List<Long> integers() {
    return integers;
  }

  /** Whether it holds numbers, as weights do. */
  boolean isFloat() {
    return integers.isEmpty() && values.length > 0;
  }

  /** The same numbers in another shape. */
  ImportedTensor as(Shape other) {
    return new ImportedTensor(other, values, integers);
  }

  /** A matrix with rows and columns exchanged. */
  ImportedTensor transposed() {
    return permuted(Shape.of(shape.dim(1), shape.dim(0)), shape.dim(0), shape.dim(1), 1);
  }

  /** {@code [out, in, rows, columns]} as {@code [out, rows, columns, in]}. */
  ImportedTensor channelsLast() {
    Shape last = Shape.of(shape.dim(0), shape.dim(2), shape.dim(3), shape.dim(1));
    return permuted(last, shape.dim(1), shape.dim(2) * shape.dim(3), shape.dim(0));
  }

  /** Exchanges the last two dimensions of {@code [outer, rows, columns]}. */
  private ImportedTensor permuted(Shape result, long rows, long columns, long outer) {
    float[] moved = new float[values.length];
    int to = 0;
    for (long o = 0; o < outer; o++) {
      for (long c = 0; c < columns; c++) {
        for (long r = 0; r < rows; r++) {
          moved[to++] = values[(int) ((o * rows + r) * columns + c)];
        }
      }
    }
    return new ImportedTensor(result, moved, List.of());
  }
}
