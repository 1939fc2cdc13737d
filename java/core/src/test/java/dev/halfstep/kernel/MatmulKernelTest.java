package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

@Tag("sim")
class MatmulKernelTest {
  private static final int M = 5;
  private static final int N = 7;
  private static final int K = 3;
  private static final float[] A = Values.wave(M * K, 1);
  private static final float[] B = Values.wave(K * N, 2);
  private static final float[] BIAS = Values.wave(N, 3);
  private static final MatmulKernel PLAIN = MatmulKernel.builder(M, N, K).build();
  private static final MatmulKernel RELU =
      MatmulKernel.builder(M, N, K).activation(Activation.RELU).build();

  private static float[] expected(float[] bias, boolean relu) {
    float[] c = new float[M * N];
    for (int i = 0; i < M; i++) {
      for (int j = 0; j < N; j++) {
        double sum = bias == null ? 0 : bias[j];
        for (int k = 0; k < K; k++) {
          sum += (double) A[i * K + k] * B[k * N + j];
        }
        c[i * N + j] = (float) (relu ? Math.max(sum, 0) : sum);
      }
    }
    return c;
  }

  private static float[] poisoned() {
    float[] c = new float[M * N];
    Arrays.fill(c, Float.NaN);
    return c;
  }

  @Test
  void arraysGiveTheProduct() {
    float[] c = poisoned();
    PLAIN.run(A, B, c);
    assertArrayEquals(expected(null, false), c, 1e-6f);
  }

  @Test
  void biasAndActivationAreFusedAndAuxKeepsWhatWasBefore() {
    float[] c = poisoned();
    float[] aux = poisoned();
    RELU.run(A, B, c, BIAS, aux, null);
    assertArrayEquals(expected(BIAS, true), c, 1e-6f);
    assertArrayEquals(expected(BIAS, false), aux, 1e-6f);
  }

  @Test
  void everyFormGivesTheSameBits() {
    float[] arrays = poisoned();
    RELU.run(A, B, arrays, BIAS, null, null);

    FloatBuffer result = Values.direct(poisoned());
    RELU.run(Values.direct(A), Values.direct(B), result, Values.direct(BIAS), null, null);
    assertArrayEquals(arrays, Values.array(result), "direct buffers");

    try (Device device = TestDevice.open()) {
      Stream stream = device.stream();
      Tensor a = device.tensor(Shape.of(M, K), A);
      Tensor b = device.tensor(Shape.of(K, N), B);
      Tensor bias = device.tensor(Shape.of(N), BIAS);
      Tensor c = device.tensor(Shape.of(M, N), poisoned());
      RELU.run(stream, a, b, c, bias, null, null);
      assertComputed(arrays, c.toFloats(), "tensors");

      c.upload(poisoned());
      RELU.run(stream, a.address(), b.address(), c.address(), bias.address(), 0, 0);
      assertComputed(arrays, c.toFloats(), "addresses on a stream");

      if (TestDevice.sharesHostMemory()) {
        c.upload(poisoned());
        RELU.run(null, a.address(), b.address(), c.address(), bias.address(), 0, 0);
        assertArrayEquals(arrays, c.toFloats(), "addresses without a stream");
      }
    }
  }

  @Test
  void aBufferIsReadFromItsPositionAndStaysThere() {
    FloatBuffer a = Values.direct(new float[2 + M * K]);
    a.position(2).mark();
    a.put(A).reset();
    FloatBuffer c = Values.direct(poisoned());
    PLAIN.run(a, Values.direct(B), c);
    assertArrayEquals(expected(null, false), Values.array(c), 1e-6f);
    assertEquals(2, a.position());
  }

  @Test
  void aSliceOfADirectBufferIsAsGoodAsABuffer() {
    FloatBuffer whole = Values.direct(new float[4 + M * K]);
    FloatBuffer a = whole.slice(4, M * K);
    a.put(A).rewind();
    FloatBuffer c = Values.direct(poisoned());
    PLAIN.run(a, Values.direct(B), c);
    assertArrayEquals(expected(null, false), Values.array(c), 1e-6f);
  }

  @Test
  void transposedOperandsAreStoredTheOtherWayRound() {
    float[] at = new float[K * M];
    float[] bt = new float[N * K];
    for (int k = 0; k < K; k++) {
      for (int i = 0; i < M; i++) {
        at[k * M + i] = A[i * K + k];
      }
      for (int j = 0; j < N; j++) {
        bt[j * K + k] = B[k * N + j];
      }
    }
    float[] c = poisoned();
    MatmulKernel.builder(M, N, K).transposeA(true).transposeB(true).build().run(at, bt, c);
    assertArrayEquals(expected(null, false), c, 1e-6f);
  }

  @Test
  void theBiasGradientIsTheSumOverK() {
    float[] gradient = new float[M];
    Arrays.fill(gradient, Float.NaN);
    PLAIN.run(A, B, poisoned(), null, null, gradient);
    for (int i = 0; i < M; i++) {
      double sum = 0;
      for (int k = 0; k < K; k++) {
        sum += A[i * K + k];
      }
      assertEquals(sum, gradient[i], 1e-6);
    }
  }

