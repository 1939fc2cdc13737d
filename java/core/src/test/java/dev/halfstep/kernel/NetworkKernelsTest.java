package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Cross-entropy, gather, activations, conversions and random numbers in all their forms. */
@Tag("sim")
class NetworkKernelsTest {
  private static final int ROWS = 5;
  private static final int CLASSES = 3;
  private static final float[] LOGITS = Values.wave(ROWS * CLASSES, 4);
  private static final int[] LABELS = {2, 0, 1, 1, 0};
  private static final CrossEntropyKernel LOSS =
      CrossEntropyKernel.builder(ROWS, CLASSES).labelSmoothing(0.1f).build();

  /** Computes in double precision the loss of each row, and the gradient of their mean. */
  private static void expect(double[] losses, double[] gradient) {
    for (int r = 0; r < ROWS; r++) {
      double sum = 0;
      for (int c = 0; c < CLASSES; c++) {
        sum += Math.exp(LOGITS[r * CLASSES + c]);
      }
      for (int c = 0; c < CLASSES; c++) {
        double p = Math.exp(LOGITS[r * CLASSES + c]) / sum;
        double q = 0.1 / CLASSES + (c == LABELS[r] ? 0.9 : 0);
        losses[r] -= q * Math.log(p);
        gradient[r * CLASSES + c] = (p - q) / ROWS;
      }
    }
  }

