package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.halfstep.DType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * An ONNX graph while it is made: nodes in the order of the computation, and constant tensors.
 * Everything in it is called by the name of the tensor that holds it, and no two have one name.
 */
final class OnnxGraph {
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("halfstep");
  private final Set<String> names = new HashSet<>();
  private final Map<String, String> made = new HashMap<>();
  private String layer = "";

  /** Sets the layer that the next nodes belong to: their names begin with it. */
  void enter(String path) {
    layer = path;
  }

  /** A name that nothing has yet: the wanted one, or it with a number. */
  String unique(String wanted) {
    String name = wanted;
    for (int i = 1; !names.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  /** Adds a node with one output, which gets a name; returns that. */
  String node(String operator, List<String> inputs, AttributeProto... attributes) {
    String output = unique(at(operator.toLowerCase(Locale.ROOT)));
    return nodeTo(output, operator, inputs, attributes);
  }

  /** Adds a node that gives its output this name, which {@link #unique} made; returns the name. */
  String nodeTo(String output, String operator, List<String> inputs, AttributeProto... attributes) {
    node(List.of(output), operator, inputs, attributes);
    return output;
  }

  /** Adds a node with several outputs. */
  void node(
      List<String> outputs, String operator, List<String> inputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setName(unique("node " + outputs.get(0)))
            .setOpType(operator)
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .addAllAttribute(List.of(attributes)));
  }

  /** The name of something in the current layer, before it is made unique. */
  String at(String name) {
    return layer.isEmpty() ? name : layer + "." + name;
  }

  /**
   * Adds a constant tensor.
   *
   * @param tensor makes it under the name that it is given
   * @return that name
   */
  String constant(String wanted, Function<String, TensorProto> tensor) {
    String name = unique(wanted);
    graph.addInitializer(tensor.apply(name));
    return name;
  }

  /** A constant number, F32, without dimensions. */
  String number(float value) {
    return once(
        "number " + Float.floatToIntBits(value),
        () -> constant("constant " + value, name -> Tensors.of(name, DType.F32, List.of(), value)));
  }

  /** A constant list of whole numbers, INT64. */
  String list(List<Long> values) {
    return once(
        "list " + values, () -> constant("list " + values, name -> Tensors.of(name, values)));
  }

  /** What was made under this key before, or is made now. */
  String once(String key, Supplier<String> make) {
    String before = made.get(key);
    if (before == null) {
      before = make.get();
      made.put(key, before);
    }
    return before;
  }

  /** The graph's message, to which inputs and outputs can be added. */
  GraphProto.Builder message() {
    return graph;
  }
}
