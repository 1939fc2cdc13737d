package dev.halfstep.graph;

import static dev.halfstep.graph.OperationBench.parameter;
import static dev.halfstep.graph.OperationBench.state;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Compares the outputs of operations with their definitions in fp64. */
@Tag("sim")
class OperationForwardTest {
  private static final int N = 3;
  private static final int POSITIONS = 5;
  private static final int CHANNELS = 6;
  private static final Parameter X = parameter("x", N, POSITIONS, CHANNELS);
  private static final Parameter OTHER = parameter("other", N, POSITIONS, CHANNELS);
  private static final Parameter GAMMA = parameter("gamma", CHANNELS);
  private static final Parameter BETA = parameter("beta", CHANNELS);
  private static final Parameter MEAN = state("mean", CHANNELS);
  private static final Parameter VARIANCE = state("variance", CHANNELS);

  private static void assertNear(double[] expected, float[] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 2e-6 * Math.max(1, Math.abs(expected[i])), "at " + i);
    }
  }

  /** The output in training and in evaluation, which must be the same. */
  private static float[] output(OperationBench bench) {
    float[] values = bench.values();
    float[] output = bench.evaluate(values).output();
    assertArrayEquals(output, bench.train(values).output());
    return output;
  }

  private static OperationBench batchNorm(boolean residual, Activation activation) {
    return new OperationBench(
        DType.F32,
        g ->
            Ops.batchNorm(
                g.parameter(X),
                g.parameter(GAMMA),
                g.parameter(BETA),
                residual ? g.parameter(OTHER) : null,
                g.parameter(MEAN),
                g.parameter(VARIANCE),
                activation,
                1e-5f,
                0.1f),
        X,
        OTHER,
        GAMMA,
        BETA,
        MEAN,
        VARIANCE);
  }

  private static double[] affine(
      OperationBench bench, double[] mean, double[] variance, boolean residual, boolean relu) {
    float[] values = bench.values();
    double[] x = bench.part(values, "x");
    double[] other = bench.part(values, "other");
    double[] gamma = bench.part(values, "gamma");
    double[] beta = bench.part(values, "beta");
    double[] y = new double[x.length];
    for (int i = 0; i < y.length; i++) {
      int c = i % CHANNELS;
      y[i] = (x[i] - mean[c]) / Math.sqrt(variance[c] + 1e-5) * gamma[c] + beta[c];
      y[i] += residual ? other[i] : 0;
      y[i] = relu ? Math.max(y[i], 0) : y[i];
    }
    return y;
  }

  @Test
  void batchNormTrainsOnTheBatchAndMovesTheRunningStatistics() {
    for (int variant = 0; variant < 4; variant++) {
      boolean residual = variant % 2 == 1;
      boolean relu = variant > 1;
      try (OperationBench bench = batchNorm(residual, relu ? Activation.RELU : Activation.NONE)) {
        float[] values = bench.values();
        double[] x = bench.part(values, "x");
        int n = N * POSITIONS;
        double[] mean = new double[CHANNELS];
        double[] variance = new double[CHANNELS];
        for (int i = 0; i < x.length; i++) {
          mean[i % CHANNELS] += x[i] / n;
        }
        for (int i = 0; i < x.length; i++) {
          double difference = x[i] - mean[i % CHANNELS];
          variance[i % CHANNELS] += difference * difference / n;
        }
        OperationBench.Result result = bench.train(values);
        assertNear(affine(bench, mean, variance, residual, relu), result.output());
        double[] before = bench.part(values, "mean");
        double[] varianceBefore = bench.part(values, "variance");
        double[] after = bench.part(result.parameters(), "mean");
        double[] varianceAfter = bench.part(result.parameters(), "variance");
        for (int c = 0; c < CHANNELS; c++) {
          assertEquals(0.9 * before[c] + 0.1 * mean[c], after[c], 1e-6);
          double unbiased = variance[c] * n / (n - 1.0);
          assertEquals(0.9 * varianceBefore[c] + 0.1 * unbiased, varianceAfter[c], 1e-6);
        }
      }
    }
  }

  @Test
  void functionsOfTwoValuesAreTheirDefinitions() {
    double[][] expected = new double[4][];
    try (OperationBench bench =
        new OperationBench(
            DType.F32,
            g -> {
              Value x = g.parameter(X);
              Value y = g.parameter(OTHER);
              Value zero = Ops.constant(g, 0, Shape.of(N, POSITIONS, CHANNELS));
              Value positive = Ops.add(Ops.abs(x), Ops.constant(g, 0.5f));
              return Ops.concat(
                  List.of(
                      Ops.divide(y, positive),
                      Ops.maximum(x, y),
                      Ops.minimum(x, Ops.add(zero, g.parameter(GAMMA))),
                      Ops.log(Ops.exp(Ops.sqrt(positive)))),
                  0);
            },
            X,
            OTHER,
            GAMMA)) {
      float[] values = bench.values();
      double[] x = bench.part(values, "x");
      double[] y = bench.part(values, "other");
      double[] gamma = bench.part(values, "gamma");
      for (int k = 0; k < expected.length; k++) {
        expected[k] = new double[x.length];
      }
      for (int i = 0; i < x.length; i++) {
        expected[0][i] = y[i] / (Math.abs(x[i]) + 0.5);
        expected[1][i] = Math.max(x[i], y[i]);
        expected[2][i] = Math.min(x[i], gamma[i % CHANNELS]);
        expected[3][i] = Math.sqrt(Math.abs(x[i]) + 0.5);
      }
      assertNear(Stream.of(expected).flatMapToDouble(DoubleStream::of).toArray(), output(bench));
    }
  }

  @Test
  void equalValuesShareTheGradientOfMaximumAndMinimum() {
    Parameter same = parameter("same", CHANNELS);
    for (boolean largest : new boolean[] {true, false}) {
      try (OperationBench bench =
          new OperationBench(
              DType.F32,
              g -> {
                Value x = g.parameter(GAMMA);
                Value y = g.parameter(same);
                return largest ? Ops.maximum(x, y) : Ops.minimum(x, y);
              },
              GAMMA,
              same)) {
        float[] values = bench.values();
        int from = (int) bench.table().offset(GAMMA);
        int to = (int) bench.table().offset(same);
        System.arraycopy(values, from, values, to, CHANNELS);
        values[to] += 1; // the first element of the second operand is larger
        float[] gradients = bench.train(values).gradients();
        int winner = largest ? to : from;
        assertEquals(0, gradients[winner == to ? from : to], 0); // for either sign
        assertTrue(gradients[winner] != 0);
        for (int i = 1; i < CHANNELS; i++) {
          assertEquals(gradients[from + i], gradients[to + i], "of equal values");
          assertTrue(gradients[from + i] != 0);
        }
      }
    }
  }

  @Test
  void constantsAreFilledRunByRun() {
    float[] numbers = {3, 3, 3, -1, 2, 2};
    try (OperationBench bench =
        new OperationBench(
            DType.F32,
            g ->
                Ops.add(
                    Ops.constant(g, Shape.of(CHANNELS), numbers), Ops.scale(g.parameter(GAMMA), 0)),
            GAMMA)) {
      assertArrayEquals(numbers, output(bench));
    }
    Graph graph = new Graph(DType.BF16, false);
    assertEquals(DType.F32, Ops.constant(graph, 0.1f).type());
    assertEquals(
        List.of(3f, 3f, 3f, -1f, 2f, 2f),
        ((ConstantOp) constantOf(graph, numbers).operation()).values());
    for (float[] wrong : new float[][] {{}, {1, 2}, new float[257]}) {
      Shape shape = Shape.of(wrong.length == 257 ? 257 : 3);
      assertThrows(IllegalArgumentException.class, () -> Ops.constant(graph, shape, wrong));
    }
  }

  private static Graph.Node constantOf(Graph graph, float[] numbers) {
    Ops.constant(graph, Shape.of(CHANNELS), numbers);
    return graph.operations().get(graph.operations().size() - 1);
  }

  @Test
  void batchNormEvaluatesWithTheRunningStatisticsAloneAndLeavesThem() {
    for (int variant = 0; variant < 4; variant++) {
      boolean residual = variant % 2 == 1;
      boolean relu = variant > 1;
      try (OperationBench bench = batchNorm(residual, relu ? Activation.RELU : Activation.NONE)) {
        float[] values = bench.values();
        OperationBench.Result result = bench.evaluate(values);
        double[] mean = bench.part(values, "mean");
        double[] variance = bench.part(values, "variance");
        assertNear(affine(bench, mean, variance, residual, relu), result.output());
        assertArrayEquals(values, result.parameters());
      }
    }
  }

  @Test
  void batchNormRefusesToTrainOnOneValueOfEachChannel() {
    Graph graph = new Graph(DType.F32, true);
    graph.enter("body.bn1");
    Value x = graph.input("x", DType.F32, Shape.of(1, CHANNELS));
    Value one = graph.parameter(GAMMA);
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> Ops.batchNorm(x, one, one, null, one, one, Activation.NONE, 1e-5f, 0.1f))
            .getMessage();
    assertTrue(message.contains("layer body.bn1:") && message.contains("[1, 6]"), message);
    Value pixels = graph.input("x", DType.F32, Shape.of(1, 1, 2, CHANNELS));
    Ops.batchNorm(pixels, one, one, null, one, one, Activation.NONE, 1e-5f, 0.1f);
  }

  /** Normalises slices of x; a slice is the elements with the same key. */
  private static double[] normalised(
      OperationBench bench, Function<Integer, Integer> key, int slices) {
    double[] x = bench.part(bench.values(), "x");
    double[] gamma = bench.part(bench.values(), "gamma");
    double[] beta = bench.part(bench.values(), "beta");
    double[] sum = new double[slices];
    double[] squares = new double[slices];
    int size = x.length / slices;
    for (int i = 0; i < x.length; i++) {
      sum[key.apply(i)] += x[i];
      squares[key.apply(i)] += x[i] * x[i];
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double mean = sum[key.apply(i)] / size;
      double variance = squares[key.apply(i)] / size - mean * mean;
      int c = i % CHANNELS;
      y[i] = (x[i] - mean) / Math.sqrt(variance + 1e-5) * gamma[c] + beta[c];
    }
    return y;
  }

  @Test
  void layerNormNormalisesEachRow() {
    try (OperationBench bench =
        new OperationBench(
            DType.F32,
            g -> Ops.layerNorm(g.parameter(X), g.parameter(GAMMA), g.parameter(BETA), 1e-5f),
            X,
            GAMMA,
            BETA)) {
      assertNear(normalised(bench, i -> i / CHANNELS, N * POSITIONS), output(bench));
    }
  }

  @Test
  void groupNormNormalisesEachGroupOfChannelsOfASample() {
    int groups = 3;
    int width = CHANNELS / groups;
    try (OperationBench bench =
        new OperationBench(
            DType.F32,
            g ->
                Ops.groupNorm(g.parameter(X), g.parameter(GAMMA), g.parameter(BETA), groups, 1e-5f),
            X,
            GAMMA,
            BETA)) {
      Function<Integer, Integer> key =
          i -> i / (POSITIONS * CHANNELS) * groups + i % CHANNELS / width;
      assertNear(normalised(bench, key, N * groups), output(bench));
    }
  }

  @Test
  void causalSoftmaxSeesThePastAlone() {
    float scale = 0.6f;
    try (OperationBench bench =
        new OperationBench(DType.F32, g -> Ops.softmax(g.parameter(X), scale, true, null), X)) {
      double[] x = bench.part(bench.values(), "x");
      double[] expected = new double[x.length];
      for (int row = 0; row < N * POSITIONS; row++) {
        int seen = row % POSITIONS + CHANNELS - POSITIONS + 1;
        double sum = 0;
        for (int c = 0; c < seen; c++) {
          expected[row * CHANNELS + c] = Math.exp((double) scale * x[row * CHANNELS + c]);
          sum += expected[row * CHANNELS + c];
        }
        for (int c = 0; c < seen; c++) {
          expected[row * CHANNELS + c] /= sum;
        }
      }
      assertNear(expected, output(bench));
    }
  }

  @Test
  void reductionsGoOverTheDimensionsGiven() {
    for (ReduceOp.Kind kind : ReduceOp.Kind.values()) {
      try (OperationBench bench =
          new OperationBench(DType.F32, g -> ReduceOp.of(kind, g.parameter(X), 2, 0), X)) {
        double[] x = bench.part(bench.values(), "x");
        double[] expected = new double[POSITIONS];
        if (kind == ReduceOp.Kind.MAX) {
          java.util.Arrays.fill(expected, Double.NEGATIVE_INFINITY);
        }
        for (int i = 0; i < x.length; i++) {
          int p = i / CHANNELS % POSITIONS;
          expected[p] =
              switch (kind) {
                case SUM -> expected[p] + x[i];
                case MEAN -> expected[p] + x[i] / (N * CHANNELS);
                case MAX -> Math.max(expected[p], x[i]);
              };
        }
        assertNear(expected, output(bench));
      }
    }
  }

  @Test
  void matmulMultipliesMatrixByMatrix() {
    try (OperationBench bench =
        new OperationBench(
            DType.F32,
            g -> Ops.matmul(g.parameter(X), g.parameter(OTHER), false, true, 0.25f),
            X,
            OTHER)) {
      double[] x = bench.part(bench.values(), "x");
      double[] other = bench.part(bench.values(), "other");
      double[] expected = new double[N * POSITIONS * POSITIONS];
      for (int i = 0; i < expected.length; i++) {
        int a = i / POSITIONS * CHANNELS;
        int b = (i / (POSITIONS * POSITIONS) * POSITIONS + i % POSITIONS) * CHANNELS;
        for (int c = 0; c < CHANNELS; c++) {
          expected[i] += 0.25 * x[a + c] * other[b + c];
        }
      }
      assertNear(expected, output(bench));
    }
  }

  @Test
  void permuteConcatAndSplitMoveElements() {
    Function<Graph, Value> network =
        g -> {
          Value turned = Ops.permute(g.parameter(X), 2, 0, 1);
          List<Value> parts = Ops.split(turned, 0, 1, 3, 2);
          return Ops.concat(List.of(parts.get(2), parts.get(0)), 0);
        };
    try (OperationBench bench = new OperationBench(DType.F32, network, X)) {
      double[] x = bench.part(bench.values(), "x");
      int[] channels = {4, 5, 0};
      double[] expected = new double[channels.length * N * POSITIONS];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = x[i % (N * POSITIONS) * CHANNELS + channels[i / (N * POSITIONS)]];
      }
      assertNear(expected, output(bench));
    }
  }

  @Test
  void aSecondOperandRepeatsOverLeadingDimensions() {
    try (OperationBench bench =
        new OperationBench(
            DType.F32, g -> Ops.subtract(g.parameter(X), g.parameter(GAMMA)), X, GAMMA)) {
      double[] x = bench.part(bench.values(), "x");
      double[] gamma = bench.part(bench.values(), "gamma");
      double[] expected = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        expected[i] = x[i] - gamma[i % CHANNELS];
      }
      assertNear(expected, output(bench));
    }
  }

  @Test
  void dropoutIsForTrainingAndEachHasNumbersOfItsOwn() {
    Parameter large = parameter("large", 100, 100);
    Function<Graph, Value> network =
        g -> {
          Value x = g.parameter(large);
          return Ops.subtract(Ops.dropout(x, 0.25), Ops.dropout(x, 0.25));
        };
    try (OperationBench bench = new OperationBench(DType.F32, network, large)) {
      int apart = 0;
      for (float difference : bench.train(bench.values()).output()) {
        apart += difference != 0 ? 1 : 0;
      }
      // The share of elements that only one mask keeps is 2 * 0.75 * 0.25, with a deviation of
      // 0.005.
      assertEquals(0.375, apart / 1e4, 0.02);
    }
    try (OperationBench bench =
        new OperationBench(DType.F32, g -> Ops.dropout(g.parameter(large), 0.25), large)) {
      float[] values = bench.values();
      assertArrayEquals(values, bench.evaluate(values).output());
      float[] dropped = bench.train(values).output();
      int kept = 0;
      for (int i = 0; i < dropped.length; i++) {
        assertTrue(dropped[i] == 0 || Math.abs(dropped[i] * 0.75f / values[i] - 1) < 1e-6);
        kept += dropped[i] != 0 ? 1 : 0;
      }
      assertEquals(0.75, kept / 1e4, 0.02);
    }
  }

  @Test
  void dropoutThatDropsNothingAddsNothing() {
    Graph evaluation = new Graph(DType.F32, false);
    Value x = evaluation.input("x", DType.F32, Shape.of(2, 2));
    assertSame(x, Ops.dropout(x, 0.5));
    Graph training = new Graph(DType.F32, true);
    Value y = training.input("y", DType.F32, Shape.of(2, 2));
    assertSame(y, Ops.dropout(y, 0));
    assertThrows(IllegalStateException.class, () -> Ops.dropout(y, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Ops.dropout(y, 1));
  }

  @Test
  void shapesThatDoNotMatchAreRefused() {
    Graph g = new Graph(DType.F32, true);
    Value x = g.input("x", DType.F32, Shape.of(4, 6));
    Value y = g.input("y", DType.F32, Shape.of(4, 5));
    List<Runnable> wrong =
        List.of(
            () -> Ops.add(x, y),
            () -> Ops.add(x, g.input("i", DType.I32, Shape.of(4, 6))),
            () -> Ops.add(g.input("v", DType.F32, Shape.of(6)), x),
            () -> Ops.matmul(x, y),
            () -> Ops.sum(x, 2),
            () -> Ops.sum(x, 1, -1),
            () -> Ops.permute(x, 0, 0),
            () -> Ops.permute(x, 0),
            () -> Ops.concat(List.of(x, y), 0),
            () -> Ops.concat(List.of(), 0),
            () -> Ops.split(x, 1, 3, 2),
            () -> Ops.split(x, 2, 6),
            () -> Ops.softmax(Ops.permute(x, 1, 0), 1, true, null),
            () -> Ops.embedding(x, y),
            () -> Ops.groupNorm(x, y, y, 4, 1e-5f),
            () -> Ops.layerNorm(x, y, y, 1e-5f),
            () -> Ops.batchNorm(x, y, y, null, y, y, Activation.NONE, 1e-5f, 0.1f),
            () -> StepOps.pointwiseLoss(PointwiseLossOp.Kind.SQUARED_ERROR, x, y, x, 1));
    for (int i = 0; i < wrong.size(); i++) {
      Runnable each = wrong.get(i);
      assertThrows(IllegalArgumentException.class, each::run, "case " + i);
    }
  }
}
