package dev.halfstep.onnx;

import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;

/** Nodes that are functions of one or two elements. */
record ElementNodes(ImportedValues values) {

  void activation(OnnxNode node, Activation activation) {
    node.require(node.text("approximate", "none").equals("none"), "is approximate");
    String x = node.input(0);
    if (values.hasLast(x)) {
      values.putLast(node.output(), Ops.activation(values.ofLast(x), activation));
    } else {
      values.put(node.output(), Ops.activation(values.of(x), activation));
    }
  }

  /** Halfstep repeats the second operand only, so commuting operands are exchanged if need be. */
  void elementwise(OnnxNode node) {
    String a = node.input(0);
    String b = node.input(1);
    boolean commutes = !node.operator().equals("Sub") && !node.operator().equals("Div");
    if (commutes && isRepeated(a, b)) {
      String exchanged = a;
      a = b;
      b = exchanged;
    }
    ImportedTensor constant = values.constant(b);
    if (values.hasLast(a) && constant != null && constant.shape().elements() > 1) {
      Value x = values.ofLast(a);
      Shape channels = Shape.of(x.shape().dim(3));
      if (isPerChannel(constant.shape(), channels.dim(0))) {
        Value y = values.parameter(b, constant.as(channels));
        values.putLast(node.output(), apply(node, x, y));
        return;
      }
    }
    boolean images = values.hasLast(a) && values.hasLast(b);
    boolean one = constant != null && constant.shape().elements() == 1;
    if (images || (values.hasLast(a) && one)) {
      Value second = one ? values.of(b) : values.ofLast(b);
      values.putLast(node.output(), apply(node, values.ofLast(a), second));
    } else {
      ImportedTensor first = values.constant(a);
      Value y = values.of(b);
      Value x =
          first != null && first.isFloat() && first.values().length == 1
              ? Ops.constant(values.graph(), first.values()[0], y.shape())
              : values.of(a);
      values.put(node.output(), apply(node, x, y));
    }
  }

  /** Whether the first of two operands is the one to repeat: a constant, or the smaller one. */
  private boolean isRepeated(String a, String b) {
    boolean constant = values.constant(a) != null;
    if (constant != (values.constant(b) != null)) {
      return constant;
    }
    Shape first = shape(a);
    Shape second = shape(b);
    return first.rank() < second.rank()
        || (first.rank() == second.rank() && first.elements() < second.elements());
  }

  private Shape shape(String name) {
    return (values.hasLast(name) ? values.ofLast(name) : values.of(name)).shape();
  }

  /** Whether a shape is {@code [..., 1, channels, 1, 1]}. */
  private static boolean isPerChannel(Shape shape, long channels) {
    return shape.rank() >= 3 && shape.dim(-3) == channels && shape.elements() == channels;
  }

  private static Value apply(OnnxNode node, Value a, Value b) {
    return switch (node.operator()) {
      case "Add" -> Ops.add(a, b);
      case "Sub" -> Ops.subtract(a, b);
      case "Mul" -> Ops.multiply(a, b);
      case "Div" -> Ops.divide(a, b);
      case "Max" -> Ops.maximum(a, b);
      default -> Ops.minimum(a, b);
    };
  }
}
