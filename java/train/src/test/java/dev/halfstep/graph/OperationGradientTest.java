package dev.halfstep.graph;

import static dev.halfstep.graph.GradientCases.A;
import static dev.halfstep.graph.GradientCases.BETA;
import static dev.halfstep.graph.GradientCases.VECTOR;
import static dev.halfstep.graph.GradientCases.made;
import static dev.halfstep.graph.GradientCases.read;
import static dev.halfstep.graph.OperationBench.parameter;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares the gradients of every operation with central differences. */
class OperationGradientTest {
  @ParameterizedTest
  @MethodSource("dev.halfstep.graph.GradientCases#cases")
  void areThoseOfCentralDifferences(GradientCases.Case tested) {
    try (OperationBench bench = new OperationBench(DType.F32, tested.network(), tested.inputs())) {
      bench.assertGradients();
    }
  }

  @ParameterizedTest
  @MethodSource("dev.halfstep.graph.GradientCases#cases")
  void areNearInHalfStorage(GradientCases.Case tested) {
    for (DType storage : List.of(DType.BF16, DType.F16)) {
      try (OperationBench full = new OperationBench(DType.F32, tested.network(), tested.inputs());
          OperationBench half = new OperationBench(storage, tested.network(), tested.inputs())) {
        float[] values = full.values();
        OperationBench.Result expected = full.train(values);
        OperationBench.Result actual = half.train(values);
        double bound = storage == DType.BF16 ? 0.1 : 0.012;
        for (int i = 0; i < values.length; i++) {
          double gradient = expected.gradients()[i];
          double norm = Math.max(1, largest(expected.gradients()));
          if (!Double.isNaN(gradient)) {
            assertEquals(gradient, actual.gradients()[i], bound * norm, storage + " " + i);
          }
        }
        // The sum of all values is nearly 0, and exactly 0 in some orders of summation.
        boolean same =
            Arrays.equals(expected.output(), actual.output())
                && Arrays.equals(expected.gradients(), actual.gradients());
        assertFalse(same, "storage had no effect");
      }
    }
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Float.isNaN(value) ? 0 : Math.abs(value));
    }
    return largest;
  }

  @Test
  void theGradientOfATableSumsOverTheTokensPlaces() {
    int[] tokens = {3, 0, 3, 6, 3, 0, 1};
    Parameter table = parameter("table", 7, 5);
    Function<Graph, Value> network =
        g -> {
          Value input = g.input("tokens", DType.I32, Shape.of(7));
          return Ops.activation(Ops.embedding(read(g, table), input), Activation.TANH);
        };
    Function<Graph, Value> computed =
        g -> Ops.embedding(made(g, table), g.input("tokens", DType.I32, Shape.of(7)));
    Function<Graph, Value> twice =
        g -> {
          Value input = g.input("tokens", DType.I32, Shape.of(7));
          Value product =
              Ops.matmul(Ops.embedding(read(g, table), input), read(g, table), false, true, 1);
          return Ops.add(product, Ops.scale(product, 0.5f));
        };
    for (Function<Graph, Value> each : List.of(network, computed, twice)) {
      try (OperationBench bench = new OperationBench(DType.F32, tokens, each, table)) {
        bench.assertGradients();
      }
    }
  }

  @Test
  void theCrossEntropyOfRowsHasTheSlopeOfEachRow() {
    int[] labels = {2, 0, 4, 4, 1, 3};
    Function<Graph, Value> rows =
        g -> {
          Value input = g.input("tokens", DType.I32, Shape.of(6));
          return Ops.crossEntropyRows(Ops.reshape(made(g, A), Shape.of(6, 5)), input);
        };
    Function<Graph, Value> focal =
        g -> {
          Value loss = rows.apply(g);
          Value wrong =
              Ops.subtract(Ops.constant(g, 1, loss.shape()), Ops.exp(Ops.scale(loss, -1)));
          return Ops.multiply(Ops.multiply(wrong, wrong), loss);
        };
    for (Function<Graph, Value> each : List.of(rows, focal)) {
      try (OperationBench bench = new OperationBench(DType.F32, labels, each, A)) {
        bench.assertGradients();
        float[] values = bench.values();
        float[] output = bench.evaluate(values).output();
        double[] a = bench.part(values, "a");
        for (int row = 0; row < labels.length; row++) {
          double sum = 0;
          for (int c = 0; c < 5; c++) {
            sum += Math.exp(Math.tanh(a[row * 5 + c]));
          }
          double loss = Math.log(sum) - Math.tanh(a[row * 5 + labels[row]]);
          double wrong = 1 - Math.exp(-loss);
          assertEquals(
              each.equals(rows) ? loss : wrong * wrong * loss, output[row], 2e-6, "row " + row);
        }
      }
    }
  }

  @Test
  void binaryCrossEntropyHasTheSlopeOfItsLoss() {
    Function<Graph, Value> network =
        g -> {
          Value x = made(g, A);
          Value target = g.input("target", DType.F32, A.shape());
          StepOps.pointwiseLoss(PointwiseLossOp.Kind.BINARY_CROSS_ENTROPY, x, target, saved(g), 1);
          return Ops.scale(x, 0);
        };
    try (OperationBench bench = new OperationBench(DType.F32, network, A)) {
      bench.assertGradients();
    }
  }

  private static Value saved(Graph graph) {
    Value state = graph.state();
    if (state == null) {
      throw new AssertionError("no state");
    }
    return state;
  }

  @Test
  void whatIsFrozenHasNoGradientAndTheRestHasThem() {
    Parameter frozen = VECTOR.as(Parameter.Role.FROZEN);
    Parameter weight = parameter("weight", 4, 5).as(Parameter.Role.FROZEN);
    Parameter bias = parameter("bias", 4);
    Parameter filter = parameter("filter", 4, 1, 1, 4).as(Parameter.Role.FROZEN);
    Function<Graph, Value> network =
        g -> {
          Value once = Ops.layerNorm(made(g, A), read(g, frozen), read(g, BETA), 1e-5f);
          Value y = Ops.linear(once, read(g, weight), read(g, bias), Activation.GELU);
          Value image = Ops.reshape(y, Shape.of(2, 3, 1, 4));
          return Ops.conv2d(
              image, read(g, filter), read(g, bias), Window.of(1, 1), Activation.GELU);
        };
    try (OperationBench bench =
        new OperationBench(DType.F32, network, A, frozen, BETA, weight, bias, filter)) {
      bench.assertGradients();
    }
  }

  @Test
  void laterContributionsAreAddedInAFixedOrder() {
    Function<Graph, Value> network =
        g -> {
          Value x = made(g, A);
          Value sum = Ops.scale(x, 1);
          for (int i = 2; i < 6; i++) {
            sum = Ops.add(sum, Ops.scale(x, 1f / i));
          }
          return sum;
        };
    try (OperationBench bench = new OperationBench(DType.F32, network, A)) {
      float[] values = bench.values();
      float[] gradients = bench.train(values).gradients();
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(gradients, bench.train(values).gradients());
      }
    }
  }
}
