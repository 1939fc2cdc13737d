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
import java.nio.IntBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Kernels of layers: all forms give the same bits, and small cases have the right values. */
@Tag("sim")
class LayerKernelsTest {
  private static final int ROWS = 6;
  private static final int CHANNELS = 4;
  private static final int SIZE = ROWS * CHANNELS;
  private static final float[] X = Values.wave(SIZE, 1);
  private static final float[] DY = Values.wave(SIZE, 2);

  private static float[] filled(int count, float value) {
    float[] values = new float[count];
    java.util.Arrays.fill(values, value);
    return values;
  }

  @Test
  void batchNormTrainsInfersAndDifferentiatesInEveryForm() {
    BatchNormKernel.Builder spec =
        BatchNormKernel.builder(ROWS, CHANNELS).activation(Activation.RELU);
    BatchNormKernel norm = spec.build();
    BatchNormGradientKernel gradient = spec.buildGradient();
    float[] gamma = filled(CHANNELS, 2);
    float[] beta = filled(CHANNELS, 0.5f);
    float[] runningMean = new float[CHANNELS];
    float[] runningVariance = filled(CHANNELS, 1);
    float[] mean = new float[CHANNELS];
    float[] invstd = new float[CHANNELS];
    float[] y = new float[SIZE];
    norm.train(X, gamma, beta, null, y, runningMean, runningVariance, mean, invstd);
    for (int c = 0; c < CHANNELS; c++) {
      double average = 0;
      double squares = 0;
      for (int i = c; i < SIZE; i += CHANNELS) {
        average += X[i] / (double) ROWS;
      }
      for (int i = c; i < SIZE; i += CHANNELS) {
        squares += (X[i] - average) * (X[i] - average);
      }
      assertEquals(0.1 * average, runningMean[c], 1e-6);
      assertEquals(0.9 + 0.1 * squares / (ROWS - 1), runningVariance[c], 1e-6);
      double factor = 2 / Math.sqrt(squares / ROWS + 1e-5);
      for (int i = c; i < SIZE; i += CHANNELS) {
        assertEquals(Math.max(0, (X[i] - average) * factor + 0.5), y[i], 1e-5);
      }
    }
    float[] dx = new float[SIZE];
    float[] dGamma = new float[CHANNELS];
    float[] dBeta = new float[CHANNELS];
    gradient.run(DY, X, y, gamma, mean, invstd, dx, null, dGamma, dBeta, 0);
    float[] inferred = new float[SIZE];
    norm.infer(X, gamma, beta, null, inferred, runningMean, runningVariance);

    FloatBuffer yBuffer = Values.direct(new float[SIZE]);
    FloatBuffer dxBuffer = Values.direct(new float[SIZE]);
    FloatBuffer dGammaBuffer = Values.direct(new float[CHANNELS]);
    FloatBuffer meanBuffer = Values.direct(new float[CHANNELS]);
    FloatBuffer invstdBuffer = Values.direct(new float[CHANNELS]);
    FloatBuffer gammaBuffer = Values.direct(gamma);
    norm.train(
        Values.direct(X),
        gammaBuffer,
        Values.direct(beta),
        null,
        yBuffer,
        Values.direct(new float[CHANNELS]),
        Values.direct(filled(CHANNELS, 1)),
        meanBuffer,
        invstdBuffer);
    gradient.run(
        Values.direct(DY),
        Values.direct(X),
        yBuffer,
        gammaBuffer,
        meanBuffer,
        invstdBuffer,
        dxBuffer,
        null,
        dGammaBuffer,
        Values.direct(new float[CHANNELS]),
        0);
    assertArrayEquals(y, Values.array(yBuffer));
    assertArrayEquals(dx, Values.array(dxBuffer));
    assertArrayEquals(dGamma, Values.array(dGammaBuffer));

    try (Device device = TestDevice.open()) {
      Stream s = device.stream();
      Tensor x = device.tensor(Shape.of(ROWS, CHANNELS), X);
      Tensor out = device.zeros(DType.F32, Shape.of(ROWS, CHANNELS));
      Tensor[] p = new Tensor[6];
      for (int i = 0; i < p.length; i++) {
        p[i] = device.tensor(Shape.of(CHANNELS), i == 0 ? gamma : i == 1 ? beta : filled(4, i - 2));
      }
      norm.train(s, x, p[0], p[1], null, out, p[2], p[3], p[4], p[5]);
      assertComputed(y, out.toFloats());
      assertComputed(runningVariance, p[3].toFloats());
      norm.infer(s, x, p[0], p[1], null, x, p[2], p[3]);
      assertComputed(inferred, x.toFloats(), "in place");
    }
  }

