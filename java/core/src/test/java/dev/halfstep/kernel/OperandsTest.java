package dev.halfstep.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The exceptions of kernels for invalid operands and sizes. */
class OperandsTest {
  private static final ScaleAddKernel FOUR = ScaleAddKernel.of(DType.F32, 4, 1, 0);

  private static <T extends Exception> void assertSays(
      Class<T> type, String words, Executable call) {
    T thrown = assertThrows(type, call);
    assertTrue(thrown.getMessage().contains(words), thrown::toString);
  }

  private static void assertRefused(String words, Executable call) {
    assertSays(IllegalArgumentException.class, words, call);
  }

  @Test
  @SuppressWarnings("NullAway")
  void nullIsRefusedByNameInEveryForm() {
    float[] array = new float[4];
    FloatBuffer buffer = Values.direct(array);
    try (Device device = Device.cpu();
        Tensor tensor = device.zeros(DType.F32, Shape.of(4))) {
      Stream stream = device.stream();
      Tensor none = null;
      List<Executable> calls =
          List.of(
              () -> FOUR.run(array, null),
              () -> FOUR.run(buffer, null),
              () -> FOUR.run(stream, tensor, none));
      for (Executable call : calls) {
        assertSays(NullPointerException.class, "y is null: it is not optional", call);
      }
      Stream missing = null;
      assertSays(
          NullPointerException.class, "stream is null", () -> FOUR.run(missing, tensor, tensor));
      assertSays(NullPointerException.class, "dst is null", () -> Copy.fill(stream, none, 1));
      assertSays(
          NullPointerException.class,
          "src is null",
          () -> CastKernel.of(DType.F32, DType.BF16, 4).run(stream, none, tensor));
      assertSays(
          NullPointerException.class,
          "gradients is null",
          () -> StepKernels.gradientCheck(stream, none, tensor, 1, 0));
      assertSays(
          NullPointerException.class, "x is null", () -> GradientStatistics.of((float[]) null));
    }
  }

  @Test
  void numbersThatAreNoAddressesAreRefusedByName() {
    FloatBuffer y = Values.direct(1f, 2f, 3f, 4f);
    long offset = 16; // could be mistaken for the address of a slice of a heap buffer
    try (Device device = Device.cpu();
        Tensor tensor = device.zeros(DType.F32, Shape.of(4))) {
      for (Stream stream : new Stream[] {null, device.stream()}) {
        assertRefused("x is 0", () -> FOUR.run(stream, 0, tensor.address()));
        assertRefused(
            "y is 16, which is no address", () -> FOUR.run(stream, tensor.address(), offset));
      }
    }
    assertArrayEquals(new float[] {1, 2, 3, 4}, Values.array(y));
  }

  @Test
  void sizesThatNoMemoryCanHoldAreRefusedWhenAKernelIsBuilt() {
    for (long size : new long[] {(1L << 58) + 1, 1L << 61, 1L << 62, Long.MAX_VALUE, -1}) {
      List<Executable> builds =
          List.of(
              () -> ScaleAddKernel.of(DType.F32, size, 1, 0),
              () -> ElementwiseKernel.add(DType.F32, size, 1),
              () -> DropoutKernel.of(DType.F32, size, 0.5f, 1, 1),
              () -> SoftmaxKernel.builder(0, size).build(),
              () -> SoftmaxKernel.builder(size, 1).build(),
              () -> ReduceKernel.sum(1, size, 1).build(),
              () -> ReduceKernel.max(0, 1, size).build(),
              () -> PointwiseLossKernel.squaredError(DType.F32, size, 1, 1),
              () -> BatchNormKernel.builder(size, 1).build(),
              () -> GroupNormKernel.builder(0, size, 1, 1).build(),
              () -> CrossEntropyKernel.builder(size, 2).build(),
              () -> EmbeddingKernel.of(DType.F32, 2, size, 0),
              () -> GatherKernel.builder(1, size, 1).build(),
              () -> OptimizerStepKernel.sgd(size).build(),
              () -> MatmulKernel.builder(1, size, 1).build(),
              () -> MatmulKernel.builder(2, 1, 1).leading(size, 1, 1).build(),
              () -> CopyRowsKernel.of(DType.F32, 2, size, size, size),
              () -> CopyRowsKernel.of(DType.F32, 2, 1, size, 1),
              () -> Shape.of(0, size, 1, 1));
      for (Executable build : builds) {
        assertThrows(IllegalArgumentException.class, build, () -> "of " + size);
      }
    }
    FloatBuffer few = Values.direct(new float[4]);
    assertThrows(IllegalArgumentException.class, () -> GradientStatistics.of(few, 1L << 61));
    assertThrows(
        IllegalArgumentException.class,
        () -> CastKernel.of(DType.F32, DType.F32, 1L << 62).run(few, few));
    assertThrows(
        IllegalArgumentException.class,
        () -> ScaleAddKernel.of(DType.F32, 1L << 58, 1, 0).run(few, few));
    // 2^62 + 1 times 4 bytes wraps round to 4.
    long wraps = (1L << 62) + 1;
    assertThrows(
        IllegalArgumentException.class, () -> CopyRowsKernel.of(DType.F32, 2, wraps, wraps, wraps));
  }

