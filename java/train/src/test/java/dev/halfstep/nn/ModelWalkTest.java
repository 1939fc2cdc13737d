package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.ActivationOp;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** A caller can walk a model: its layers as a tree, and the operations of its graph. */
class ModelWalkTest {
  private static Model model() {
    Layer own = (scope, x) -> Ops.tanh(scope.apply("fc", new Linear(4), x));
    return Model.of(
        Shape.of(3),
        Sequential.of(new Linear(4), new ReLU())
            .then("own", own)
            .then(new Residual(Sequential.of(new Linear(2)), new Linear(2, false))));
  }

  @Test
  void theTableHasALineForEachLayerWithWhatItMakesAndItsParameters() {
    String expected =
        """
        Sequential             [2]  54
          0: Linear(4)         [4]  16
          1: ReLU              [4]   0
          own: function        [4]  20
            fc: Linear(4)      [4]  20
          3: Residual          [2]  18
            Sequential         [2]  18
              0: Linear(2)     [2]  10
            shortcut: Linear(2, no bias)  [2]   8
        54 parameters, samples [3] to [2]\
        """;
    assertEquals(squeezed(expected), squeezed(model().toString()));
    assertEquals(
        1, model().toString().lines().limit(9).map(String::length).distinct().count(), "aligned");
  }

  /** The table with its indentation, but with single spaces between columns. */
  private static String squeezed(String table) {
    return table.replaceAll("(?<=\\S) +", " ");
  }

  @Test
  void layersNameTheirChildren() {
    Model model = model();
    assertEquals(List.of("0", "1", "own", "3"), List.copyOf(model.layer().children().keySet()));
    Layer residual = model.layer().children().get("3");
    assertEquals(List.of("", "shortcut"), List.copyOf(residual.children().keySet()));
    assertTrue(new Linear(3).children().isEmpty());
    assertThrows(UnsupportedOperationException.class, () -> model.layer().children().remove("0"));
  }

  @Test
  void operationsNameTheirInputsOutputsAndLayers() {
    Model model = model();
    Graph graph = new Graph(DType.F32, false);
    Value x = graph.input("features", DType.F32, Shape.of(5, 3));
    Value y = model.build(graph, x);
    List<Graph.Node> nodes = graph.operations();
    assertEquals(
        List.of(
            "0 linear", "own.fc linear", "own tanh", "3.shortcut linear", "3.0 linear", "3 add"),
        nodes.stream().map(node -> node.layer() + " " + node.operation().name()).toList());
    assertEquals(List.of(y), nodes.get(5).operation().outputs());
    Value first = nodes.get(0).operation().outputs().get(0);
    assertEquals(x, nodes.get(0).operation().inputs().get(0));
    assertEquals(first, nodes.get(1).operation().inputs().get(0));
    assertEquals(Optional.empty(), x.parameter());
    assertEquals(Optional.empty(), first.parameter());
    assertEquals(
        List.of("0.weight", "0.bias"),
        nodes.get(0).operation().inputs().stream()
            .map(Value::parameter)
            .flatMap(Optional::stream)
            .map(Parameter::name)
            .toList());
    assertEquals(Activation.TANH, ((ActivationOp) nodes.get(2).operation()).activation());
    assertThrows(UnsupportedOperationException.class, () -> nodes.remove(0));
  }

  @Test
  void everyInputOfAnOperationIsMadeBeforeIt() {
    Function<Integer, Layer> block =
        heads -> new Residual(Sequential.of(new LayerNorm(), new MultiHeadAttention(heads, true)));
    Model model =
        Model.ofTokens(
            Shape.of(6),
            Sequential.of(
                new Embedding(9, 8).padding(0),
                new PositionEmbedding(6),
                block.apply(2),
                new GlobalAveragePool(),
                new Linear(3)));
    Graph graph = new Graph(DType.F32, false);
    Value tokens = graph.input("features", DType.I32, Shape.of(2, 6));
    model.build(graph, tokens);
    List<Value> made = new ArrayList<>(List.of(tokens));
    for (Graph.Node node : graph.operations()) {
      for (Value input : node.operation().inputs()) {
        assertTrue(made.contains(input) || input.parameter().isPresent(), node + " reads " + input);
      }
      made.addAll(node.operation().outputs());
    }
  }
}
