package dev.halfstep.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compares gradients with central differences of the loss. */
@Tag("sim")
class GradientTest {
  private static final int ROWS = 5;
  private static final int IN = 7;
  private static final int HIDDEN = 6;
  private static final int CLASSES = 3;
  private static final Initializer NONE = new Initializer.Constant(0);
  private static final Parameter W1 = new Parameter("w1", Shape.of(HIDDEN, IN), NONE);
  private static final Parameter B1 = new Parameter("b1", Shape.of(HIDDEN), NONE);
  private static final Parameter W2 = new Parameter("w2", Shape.of(CLASSES, HIDDEN), NONE);
  private static final Parameter B2 = new Parameter("b2", Shape.of(CLASSES), NONE);
  private static final Parameter SQUARE = new Parameter("sq", Shape.of(HIDDEN, HIDDEN), NONE);

  private static Bench bench(DType storage, Function<Graph, Value> network, Parameter... table) {
    Random random = new Random(3);
    float[] x = new float[ROWS * IN];
    int[] y = new int[ROWS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < ROWS; i++) {
      y[i] = random.nextInt(CLASSES);
    }
    return new Bench(storage, List.of(table), Shape.of(ROWS, IN), x, y, network);
  }

  private static float[] weights(Bench bench) {
    Random random = new Random(4);
    float[] weights = new float[(int) bench.table().arenaSize()];
    for (Parameter parameter : bench.table().list()) {
      int offset = (int) bench.table().offset(parameter);
      for (int i = 0; i < parameter.shape().elements(); i++) {
        weights[offset + i] = 0.5f * (float) random.nextGaussian();
      }
    }
    return weights;
  }

  /** Asserts that gradients agree with central differences, whose own error is about 2e-4. */
  private static void assertGradients(Bench bench) {
    float[] weights = weights(bench);
    float[] gradients = bench.run(weights).gradients();
    float step = 0x1p-7f;
    for (Parameter parameter : bench.table().list()) {
      int offset = (int) bench.table().offset(parameter);
      for (int i = offset; i < offset + parameter.shape().elements(); i++) {
        float center = weights[i];
        weights[i] = center + step;
        double above = bench.run(weights).loss();
        weights[i] = center - step;
        double below = bench.run(weights).loss();
        weights[i] = center;
        double expected = (above - below) / (2 * step);
        assertEquals(expected, gradients[i], 5e-4, parameter.name() + "[" + (i - offset) + "]");
      }
    }
  }

  private static Value x(Graph graph) {
    return graph.input("x", graph.storage(), Shape.of(ROWS, IN));
  }

  private static Value linear(Graph graph, Value x, Parameter w, Parameter b, Activation function) {
    return Ops.linear(x, graph.parameter(w), b == null ? null : graph.parameter(b), function);
  }

