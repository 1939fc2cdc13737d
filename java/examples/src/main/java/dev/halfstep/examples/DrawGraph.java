package dev.halfstep.examples;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Conv2dOp;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Operation;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import java.util.HashMap;
import java.util.Map;

/**
 * Walks the graph of a model and prints it in the language of Graphviz: {@code java ... | dot -Tsvg
 * > graph.svg}. An exporter walks it the same way, and reads the attributes of each operation.
 */
public final class DrawGraph {
  private final StringBuilder dot = new StringBuilder("digraph model {\n  node [shape=box];\n");
  private final Map<Value, String> nodes = new HashMap<>();

  private int drawn;

  private DrawGraph() {}

  public static void main(String[] args) {
    Model model =
        Model.of(
            Shape.of(28, 28, 1),
            Sequential.of(
                new Conv2d(8, 3),
                new ReLU(),
                new Residual(Sequential.of(new Conv2d(8, 3).padding(1), new BatchNorm())),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(10)));
    System.out.print(of(model));
  }

  /** The graph that predicts one sample. */
  static String of(Model model) {
    Graph graph = new Graph(DType.F32, false);
    Value x = graph.input("features", model.sampleType(), model.sampleShape().prepend(1));
    Value y = model.build(graph, x);
    DrawGraph drawing = new DrawGraph();
    for (Graph.Node node : graph.operations()) {
      drawing.add(node.operation(), node.layer());
    }
    drawing.dot.append("  output [shape=ellipse];\n");
    drawing.edge(y, "output");
    return drawing.dot.append("}\n").toString();
  }

  private void add(Operation operation, String layer) {
    String name = "op" + drawn++;
    String label = layer.isEmpty() ? operation.name() : layer + "\\n" + operation.name();
    if (operation instanceof Conv2dOp conv) {
      label += " " + conv.window().rows() + "x" + conv.window().columns();
      label += conv.activation() == Activation.NONE ? "" : ", " + conv.activation();
    }
    dot.append("  ").append(name).append(" [label=\"").append(label).append("\"];\n");
    for (Value input : operation.inputs()) {
      edge(input, name);
    }
    operation.outputs().forEach(output -> nodes.put(output, name));
  }

  /** An arrow to a node from the operation that makes a value, or from a parameter or input. */
  private void edge(Value from, String to) {
    String maker = nodes.get(from);
    if (maker == null) {
      maker = "in" + drawn++;
      nodes.put(from, maker);
      String shape = from.parameter().isPresent() ? "note" : "ellipse";
      dot.append("  ").append(maker).append(" [label=\"").append(from.name());
      dot.append("\", shape=").append(shape).append("];\n");
    }
    dot.append("  ").append(maker).append(" -> ").append(to);
    dot.append(" [label=\"").append(from.shape()).append("\"];\n");
  }
}
