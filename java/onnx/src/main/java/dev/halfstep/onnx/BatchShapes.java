package dev.halfstep.onnx;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Operation;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A model's graph with shapes for any batch size. Graphs of Halfstep have one batch size; an ONNX
 * graph serves all. So the model is built for three batch sizes: how an extent differs between the
 * first two says how it depends on the batch, and the third checks that. The three graphs must have
 * the same operations with the same attributes.
 */
final class BatchShapes {
  private static final long[] BATCHES = {2, 5, 3};

  private final List<Built> built = new ArrayList<>();
  private final Map<Value, List<Value>> others = new HashMap<>();

  /** The model's graph for one batch size. */
  private record Built(Graph graph, Map<String, Value> inputs, Map<String, Value> outputs) {}

  private BatchShapes() {}

  /**
   * Builds the graphs, which takes no memory for values.
   *
   * @throws IllegalArgumentException if they differ in more than their shapes
   */
  static BatchShapes of(Model model) {
    BatchShapes shapes = new BatchShapes();
    for (long batch : BATCHES) {
      shapes.built.add(build(model, batch));
    }
    shapes.match();
    return shapes;
  }

  private static Built build(Model model, long batch) {
    Graph graph = new Graph(DType.F32, false);
    Map<String, Value> inputs = new LinkedHashMap<>();
    for (ModelInput input : model.inputs()) {
      Shape shape = input.shape().prepend(batch);
      inputs.put(input.name(), graph.input(input.name(), input.type(), shape));
    }
    Map<String, Value> said = model.build(graph, inputs);
    Map<String, Value> outputs = new LinkedHashMap<>();
    model.outputs().keySet().forEach(name -> outputs.put(name, said.get(name)));
    return new Built(graph, inputs, outputs);
  }

  /** The operations in the order of the computation, with the layers that added them. */
  List<Graph.Node> operations() {
    return built.get(0).graph().operations();
  }

  /** The model's inputs by name, in order. */
  Map<String, Value> inputs() {
    return built.get(0).inputs();
  }

  /** The model's outputs by name, in order. */
  Map<String, Value> outputs() {
    return built.get(0).outputs();
  }

  /** The extents of a value of the graph. */
  List<Extent> extents(Value value) {
    List<Value> twins = others.get(value);
    List<Extent> extents = new ArrayList<>();
    for (int i = 0; i < value.shape().rank(); i++) {
      long first = value.shape().dim(i);
      long slope =
          twins == null ? 0 : (twins.get(0).shape().dim(i) - first) / (BATCHES[1] - BATCHES[0]);
      extents.add(new Extent(slope, first - slope * BATCHES[0]));
    }
    return extents;
  }

  /** Throws unless each extent of the value is a multiple of the batch size plus a constant. */
  private void requireExtents(String what, Value value) {
    List<Extent> extents = extents(value);
    List<Value> twins = others.getOrDefault(value, List.of());
    for (int graph = 0; graph < twins.size(); graph++) {
      for (int i = 0; i < extents.size(); i++) {
        Extent extent = extents.get(i);
        long wanted = extent.perSample() * BATCHES[graph + 1] + extent.fixed();
        if (twins.get(graph).shape().dim(i) != wanted) {
          throw new IllegalArgumentException(
              what
                  + " cannot be exported: dimension "
                  + i
                  + " of its result is not a multiple of the batch size plus a constant");
        }
      }
    }
  }

  /** Finds the value of the other graphs that corresponds to each value of the first one. */
  private void match() {
    for (Built other : built.subList(1, built.size())) {
      List<Graph.Node> nodes = other.graph().operations();
      if (nodes.size() != operations().size()) {
        throw different("the network", "has another number of operations");
      }
      inputs()
          .forEach((name, value) -> pair(value, Objects.requireNonNull(other.inputs().get(name))));
      for (int i = 0; i < nodes.size(); i++) {
        match(operations().get(i), nodes.get(i));
      }
    }
    for (Graph.Node node : operations()) {
      node.operation().outputs().forEach(y -> requireExtents(OnnxExport.describe(node), y));
    }
  }

  private void match(Graph.Node node, Graph.Node other) {
    Operation operation = node.operation();
    String what = OnnxExport.describe(node);
    if (operation.getClass() != other.operation().getClass()
        || operation.inputs().size() != other.operation().inputs().size()
        || operation.outputs().size() != other.operation().outputs().size()) {
      throw different(what, "is another operation");
    }
    requireSameAttributes(what, operation, other.operation());
    for (int i = 0; i < operation.outputs().size(); i++) {
      pair(operation.outputs().get(i), other.operation().outputs().get(i));
    }
  }

  private void pair(Value value, Value other) {
    if (value.shape().rank() != other.shape().rank()) {
      throw different(value.toString(), "has another number of dimensions");
    }
    others.computeIfAbsent(value, key -> new ArrayList<>()).add(other);
  }

  /**
   * Compares the components of two records that are not values of their graphs. Numbers of elements
   * and rows are {@code long} and may differ.
   */
  private static void requireSameAttributes(String what, Operation operation, Operation other) {
    for (RecordComponent component : operation.getClass().getRecordComponents()) {
      if (component.getType() != Value.class && component.getType() != long.class) {
        Object here = attribute(operation, component);
        Object there = attribute(other, component);
        if (!Objects.equals(here, there)) {
          throw different(what, "has another " + component.getName());
        }
      }
    }
  }

  private static Object attribute(Operation operation, RecordComponent component) {
    try {
      Object value = component.getAccessor().invoke(operation);
      if (value instanceof Padding padding) {
        return padding.token();
      }
      boolean values =
          value instanceof List<?> list && list.stream().anyMatch(Value.class::isInstance);
      return value == null || values ? "" : value;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("operations are public records", e);
    }
  }

  private static IllegalArgumentException different(String what, String how) {
    return new IllegalArgumentException(
        what
            + " "
            + how
            + " with a batch of "
            + BATCHES[1]
            + " than with a batch of "
            + BATCHES[0]
            + ": an ONNX file holds one graph for all batch sizes");
  }
}