  private static Value mlp(Graph graph, Activation fused) {
    Value h = linear(graph, x(graph), W1, B1, fused);
    return linear(graph, h, W2, B2, Activation.NONE);
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "RELU", "GELU"})
  void linearWithFusedActivation(Activation activation) {
    try (Bench bench = bench(DType.F32, graph -> mlp(graph, activation), W1, B1, W2, B2)) {
      assertGradients(bench);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "RELU", "GELU", "SIGMOID", "TANH", "ABS"})
  void linearThenActivation(Activation activation) {
    Function<Graph, Value> network =
        graph -> {
          Value h = linear(graph, x(graph), W1, B1, Activation.NONE);
          return linear(graph, Ops.activation(h, activation), W2, B2, Activation.NONE);
        };
    try (Bench bench = bench(DType.F32, network, W1, B1, W2, B2)) {
      assertGradients(bench);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"RELU", "GELU"})
  void fusedAndSeparateActivationsAgree(Activation activation) {
    Function<Graph, Value> apart =
        graph -> {
          Value h = linear(graph, x(graph), W1, B1, Activation.NONE);
          return linear(graph, Ops.activation(h, activation), W2, B2, Activation.NONE);
        };
    try (Bench fused = bench(DType.F32, graph -> mlp(graph, activation), W1, B1, W2, B2);
        Bench separate = bench(DType.F32, apart, W1, B1, W2, B2)) {
      float[] weights = weights(fused);
      assertArrayEquals(separate.run(weights).gradients(), fused.run(weights).gradients(), 1e-6f);
    }
  }

  @Test
  void linearWithoutBias() {
    Function<Graph, Value> network =
        graph -> {
          Value h = linear(graph, x(graph), W1, null, Activation.GELU);
          return linear(graph, h, W2, null, Activation.NONE);
        };
    try (Bench bench = bench(DType.F32, network, W1, W2)) {
      assertGradients(bench);
    }
  }

  @Test
  void reshapePassesGradientsOn() {
    Function<Graph, Value> network =
        graph -> {
          Value h = linear(graph, x(graph), W1, B1, Activation.GELU);
          Value cube = Ops.reshape(h, Shape.of(ROWS, 2, HIDDEN / 2));
          Value flat = Ops.reshape(Ops.activation(cube, Activation.TANH), Shape.of(ROWS, HIDDEN));
          return linear(graph, flat, W2, B2, Activation.NONE);
        };
    try (Bench bench = bench(DType.F32, network, W1, B1, W2, B2)) {
      assertGradients(bench);
    }
  }

  @Test
  void aTiedParameterCollectsTheGradientsOfAllItsUses() {
    Function<Graph, Value> network =
        graph -> {
          Value h = linear(graph, x(graph), W1, B1, Activation.NONE);
          for (int i = 0; i < 3; i++) {
            h = linear(graph, h, SQUARE, B1, Activation.GELU);
          }
          return linear(graph, h, W2, B2, Activation.NONE);
        };
    try (Bench bench = bench(DType.F32, network, W1, B1, SQUARE, W2, B2)) {
      assertGradients(bench);
    }
  }

  @Test
  void aWeightMayBeComputedFromAParameter() {
    Function<Graph, Value> network =
        graph -> {
          Value w = Ops.activation(graph.parameter(W1), Activation.TANH);
          Value h = Ops.linear(x(graph), w, graph.parameter(B1), Activation.GELU);
          return linear(graph, h, W2, B2, Activation.NONE);
        };
    try (Bench bench = bench(DType.F32, network, W1, B1, W2, B2);
        Bench half = bench(DType.F16, network, W1, B1, W2, B2)) {
      assertGradients(bench);
      float[] weights = weights(bench);
      assertArrayEquals(
          bench.run(weights, false, false, 0).gradients(),
          half.run(weights, false, false, 0).gradients(),
          3e-3f);
    }
  }

  @Test
  void aParameterThatNothingUsesKeepsItsGradient() {
    Parameter unused = new Parameter("unused", Shape.of(5, 5), NONE);
    try (Bench bench =
        bench(DType.F32, graph -> mlp(graph, Activation.GELU), W1, B1, unused, W2, B2)) {
      float[] gradients = bench.run(weights(bench), false, false, 0).gradients();
      int offset = (int) bench.table().offset(unused);
      for (int i = 0; i < 25; i++) {
        assertEquals(0, gradients[offset + i]);
      }
    }
  }

  @Test
  void laterMicroBatchesAddToTheGradients() {
    try (Bench bench = bench(DType.F32, graph -> mlp(graph, Activation.GELU), W1, B1, W2, B2)) {
      float[] weights = weights(bench);
      float[] once = bench.run(weights).gradients();
      float[] onTop = bench.run(weights, false, true, 10).gradients();
      for (Parameter parameter : bench.table().list()) {
        int offset = (int) bench.table().offset(parameter);
        for (int i = offset; i < offset + parameter.shape().elements(); i++) {
          assertEquals(once[i] + 10, onTop[i], 1e-5);
        }
      }
    }
  }

  @Test
  void aCapturedPlanGivesTheSameBits() {
    try (Bench bench = bench(DType.F32, graph -> mlp(graph, Activation.GELU), W1, B1, W2, B2)) {
      float[] weights = weights(bench);
      Bench.Result direct = bench.run(weights, false, false, 0);
      Bench.Result captured = bench.run(weights, true, false, 0);
      assertEquals(direct.loss(), captured.loss());
      assertArrayEquals(direct.gradients(), captured.gradients());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void halfStorageComesNearTheGradientsOfF32(DType storage) {
    Function<Graph, Value> network =
        graph -> {
          Value h = linear(graph, x(graph), W1, B1, Activation.GELU);
          Value t = Ops.activation(linear(graph, h, SQUARE, B1, Activation.RELU), Activation.TANH);
          return linear(graph, t, W2, B2, Activation.NONE);
        };
    try (Bench half = bench(storage, network, W1, B1, SQUARE, W2, B2);
        Bench full = bench(DType.F32, network, W1, B1, SQUARE, W2, B2)) {
      float[] weights = weights(half);
      float[] expected = full.run(weights, false, false, 0).gradients();
      float[] gradients = half.run(weights, false, false, 0).gradients();
      assertArrayEquals(expected, gradients, storage == DType.BF16 ? 2e-2f : 3e-3f);
      assertFalse(java.util.Arrays.equals(expected, gradients), "storage had no effect");
    }
  }

  @Test
  void noGradientIsComputedThatNobodyNeeds() {
    Graph graph = new Graph(DType.F32, true);
    Value logits = mlp(graph, Activation.RELU);
    Value y = graph.input("y", DType.I32, Shape.of(ROWS));
    Value state = graph.input("state", DType.U8, Shape.of(8));
    StepOps.crossEntropy(logits, y, null, state, 0, -1, 1);
    Calls calls = new Calls();
    calls.forward(graph);
    calls.backward(graph, false);
    List<String> names = new ArrayList<>();
    calls.list().forEach(call -> names.add(call.name()));
    assertEquals(
        List.of(
            "linear", "linear", "cross_entropy", "linear dW", "linear dx", "relu dx", "linear dW"),
        names);
  }

  @Test
  void evaluationSavesNothingForABackwardPass() {
    Graph graph = new Graph(DType.F32, false);
    Value logits = mlp(graph, Activation.GELU);
    StepOps.crossEntropy(
        logits,
        graph.input("y", DType.I32, Shape.of(ROWS)),
        null,
        graph.input("state", DType.U8, Shape.of(8)),
        0,
        -1,
        1);
    Calls calls = new Calls();
    calls.forward(graph);
    assertTrue(calls.list().stream().allMatch(call -> call.writes().size() <= 1));
    assertTrue(calls.list().get(2).writes().isEmpty(), "a gradient of the logits");
  }

  @Test
  void shapesThatDoNotMatchAreRefused() {
    Graph graph = new Graph(DType.F32, true);
    Value x = x(graph);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> linear(graph, x, W2, B2, Activation.NONE))
            .getMessage();
    assertTrue(message.contains("[5, 7]") && message.contains("[3, 6]"), message);
    assertThrows(IllegalArgumentException.class, () -> linear(graph, x, W1, B2, Activation.NONE));
    assertThrows(IllegalArgumentException.class, () -> Ops.reshape(x, Shape.of(4, 9)));
    Value labels = graph.input("y", DType.I32, Shape.of(ROWS + 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> StepOps.crossEntropy(x, labels, null, labels, 0, -1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Graph(DType.I32, true));
  }
}