  @Test
  void layerNormGivesRowsOfMeanZeroAndDeviationOne() {
    GroupNormKernel norm = GroupNormKernel.layerNorm(ROWS, CHANNELS).build();
    float[] y = new float[SIZE];
    float[] mean = new float[ROWS];
    float[] invstd = new float[ROWS];
    norm.run(X, null, null, y, mean, invstd);
    for (int r = 0; r < ROWS; r++) {
      double sum = 0;
      double squares = 0;
      for (int c = 0; c < CHANNELS; c++) {
        sum += y[r * CHANNELS + c];
        squares += y[r * CHANNELS + c] * y[r * CHANNELS + c];
      }
      assertEquals(0, sum, 1e-5);
      assertEquals(CHANNELS, squares, 1e-3);
    }
    float[] dx = new float[SIZE];
    norm.gradient(DY, X, null, mean, invstd, dx, null, null, 0);
    FloatBuffer again = Values.direct(new float[SIZE]);
    norm.gradient(
        Values.direct(DY),
        Values.direct(X),
        null,
        Values.direct(mean),
        Values.direct(invstd),
        again,
        null,
        null,
        0);
    assertArrayEquals(dx, Values.array(again));
    try (Device device = TestDevice.open()) {
      Tensor x = device.tensor(Shape.of(ROWS, CHANNELS), X);
      norm.run(device.stream(), x, null, null, x, null, null);
      assertComputed(y, x.toFloats());
    }
    assertThrows(IllegalArgumentException.class, () -> GroupNormKernel.builder(1, 1, 6, 4));
  }

  @Test
  void softmaxMasksTheFuture() {
    SoftmaxKernel softmax = SoftmaxKernel.builder(3, 3).causal(3).build();
    float[] y = new float[9];
    softmax.run(filled(9, 7), y);
    float third = 1 / 3f;
    assertArrayEquals(new float[] {1, 0, 0, 0.5f, 0.5f, 0, third, third, third}, y, 1e-6f);
    float[] dx = new float[9];
    softmax.gradient(filled(9, 5), y, dx);
    assertArrayEquals(new float[9], dx, 1e-6f, "equal gradients change nothing");
    FloatBuffer again = Values.direct(new float[9]);
    softmax.run(Values.direct(filled(9, 7)), again);
    assertArrayEquals(y, Values.array(again));
    assertThrows(IllegalArgumentException.class, () -> SoftmaxKernel.builder(4, 3).causal(3));
  }

  @Test
  void binaryOperationsRepeatTheSecondOperand() {
    float[] a = {1, 2, 3, 4, 5, 6};
    float[] y = new float[6];
    ElementwiseKernel.add(DType.F32, 6, 2).run(a, new float[] {10, 20}, y);
    assertArrayEquals(new float[] {11, 22, 13, 24, 15, 26}, y);
    ElementwiseKernel.subtract(DType.F32, 6, 6).run(y, a, y);
    assertArrayEquals(new float[] {10, 20, 10, 20, 10, 20}, y);
    FloatBuffer product = Values.direct(new float[6]);
    ElementwiseKernel.multiply(DType.F32, 6, 3)
        .run(Values.direct(a), Values.direct(new float[] {1, 0, 2}), product);
    assertArrayEquals(new float[] {1, 0, 6, 4, 0, 12}, Values.array(product));
    ScaleAddKernel.of(DType.F32, 6, 2, -1).run(a, y);
    assertArrayEquals(new float[] {-8, -16, -4, -12, 0, -8}, y);
    assertThrows(IllegalArgumentException.class, () -> ElementwiseKernel.add(DType.F32, 6, 4));
  }