  @Test
  void extentsThatAreProducedByStridesAndDilationsDoNotWrapRound() {
    Shape image = Shape.of(1, 4, 4, 1);
    assertRefused(
        "does not fit",
        () ->
            Conv2dKernel.builder(image, Shape.of(1, 1L << 33, 1, 1))
                .dilation(Integer.MAX_VALUE, 1)
                .build());
    assertEquals(
        Shape.of(1, 1, 4, 1),
        Conv2dKernel.builder(image, Shape.of(1, 1, 1, 1))
            .stride(Integer.MAX_VALUE, 1)
            .build()
            .outputShape());
    assertEquals(1L << 58, Shape.of(1L << 29, 0, 1L << 29).prepend(1).dropFirst().dim(0) << 29);
    assertEquals(0, Shape.of(1L << 58, 0).elements());
  }

  @Test
  void nothingHappensToEmptyBatchesHoweverLargeTheImages() {
    float[] none = {};
    ResizeKernel.of(DType.F32, Shape.of(0, 4, 1L << 40, 1), 2, 2).run(none, none);
    ResizeKernel.of(DType.F32, Shape.of(0, 2, 2, 1), 4, 1L << 40).gradient(none, none);
    Pool2dKernel.average(Shape.of(0, 4, 1L << 40, 1), 2, 2).build().gradient(none, null, none);
    SoftmaxKernel.builder(0, 1L << 58).build().run(none, none);
  }

  @Test
  void aMaximumsGradientIgnoresPlacesOutsideOfWhatWasReduced() {
    for (int place : new int[] {10, 3, 1 << 30, -1, Integer.MIN_VALUE}) {
      float[] dx = {9, 9, 9};
      ReduceKernel.max(1, 3, 1).build().gradient(new float[] {7}, new int[] {place}, dx);
      assertArrayEquals(new float[3], dx, "place " + place);
    }
  }

  /** Java 22 and later: memory segments outside the garbage-collected heap. */
  @Test
  void aBufferOfAClosedArenaIsRefused() throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "java.lang.foreign is final from Java 22 on");
    Class<?> type = Class.forName("java.lang.foreign.Arena");
    Object arena = type.getMethod("ofConfined").invoke(null);
    Method allocate = type.getMethod("allocate", long.class, long.class);
    Object segment = allocate.invoke(arena, 16L, 16L);
    Method asBuffer = Class.forName("java.lang.foreign.MemorySegment").getMethod("asByteBuffer");
    ByteBuffer bytes = ((ByteBuffer) asBuffer.invoke(segment)).order(ByteOrder.nativeOrder());
    FloatBuffer floats = bytes.asFloatBuffer().put(0, new float[] {1, 2, 3, 4});
    FloatBuffer y = Values.direct(new float[4]);
    FOUR.run(floats, y);
    assertArrayEquals(new float[] {1, 2, 3, 4}, Values.array(y), "open");
    type.getMethod("close").invoke(arena);
    for (Executable call :
        List.<Executable>of(() -> FOUR.run(bytes, y), () -> FOUR.run(floats, y))) {
      assertSays(
          IllegalStateException.class, "x is a buffer of memory that has been given back", call);
    }
    assertSays(IllegalStateException.class, "y is a buffer", () -> FOUR.run(y, floats));
  }
}
