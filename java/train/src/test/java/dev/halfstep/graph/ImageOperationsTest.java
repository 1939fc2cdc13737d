package dev.halfstep.graph;

import static dev.halfstep.graph.OperationBench.parameter;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Compares convolution, pooling and resizing with their definitions in fp64. */
@Tag("sim")
class ImageOperationsTest {
  private static final int N = 2;
  private static final int H = 7;
  private static final int W = 5;
  private static final int C = 6;
  private static final int K = 4;
  private static final int R = 3;
  private static final int S = 2;
  private static final Parameter X = parameter("x", N, H, W, C);
  private static final Parameter BIAS = parameter("bias", K);

  /** The tolerance is 1e-4, because the terms of a sum are as large as 70. */
  private static void assertNear(double[] expected, float[] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 1e-4 * Math.max(1, Math.abs(expected[i])), "at " + i);
    }
  }

  private static float[] output(OperationBench bench) {
    float[] output = bench.evaluate(bench.values()).output();
    assertArrayEquals(output, bench.train(bench.values()).output());
    return output;
  }

  /** The index of the pixel under a tap of the window at {@code place}, or -1 outside the image. */
  private static int pixel(int place, int tap, int stride, int padding, int dilation, int extent) {
    int at = place * stride - padding + tap * dilation;
    return at < extent ? Math.max(at, -1) : -1;
  }

  @Test
  void convolutionIsASumOverTheWindowAndItsGroup() {
    for (int groups : new int[] {1, 2}) {
      for (Window window :
          List.of(
              Window.of(R, S),
              Window.of(R, S).stride(2, 3).padding(1, 2),
              Window.of(R, S).padding(3, 1).dilation(2))) {
        Parameter weight = parameter("weight", K, R, S, C / groups);
        Function<Graph, Value> network =
            g ->
                Ops.conv2d(
                    g.parameter(X),
                    g.parameter(weight),
                    g.parameter(BIAS),
                    window,
                    Activation.RELU);
        try (OperationBench bench = new OperationBench(DType.F32, network, X, weight, BIAS)) {
          assertNear(convolution(bench, window, groups), output(bench));
        }
      }
    }
  }

  private static double[] convolution(OperationBench bench, Window window, int groups) {
    double[] x = bench.part(bench.values(), "x");
    double[] weight = bench.part(bench.values(), "weight");
    double[] bias = bench.part(bench.values(), "bias");
    int in = C / groups;
    int down = (H + 2 * window.paddingRows() - window.dilation() * (R - 1) - 1);
    int across = (W + 2 * window.paddingColumns() - window.dilation() * (S - 1) - 1);
    down = down / window.strideRows() + 1;
    across = across / window.strideColumns() + 1;
    double[] y = new double[N * down * across * K];
    for (int i = 0; i < y.length; i++) {
      int k = i % K;
      int n = i / (K * across * down);
      y[i] = bias[k];
      for (int tap = 0; tap < R * S; tap++) {
        int row =
            pixel(
                i / (K * across) % down,
                tap / S,
                window.strideRows(),
                window.paddingRows(),
                window.dilation(),
                H);
        int column =
            pixel(
                i / K % across,
                tap % S,
                window.strideColumns(),
                window.paddingColumns(),
                window.dilation(),
                W);
        for (int c = 0; row >= 0 && column >= 0 && c < in; c++) {
          int channel = k / (K / groups) * in + c;
          y[i] +=
              x[((n * H + row) * W + column) * C + channel] * weight[(k * R * S + tap) * in + c];
        }
      }
      y[i] = Math.max(y[i], 0);
    }
    return y;
  }

  @Test
  void aFusedActivationIsTheSeparateOne() {
    Parameter weight = parameter("weight", K, R, S, C);
    Window window = Window.of(R, S);
    for (Activation activation : List.of(Activation.RELU, Activation.GELU)) {
      Function<Graph, Value> fused =
          g ->
              Ops.conv2d(
                  g.parameter(X), g.parameter(weight), g.parameter(BIAS), window, activation);
      Function<Graph, Value> apart =
          g ->
              Ops.activation(
                  Ops.conv2d(
                      g.parameter(X),
                      g.parameter(weight),
                      g.parameter(BIAS),
                      window,
                      Activation.NONE),
                  activation);
      try (OperationBench one = new OperationBench(DType.F32, fused, X, weight, BIAS);
          OperationBench other = new OperationBench(DType.F32, apart, X, weight, BIAS)) {
        OperationBench.Result expected = other.train(other.values());
        OperationBench.Result actual = one.train(one.values());
        assertArrayEquals(expected.output(), actual.output(), 1e-4f);
        assertArrayEquals(expected.gradients(), actual.gradients(), 0.1f);
      }
    }
  }

  @Test
  void poolingTakesTheMaximumOrTheAverageOfEachWindow() {
    Window window = Window.of(3, 2).stride(2, 2).padding(1, 1);
    int down = (H + 2 - 3) / 2 + 1;
    int across = (W + 2 - 2) / 2 + 1;
    for (Pool2dOp.Kind kind : Pool2dOp.Kind.values()) {
      try (OperationBench bench =
          new OperationBench(DType.F32, g -> Pool2dOp.of(kind, g.parameter(X), window), X)) {
        double[] x = bench.part(bench.values(), "x");
        double[] expected = new double[N * down * across * C];
        for (int i = 0; i < expected.length; i++) {
          double most = Double.NEGATIVE_INFINITY;
          double sum = 0;
          int inside = 0;
          for (int tap = 0; tap < 6; tap++) {
            int row = pixel(i / (C * across) % down, tap / 2, 2, 1, 1, H);
            int column = pixel(i / C % across, tap % 2, 2, 1, 1, W);
            if (row >= 0 && column >= 0) {
              double value = x[((i / (C * across * down) * H + row) * W + column) * C + i % C];
              most = Math.max(most, value);
              sum += value;
              inside++;
            }
          }
          expected[i] =
              switch (kind) {
                case MAX -> most;
                case AVERAGE -> sum / inside;
                case PADDED_AVERAGE -> sum / 6;
              };
        }
        assertNear(expected, output(bench));
      }
    }
  }

  @Test
  void resizingIsBilinear() {
    int rows = 11;
    int columns = 3;
    try (OperationBench bench =
        new OperationBench(DType.F32, g -> Ops.resize(g.parameter(X), rows, columns), X)) {
      double[] x = bench.part(bench.values(), "x");
      double[] expected = new double[N * rows * columns * C];
      for (int i = 0; i < expected.length; i++) {
        double row = Math.max(0, (i / (C * columns) % rows + 0.5) * H / rows - 0.5);
        double column = Math.max(0, (i / C % columns + 0.5) * W / columns - 0.5);
        int top = (int) row;
        int left = (int) column;
        for (int corner = 0; corner < 4; corner++) {
          int r = Math.min(top + corner / 2, H - 1);
          int c = Math.min(left + corner % 2, W - 1);
          double share = corner / 2 == 0 ? 1 - (row - top) : row - top;
          share *= corner % 2 == 0 ? 1 - (column - left) : column - left;
          expected[i] += share * x[((i / (C * columns * rows) * H + r) * W + c) * C + i % C];
        }
      }
      assertNear(expected, output(bench));
    }
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheLayersName() {
    Graph graph = new Graph(DType.F32, true);
    graph.enter("conv1");
    Value x = graph.input("x", DType.F32, Shape.of(N, H, W, C));
    Value weight = graph.input("w", DType.F32, Shape.of(K, R, S, C));
    Value other = graph.input("w", DType.F32, Shape.of(K, R, S, 4));
    Value flat = graph.input("flat", DType.F32, Shape.of(N, H * W * C));
    Window window = Window.of(R, S);
    List<Runnable> wrong =
        List.of(
            () -> Ops.conv2d(x, other, null, window),
            () -> Ops.conv2d(x, weight, null, Window.of(S, R)),
            () -> Ops.conv2d(flat, weight, null, window),
            () -> Ops.conv2d(x, weight, weight, window),
            () -> Ops.conv2d(x, weight, null, window.dilation(5)),
            () -> Ops.maxPool2d(x, Window.of(8, 1)),
            () -> Ops.maxPool2d(x, Window.of(2, 2).padding(2, 0)),
            () -> Pool2dOp.of(Pool2dOp.Kind.AVERAGE, x, window.dilation(2)),
            () -> Ops.maxPool2d(flat, window),
            () -> Ops.resize(flat, 2, 2),
            () -> Ops.resize(x, 0, 2));
    for (int i = 0; i < wrong.size(); i++) {
      Runnable each = wrong.get(i);
      String message =
          assertThrows(IllegalArgumentException.class, each::run, "case " + i).getMessage();
      assertTrue(message.startsWith("layer conv1: "), message);
    }
    assertThrows(IllegalArgumentException.class, () -> Window.of(0, 1));
    assertSame(x, Ops.resize(x, H, W));
  }
}