  @Test
  void dropoutIsItsOwnGradientUntilTheMicroStepEnds() {
    DropoutKernel dropout = DropoutKernel.of(DType.F32, 1000, 0.25f, 42, 1);
    HostStepState state = new HostStepState();
    float[] ones = filled(1000, 1);
    float[] first = new float[1000];
    float[] second = new float[1000];
    dropout.run(state, ones, first);
    dropout.run(state, ones, second);
    assertArrayEquals(first, second);
    int kept = 0;
    for (float value : first) {
      assertTrue(value == 0 || value == 1 / 0.75f);
      kept += value != 0 ? 1 : 0;
    }
    assertTrue(kept > 680 && kept < 820, kept + " kept");
    try (Device device = TestDevice.open()) {
      Tensor onDevice = StepKernels.newState(device);
      Tensor x = device.tensor(Shape.of(1000), ones);
      dropout.run(device.stream(), onDevice, x, x);
      assertComputed(first, x.toFloats());
      StepKernels.microStepEnd(device.stream(), onDevice.address(), 1);
      dropout.run(device.stream(), onDevice, device.tensor(Shape.of(1000), ones), x);
      assertTrue(!java.util.Arrays.equals(first, x.toFloats()));
    }
    assertThrows(IllegalArgumentException.class, () -> DropoutKernel.of(DType.F32, 1, 1, 1, 1));
  }

  @Test
  void reductionsWorkAlongAnyDimension() {
    float[] x = {1, 5, 2, 4, 3, 3}; // [1, 3, 2] and [3, 2, 1]
    float[] y = new float[2];
    ReduceKernel.sum(1, 3, 2).build().run(x, y, null);
    assertArrayEquals(new float[] {6, 12}, y);
    ReduceKernel.mean(1, 3, 2).beta(1).build().run(x, y, null);
    assertArrayEquals(new float[] {8, 16}, y);
    ReduceKernel rows = ReduceKernel.max(3, 2, 1).build();
    float[] largest = new float[3];
    int[] places = new int[3];
    rows.run(x, largest, places);
    assertArrayEquals(new float[] {5, 4, 3}, largest);
    assertArrayEquals(new int[] {1, 1, 0}, places);
    float[] dx = new float[6];
    rows.gradient(largest, places, dx);
    assertArrayEquals(new float[] {0, 5, 0, 4, 3, 0}, dx);
    FloatBuffer buffer = Values.direct(new float[3]);
    rows.run(Values.direct(x), buffer, null);
    assertArrayEquals(largest, Values.array(buffer));
  }

  @Test
  void permutedDimensionsAndRowsBetweenPitches() {
    float[] y = new float[6];
    PermuteKernel turn = PermuteKernel.of(DType.F32, Shape.of(2, 3), 1, 0);
    turn.run(new float[] {1, 2, 3, 4, 5, 6}, y);
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, y);
    try (Device device = TestDevice.open()) {
      Tensor x = device.tensor(Shape.of(2, 3), 1f, 2, 3, 4, 5, 6);
      Tensor turned = device.zeros(DType.F32, Shape.of(3, 2));
      turn.run(device.stream(), x, turned);
      assertComputed(y, turned.toFloats());
    }
    assertThrows(
        IllegalArgumentException.class, () -> PermuteKernel.of(DType.F32, Shape.of(2, 3), 0, 0));