  @Test
  void aChangedBuilderLeavesTheFirstOneAsItWas() {
    MatmulKernel.Builder plain = MatmulKernel.builder(M, N, K);
    MatmulKernel.Builder doubled = plain.scale(2, 0);
    float[] once = poisoned();
    float[] twice = poisoned();
    plain.build().run(A, B, once);
    doubled.build().run(A, B, twice);
    for (int i = 0; i < once.length; i++) {
      assertEquals(2 * once[i], twice[i], 1e-6f);
    }
  }

  @Test
  void halfPrecisionGoesThroughTensorsButNotThroughFloatArrays() {
    MatmulKernel half = MatmulKernel.builder(M, N, K).types(DType.BF16, DType.F32).build();
    try (Device device = TestDevice.open()) {
      Tensor a = device.empty(DType.BF16, Shape.of(M, K));
      Tensor b = device.empty(DType.BF16, Shape.of(K, N));
      Tensor c = device.empty(DType.F32, Shape.of(M, N));
      a.upload(A);
      b.upload(B);
      half.run(device.stream(), a, b, c);
      assertArrayEquals(expected(null, false), c.toFloats(), 0.05f);
    }
    var refused = assertThrows(IllegalArgumentException.class, () -> half.run(A, B, poisoned()));
    assertTrue(refused.getMessage().contains("BF16"), refused::getMessage);
  }

  @Test
  void aStridedProductMayWorkInsideLargerTensors() {
    try (Device device = TestDevice.open()) {
      Tensor a = device.zeros(DType.F32, Shape.of(M, K + 2));
      float[] padded = new float[M * (K + 2)];
      for (int i = 0; i < M; i++) {
        System.arraycopy(A, i * K, padded, i * (K + 2), K);
      }
      a.upload(padded);
      Tensor b = device.tensor(Shape.of(K, N), B);
      Tensor c = device.empty(DType.F32, Shape.of(M, N));
      MatmulKernel.builder(M, N, K).leading(K + 2, N, N).build().run(device.stream(), a, b, c);
      assertArrayEquals(expected(null, false), c.toFloats(), 1e-6f);
    }
  }

  @Test
  void aPointerScopeOfTheCallerDoesNotFreeTheKernel() {
    PointerScope scope = new PointerScope();
    MatmulKernel kernel = MatmulKernel.builder(M, N, K).build();
    scope.close();
    float[] c = poisoned();
    kernel.run(A, B, c);
    assertArrayEquals(expected(null, false), c, 1e-6f);
  }

  @Test
  void tensorsThatDoNotFitAreRefusedByTheirName() {
    try (Device device = TestDevice.open();
        Device elsewhere = TestDevice.open()) {
      Stream stream = device.stream();
      Tensor a = device.tensor(Shape.of(M, K), A);
      Tensor b = device.tensor(Shape.of(K, N), B);
      Tensor c = device.zeros(DType.F32, Shape.of(M, N));
      Tensor foreign = elsewhere.tensor(Shape.of(K, N), B);
      Tensor integers = device.zeros(DType.I32, Shape.of(M, N));
      assertRefused(() -> PLAIN.run(stream, b, b, c), "a is F32 [3, 7]", "15 elements");
      assertRefused(() -> PLAIN.run(stream, a, foreign, c), "b lies on");
      assertRefused(() -> PLAIN.run(stream, a, b, integers), "c is I32");
      assertRefused(() -> PLAIN.run(stream, a, b, c, a, null, null), "bias is F32 [5, 3]");
      assertThrows(NullPointerException.class, () -> PLAIN.run(stream, a, null, c));
      assertThrows(NullPointerException.class, () -> PLAIN.run((Stream) null, a, b, c));
      b.close();
      assertThrows(IllegalStateException.class, () -> PLAIN.run(stream, a, b, c));
      stream.synchronize(); // no operand is held any longer
    }
  }

  @Test
  void arraysAndBuffersThatDoNotFitAreRefusedByTheirName() {
    float[] c = new float[M * N];
    assertRefused(() -> PLAIN.run(new float[2], B, c), "a has 2 elements", "15");
    assertRefused(() -> PLAIN.run(A, B, new float[34]), "c has 34 elements", "35");
    assertThrows(NullPointerException.class, () -> PLAIN.run((float[]) null, B, c));
    FloatBuffer a = Values.direct(A);
    FloatBuffer b = Values.direct(B);
    FloatBuffer result = Values.direct(c);
    assertRefused(() -> PLAIN.run(a.duplicate().position(1), b, result), "a has 14 elements");
    assertRefused(() -> PLAIN.run(a, FloatBuffer.wrap(B), result), "b is a heap buffer");
    assertRefused(() -> PLAIN.run(a, b, result.asReadOnlyBuffer()), "c is read-only");
    assertThrows(NullPointerException.class, () -> PLAIN.run(a, b, null));
  }

  private static void assertRefused(Executable call, String... words) {
    var refused = assertThrows(IllegalArgumentException.class, call);
    for (String word : words) {
      assertTrue(refused.getMessage().contains(word), refused::getMessage);
    }
  }

  @Test
  void impossibleSizesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> MatmulKernel.builder(-1, 2, 3));
    assertThrows(
        IllegalArgumentException.class, () -> MatmulKernel.builder(1L << 40, 1L << 40, 1).build());
    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> MatmulKernel.builder(M, N, K).leading(1, N, N).build().run(A, B, poisoned()));
    assertTrue(refused.getMessage().contains("lda 1"), refused::getMessage);
  }
}