  private static void assertClose(double[] expected, float[] actual) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 1e-6, "element " + i);
    }
  }

  private static int numberCorrect() {
    int correct = 0;
    for (int r = 0; r < ROWS; r++) {
      int best = 0;
      for (int c = 1; c < CLASSES; c++) {
        best = LOGITS[r * CLASSES + c] > LOGITS[r * CLASSES + best] ? c : best;
      }
      correct += best == LABELS[r] ? 1 : 0;
    }
    return correct;
  }

  @Test
  void crossEntropyGivesLossGradientAndSumsInEveryForm() {
    double[] expectedLosses = new double[ROWS];
    double[] expectedGradient = new double[ROWS * CLASSES];
    expect(expectedLosses, expectedGradient);

    float[] gradient = new float[ROWS * CLASSES];
    float[] losses = new float[ROWS];
    HostStepState state = new HostStepState();
    LOSS.run(LOGITS, LABELS, null, state, gradient, losses);
    assertClose(expectedLosses, losses);
    assertClose(expectedGradient, gradient);
    assertEquals(Arrays.stream(expectedLosses).sum(), state.lossSum(), 1e-5);
    assertEquals(ROWS, state.weight());
    assertEquals(ROWS, state.rows());
    assertEquals(numberCorrect(), state.correct());

    HostStepState second = new HostStepState();
    FloatBuffer again = Values.direct(new float[ROWS * CLASSES]);
    LOSS.run(Values.direct(LOGITS), Values.direct(LABELS), null, second, again, null);
    assertArrayEquals(gradient, Values.array(again));
    assertEquals(state.lossSum(), second.lossSum());

    try (Device device = TestDevice.open()) {
      Tensor logits = device.tensor(Shape.of(ROWS, CLASSES), LOGITS);
      Tensor labels = device.tensor(Shape.of(ROWS), LABELS);
      Tensor onDevice = StepKernels.newState(device);
      LOSS.run(device.stream(), logits, labels, null, onDevice, logits, null);
      assertComputed(gradient, logits.toFloats(), "in place of the logits");
      HostStepState read = new HostStepState();
      read.download(onDevice);
      assertEquals(state.lossSum(), read.lossSum(), 1e-6);
    }
  }

  @Test
  void aLabelOutOfRangeIsReportedAndItsRowIsNaN() {
    float[] losses = new float[ROWS];
    HostStepState state = new HostStepState();
    LOSS.run(LOGITS, LABELS, null, state, null, losses);
    assertFalse(state.badLabel());
    LOSS.run(LOGITS, new int[] {2, 0, 3, 1, 0}, null, state, null, losses);
    assertTrue(state.badLabel());
    assertTrue(Float.isNaN(losses[2]) && !Float.isNaN(losses[1]));
  }

  @Test
  void crossEntropyRefusesWhatDoesNotFit() {
    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> LOSS.run(new float[14], LABELS, null, null, null, null));
    assertTrue(refused.getMessage().contains("logits has 14 elements"), refused::getMessage);
    assertTrue(refused.getMessage().contains("15"), refused::getMessage);
    assertThrows(
        IllegalArgumentException.class, () -> LOSS.run(LOGITS, new int[4], null, null, null, null));
    assertThrows(NullPointerException.class, () -> LOSS.run(LOGITS, null, null, null, null, null));
    assertThrows(
        IllegalArgumentException.class,
        () -> CrossEntropyKernel.builder(1, 2).labelSmoothing(Float.NaN));
    assertThrows(IllegalArgumentException.class, () -> CrossEntropyKernel.builder(1, 0));
  }

  @Test
  void gatherTakesRowsByTheirOrderAndScalesThem() {
    byte[] pixels = {0, 10, 20, 30, (byte) 200, (byte) 255};
    float[] batch = new float[8];
    GatherKernel.builder(3, 2, 4)
        .types(DType.U8, DType.F32)
        .channels(2)
        .build()
        .run(pixels, new int[] {2, 0, 1}, null, new float[] {0.5f, 1}, new float[] {1, 0}, batch);
    assertArrayEquals(new float[] {101, 255, 1, 10, 11, 30, 101, 255}, batch);

    float[] same = new float[8];
    GatherKernel.builder(2, 4, 2)
        .build()
        .run(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, new int[] {1, 0}, null, null, null, same);
    assertArrayEquals(new float[] {5, 6, 7, 8, 1, 2, 3, 4}, same);
  }

  @Test
  void anIndexOutOfRangeIsReportedAndItsRowIsZero() {
    HostStepState state = new HostStepState();
    float[] batch = {9, 9, 9, 9};
    GatherKernel.builder(2, 2, 2)
        .build()
        .run(new float[] {1, 2, 3, 4}, new int[] {1, 7}, state, null, null, batch);
    assertArrayEquals(new float[] {3, 4, 0, 0}, batch);
    assertTrue(state.badIndex());
  }

  @Test
  void activationsAreTheSameInPlaceAndTheirGradientsAreTheirSlopes() {
    for (Activation activation : Activation.values()) {
      boolean ofPositive = activation == Activation.SQRT || activation == Activation.LOG;
      float[] x =
          ofPositive ? new float[] {1, 2, 3, 4, 5} : new float[] {-2, -0.5f, 0.25f, 0.5f, 2};
      float[] y = activated(activation, x, 0);
      FloatBuffer buffer = Values.direct(x);
      ActivationKernel.of(activation, DType.F32, 5).run(buffer, buffer);
      assertArrayEquals(y, Values.array(buffer), activation + " in place");

      float[] dx = new float[5];
      float[] saved = activation.savesInput() ? x : y;
      ActivationKernel.of(activation, DType.F32, 5)
          .gradient(new float[] {1, 1, 1, 1, 1}, saved, dx);
      float[] above = activated(activation, x, 1e-2f);
      float[] below = activated(activation, x, -1e-2f);
      for (int i = 0; i < 5; i++) {
        assertEquals((above[i] - below[i]) / 2e-2, dx[i], 1e-3, activation + " " + i);
      }
    }
  }

  private static float[] activated(Activation activation, float[] x, float shift) {
    float[] shifted = x.clone();
    for (int i = 0; i < x.length; i++) {
      shifted[i] += shift;
    }
    float[] y = new float[x.length];
    ActivationKernel.of(activation, DType.F32, shifted.length).run(shifted, y);
    return y;
  }

  @Test
  void aShorterArrayThanTheFirstIsRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> ActivationKernel.of(Activation.RELU, DType.F32, 3).run(new float[3], new float[2]));
    assertThrows(
        IllegalArgumentException.class,
        () -> CastKernel.of(DType.F32, DType.BF16, 3).run(new float[3], new short[2]));
    assertThrows(
        IllegalArgumentException.class,
        () -> CastKernel.of(DType.F32, DType.F32, 3).run(new float[3], new short[3]));
  }

  @Test
  void halfPrecisionBitsComeBackAsFloats() {
    short[] bits = new short[3];
    float[] back = new float[3];
    CastKernel.of(DType.F32, DType.BF16, 3).run(new float[] {1, -2, 0.5f}, bits);
    assertArrayEquals(new short[] {0x3f80, (short) 0xc000, 0x3f00}, bits);
    CastKernel.of(DType.BF16, DType.F32, 3).run(bits, back);
    assertArrayEquals(new float[] {1, -2, 0.5f}, back);
  }

  @Test
  void randomNumbersDependOnSeedSequenceAndIndexAlone() {
    float[] first = new float[100];
    float[] shorter = new float[37];
    float[] other = new float[100];
    Random.normal(first, 1, 2, 0, 1);
    Random.normal(shorter, 1, 2, 0, 1);
    Random.normal(other, 1, 3, 0, 1);
    assertArrayEquals(Arrays.copyOf(first, 37), shorter);
    assertFalse(Arrays.equals(first, other));
    try (Device device = TestDevice.open()) {
      Tensor tensor = device.empty(DType.F32, Shape.of(100));
      Random.normal(device.stream(), tensor, 1, 2, 0, 1);
      assertComputed(first, tensor.toFloats());
    }
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(4 * 103).order(ByteOrder.nativeOrder()).asFloatBuffer();
    buffer.position(2).limit(102);
    Random.normal(buffer, 1, 2, 0, 1);
    float[] around = new float[103];
    buffer.clear().get(around);
    assertArrayEquals(first, Arrays.copyOfRange(around, 2, 102));
    assertEquals(0, around[1]);
    assertEquals(0, around[102]);
    Random.uniform(first, 5, 0, 2, 3);
    buffer.clear().limit(100);
    Random.uniform(buffer, 5, 0, 2, 3);
    buffer.get(around, 0, 100);
    assertArrayEquals(first, Arrays.copyOf(around, 100));
    for (float value : first) {
      assertTrue(value >= 2 && value < 3);
    }
  }
}