    float[] dst = filled(8, -1);
    CopyRowsKernel.of(DType.F32, 2, 2, 3, 4).run(new float[] {1, 2, 3, 4, 5, 6}, dst);
    assertArrayEquals(new float[] {1, 2, -1, -1, 4, 5, -1, -1}, dst);
    assertThrows(IllegalArgumentException.class, () -> CopyRowsKernel.of(DType.F32, 2, 4, 4, 3));
  }

  @Test
  void embeddingGathersRowsAndScattersGradients() {
    EmbeddingKernel embedding = EmbeddingKernel.of(DType.F32, 3, 2, 4);
    int[] tokens = {2, 0, 2, 7};
    float[] y = filled(8, -1);
    HostStepState state = new HostStepState();
    embedding.run(new float[] {1, 2, 3, 4, 5, 6}, tokens, state, y);
    assertArrayEquals(new float[] {5, 6, 1, 2, 5, 6, 0, 0}, y);
    float[] dTable = filled(6, 1);
    int[] workspace = new int[(int) embedding.workspaceSize()];
    embedding.gradient(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, tokens, 1, dTable, workspace);
    assertArrayEquals(new float[] {4, 5, 1, 1, 7, 9}, dTable);
    FloatBuffer table = Values.direct(new float[6]);
    IntBuffer scratch = Values.direct(new int[workspace.length]);
    embedding.gradient(
        Values.direct(1, 2, 3, 4, 5, 6, 7, 8f), Values.direct(tokens), 0, table, scratch);
    assertArrayEquals(new float[] {3, 4, 0, 0, 6, 8}, Values.array(table));
  }

  @Test
  void pointwiseLossesAddTheirSums() {
    HostStepState state = new HostStepState();
    float[] gradient = new float[4];
    PointwiseLossKernel.squaredError(DType.F32, 2, 2, 0.25f)
        .run(new float[] {1, 2, 3, 4}, new float[] {0, 2, 5, 4}, state, gradient);
    assertArrayEquals(new float[] {0.5f, 0, -1, 0}, gradient);
    assertEquals(5, state.lossSum());
    assertEquals(4, state.weight());
    assertEquals(2, state.rows());
    HostStepState binary = new HostStepState();
    PointwiseLossKernel.binaryCrossEntropy(DType.F32, 2, 2, 1)
        .run(new float[] {3, -3, 0.5f, 2}, new float[] {1, 0, 0, 1}, binary, null);
    assertEquals(1.5, binary.correct(), "three of four elements of two rows");
  }

  @Test
  void statisticsOfGradients() {
    GradientStatistics found =
        GradientStatistics.of(new float[] {3, -4, Float.NaN, Float.POSITIVE_INFINITY});
    assertEquals(new GradientStatistics(-0.5, 3.5, 3.5, -4, 3, 5, 2, 2), found);
    try (Device device = TestDevice.open()) {
      Tensor x = device.tensor(Shape.of(2), 3f, -4f);
      Tensor statistics = GradientStatistics.newTensor(device);
      GradientStatistics.run(device.stream(), x, null, statistics);
      assertEquals(5, GradientStatistics.read(statistics).norm());
    }
    assertEquals(5, GradientStatistics.of(Values.direct(3f, 4f), 2).norm());
  }

  @Test
  void layerwiseRulesScaleTheUpdateByTheNorms() {
    float[] p = {3, 4};
    float[] moment = new float[2];
    // ratio = 0.001 * 5 / (10 + 0.1 * 5), the update is 0.1 * ratio * (g + 0.1 p)
    OptimizerStepKernel.lars(2)
        .weightDecay(0.1f)
        .build()
        .run(p, new float[] {6, 8}, moment, null, null);
    double ratio = 0.001 * 5 / (10 + 0.5);
    assertArrayEquals(
        new float[] {(float) (3 - 0.1 * ratio * 6.3), (float) (4 - 0.1 * ratio * 8.4)}, p, 1e-6f);
    float[] q = {3, 4};
    // The first update of each parameter is sign(g), so |u| = sqrt 2 without decay.
    OptimizerStepKernel.lamb(2)
        .weightDecay(0)
        .build()
        .run(q, new float[] {1, -1}, new float[2], new float[2], null);
    float step = (float) (0.001 * 5 / Math.sqrt(2));
    assertArrayEquals(new float[] {3 - step, 4 + step}, q, 1e-5f);
    assertThrows(
        IllegalArgumentException.class,
        () -> OptimizerStepKernel.adam(2).build().run(q, q, new float[2], null, null));
  }
}
