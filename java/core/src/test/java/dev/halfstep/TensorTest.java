package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

@Tag("sim")
class TensorTest {
  private final Device device = TestDevice.open();

  @AfterEach
  void close() {
    device.close();
  }

  private static void assertRefused(Executable call, String... words) {
    var refused = assertThrows(IllegalArgumentException.class, call);
    for (String word : words) {
      assertTrue(refused.getMessage().contains(word), refused::getMessage);
    }
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  @Test
  void valuesComeBackAsTheyWentIn() {
    assertArrayEquals(
        new float[] {1, -2, Float.NaN}, device.tensor(Shape.of(3), 1, -2, Float.NaN).toFloats());
    assertArrayEquals(new int[] {7, -8}, device.tensor(Shape.of(2), 7, -8).toInts());
    Tensor bytes = device.empty(DType.U8, Shape.of(2));
    bytes.upload((byte) 1, (byte) 255);
    byte[] read = new byte[2];
    bytes.download(read);
    assertArrayEquals(new byte[] {1, -1}, read);
    assertArrayEquals(new float[] {1, 255}, bytes.toFloats());
  }

  @Test
  void halfPrecisionIsRoundedToNearestTiesToEven() {
    float[] given = {1, 1 + 1f / 256, 1 + 3f / 256, 65504, -0.1f};
    Tensor bfloat = device.empty(DType.BF16, Shape.of(5));
    bfloat.upload(given);
    assertArrayEquals(new float[] {1, 1, 1 + 4f / 256, 65536, -205f / 2048}, bfloat.toFloats());
    Tensor half = device.empty(DType.F16, Shape.of(5));
    half.upload(given);
    assertArrayEquals(
        new float[] {1, 1 + 1f / 256, 1 + 3f / 256, 65504, -819f / 8192}, half.toFloats());
    assertEquals(20, device.info().memoryUsed(), "staging memory is given back");
  }

  @Test
  void buffersAreReadFromPositionToLimitAndMayBeViewsOfBytes() {
    Tensor tensor = device.zeros(DType.F32, Shape.of(2));
    FloatBuffer floats = direct(16).asFloatBuffer();
    floats.put(new float[] {0, 5, 6, 0}).position(1).limit(3);
    tensor.upload(floats);
    assertArrayEquals(new float[] {5, 6}, tensor.toFloats());
    assertEquals(1, floats.position());

    ByteBuffer bytes = direct(12).position(4);
    tensor.download(bytes);
    assertEquals(5, bytes.getFloat(4));
    assertEquals(6, bytes.getFloat(8));

    Tensor counters = device.empty(DType.I64, Shape.of(1));
    LongBuffer longs = direct(8).asLongBuffer();
    counters.upload(longs.put(0, 1L << 40));
    longs.put(0, 0);
    counters.download(longs);
    assertEquals(1L << 40, longs.get(0));
  }

  @Test
  void buffersThatCannotBeUsedAreRefused() {
    Tensor tensor = device.zeros(DType.F32, Shape.of(2));
    FloatBuffer sliceOfHeap = FloatBuffer.wrap(new float[10]).position(5).slice();
    assertRefused(() -> tensor.upload(sliceOfHeap), "heap buffer", "allocateDirect");
    assertRefused(() -> tensor.download(sliceOfHeap), "heap buffer");
    assertRefused(() -> tensor.upload(FloatBuffer.allocate(2)), "heap buffer");
    ByteBuffer bigEndian = ByteBuffer.allocateDirect(8);
    assertRefused(() -> tensor.upload(bigEndian), "byte order BIG_ENDIAN", "nativeOrder");
    assertRefused(() -> tensor.upload(bigEndian.asFloatBuffer()), "byte order BIG_ENDIAN");
    assertRefused(() -> tensor.upload(direct(4)), "1 elements", "2");
    assertRefused(() -> tensor.upload(direct(12)), "12 bytes", "8");
    assertRefused(() -> tensor.upload(direct(16).position(2).limit(10)), "multiple of the 4");
    assertRefused(() -> tensor.upload(direct(8).asIntBuffer()), "IntBuffer", "F32");
    assertRefused(
        () -> tensor.download(direct(8).asReadOnlyBuffer().order(ByteOrder.nativeOrder())),
        "read-only");
    tensor.upload(direct(8).asReadOnlyBuffer().order(ByteOrder.nativeOrder()));
    assertThrows(NullPointerException.class, () -> tensor.upload((FloatBuffer) null));
  }

  @Test
  void anotherNumberOrTypeOfValuesIsRefused() {
    Tensor floats = device.zeros(DType.F32, Shape.of(2, 3));
    assertRefused(() -> floats.upload(1f, 2f), "2 values", "F32 [2, 3]", "6 elements");
    assertRefused(() -> floats.download(new float[7]), "7 values");
    assertRefused(() -> floats.upload(1, 2, 3), "int[]", "float[]");
    assertRefused(() -> floats.upload((byte) 1), "byte[]", "float[]");
    assertRefused(() -> device.zeros(DType.I32, Shape.of(1)).upload(1f), "float[]", "int[]");
    assertRefused(() -> device.zeros(DType.F64, Shape.of(1)).toFloats(), "DoubleBuffer");
    assertRefused(() -> device.tensor(Shape.of(3), 1f), "1 values");
    assertEquals(24 + 4 + 8, device.info().memoryUsed(), "a refused tensor holds nothing");
    assertThrows(NullPointerException.class, () -> floats.upload((float[]) null));
  }

  @Test
  void aSliceIsAWindowOnItsRows() {
    Tensor tensor = device.tensor(Shape.of(3, 2), 1f, 2f, 3f, 4f, 5f, 6f);
    Tensor rows = tensor.slice(1, 3);
    assertEquals(Shape.of(2, 2), rows.shape());
    assertEquals(tensor.address() + 8, rows.address());
    assertArrayEquals(new float[] {3, 4, 5, 6}, rows.toFloats());
    rows.slice(1, 2).upload(9f, 8f);
    assertArrayEquals(new float[] {1, 2, 3, 4, 9, 8}, tensor.toFloats());
    assertEquals(0, tensor.slice(3, 3).shape().elements());
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(1, 4));
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(-1, 2));
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(2, 1));
  }

  @Test
  void aReshapeKeepsTheElements() {
    Tensor tensor = device.tensor(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
    assertArrayEquals(new float[] {5, 6}, tensor.reshape(Shape.of(3, 2)).slice(2, 3).toFloats());
    assertRefused(() -> tensor.reshape(Shape.of(4)), "[2, 3]", "[4]", "6 and 4");
  }

  @Test
  void memoryIsAlignedFor512BitVectors() {
    for (int count = 1; count < 200; count += 13) {
      assertEquals(0, device.empty(DType.U8, Shape.of(count)).address() % 64);
    }
  }
}
