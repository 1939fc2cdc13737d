package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/** Which operations of Halfstep each node of an ONNX graph becomes. */
final class NodeRules {
  private final Map<String, Consumer<OnnxNode>> rules = new HashMap<>();
  private final ImportedValues values;

  NodeRules(ImportedValues values) {
    this.values = values;
    ElementNodes elements = new ElementNodes(values);
    for (Activation activation : Activation.values()) {
      rules.put(Rules.operator(activation), node -> elements.activation(node, activation));
    }
    for (String operator : List.of("Add", "Sub", "Mul", "Div", "Max", "Min")) {
      rules.put(operator, elements::elementwise);
    }
    ImageNodes images = new ImageNodes(values);
    rules.put("Conv", images::conv2d);
    rules.put("MaxPool", images::pool2d);
    rules.put("AveragePool", images::pool2d);
    rules.put("GlobalAveragePool", images::globalAveragePool);
    rules.put("BatchNormalization", images::batchNorm);
    rules.put("Gemm", this::gemm);
    rules.put("MatMul", this::matmul);
    rules.put("Gather", this::embedding);
    rules.put("LayerNormalization", this::layerNorm);
    rules.put("Softmax", this::softmax);
    LayoutNodes layout = new LayoutNodes(values);
    rules.put("ReduceSum", layout::reduce);
    rules.put("ReduceMean", layout::reduce);
    rules.put("ReduceMax", layout::reduce);
    rules.put("Reshape", layout::reshape);
    rules.put("Flatten", layout::flatten);
    rules.put("Transpose", layout::transpose);
    rules.put("Concat", layout::concat);
    rules.put("Split", layout::split);
  }

  /**
   * Adds the operations of a node.
   *
   * @throws IllegalArgumentException if it is not read; the message names it
   */
  void add(NodeProto proto) {
    OnnxNode node = new OnnxNode(proto);
    Consumer<OnnxNode> rule = rules.get(node.operator());
    if (rule == null || !proto.getDomain().isEmpty()) {
      throw node.refusal("has an operator that is not read");
    }
    String before = values.graph().enter(proto.getName());
    try {
      rule.accept(node);
    } finally {
      values.graph().enter(before);
    }
  }

  private void gemm(OnnxNode node) {
    node.require(
        node.number("alpha", 1) == 1 && node.number("beta", 1) == 1 && node.whole("transA", 0) == 0,
        "has alpha, beta or transA");
    Value weight = matrix(node, node.input(1), node.whole("transB", 0) == 1);
    Value bias = null;
    if (node.hasInput(2)) {
      ImportedTensor constant = values.constant(node.input(2));
      Shape out = Shape.of(weight.shape().dim(0));
      bias =
          constant != null && constant.shape().elements() == out.elements()
              ? values.parameter(node.input(2), constant.as(out))
              : values.of(node.input(2));
    }
    values.put(node.output(), Ops.linear(values.of(node.input(0)), weight, bias));
  }

  private void matmul(OnnxNode node) {
    Value a = values.of(node.input(0));
    ImportedTensor constant = values.constant(node.input(1));
    values.put(
        node.output(),
        constant != null && constant.shape().rank() == 2
            ? Ops.linear(a, matrix(node, node.input(1), false), null)
            : Ops.matmul(a, values.of(node.input(1))));
  }

  /** Weights {@code [out, in]} from a matrix {@code [out, in]}, or the other way round. */
  private Value matrix(OnnxNode node, String name, boolean outFirst) {
    ImportedTensor constant = values.constant(name);
    if (constant == null) {
      return outFirst ? values.of(name) : Ops.permute(values.of(name), 1, 0);
    }
    node.require(constant.isFloat() && constant.shape().rank() == 2, "has weights of no matrix");
    return values.parameter(name, outFirst ? constant : constant.transposed());
  }

  private void embedding(OnnxNode node) {
    ImportedTensor table = values.constant(node.input(0));
    node.require(
        table != null && table.isFloat() && table.shape().rank() == 2 && node.whole("axis", 0) == 0,
        "is read only as a lookup of rows in a constant table");
    Value rows = Ops.embedding(values.of(node.input(0)), values.of(node.input(1)));
    values.put(node.output(), rows);
  }

  private void layerNorm(OnnxNode node) {
    Value x = values.of(node.input(0));
    long axis = node.whole("axis", -1);
    node.require(axis == -1 || axis == x.shape().rank() - 1, "is not over the last dimension");
    node.require(node.hasInput(2), "has no bias");
    Value gamma = values.of(node.input(1));
    Value beta = values.of(node.input(2));
    values.put(node.output(), Ops.layerNorm(x, gamma, beta, node.number("epsilon", 1e-5f)));
  }

  private void softmax(OnnxNode node) {
    Value x = values.of(node.input(0));
    long axis = node.whole("axis", -1);
    node.require(axis == -1 || axis == x.shape().rank() - 1, "is not over the last dimension");
    values.put(node.output(), Ops.softmax(x));
  }

  /** The dimensions that a list of ONNX means, negative ones counted from the end. */
  static int[] axes(List<Long> given, int rank) {
    return given.stream()
        .mapToInt(axis -> (int) (axis < 0 ? axis + rank : axis))
        .sorted()
        .toArray();
  }

  /** All dimensions of a rank. */
  static List<Long> all(int rank) {
    return LongStream.range(0, rank).boxed().toList();
  }
}
