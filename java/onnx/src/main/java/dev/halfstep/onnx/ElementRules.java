package dev.halfstep.onnx;

import dev.halfstep.DType;
import dev.halfstep.graph.ActivationOp;
import dev.halfstep.graph.CastOp;
import dev.halfstep.graph.ConstantOp;
import dev.halfstep.graph.ElementwiseOp;
import dev.halfstep.graph.ScaleOp;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;

/** Functions of one or two elements, and constants. */
record ElementRules(OnnxGraph onnx, Values values, Rules rules) {

  void activation(ActivationOp op) {
    Layout layout = values.shared(List.of(op.x()));
    List<String> inputs = List.of(values.of(op.x(), layout));
    rules.result(op.y(), layout, Activation.NONE, Rules.operator(op.activation()), inputs);
  }

  void scale(ScaleOp op) {
    Layout layout = values.shared(List.of(op.x()));
    List<String> inputs = List.of(values.of(op.x(), layout), onnx.number(op.factor()));
    rules.result(op.y(), layout, Activation.NONE, "Mul", inputs);
  }

  /** ONNX repeats the second value over leading dimensions as Halfstep does. */
  void elementwise(ElementwiseOp op) {
    Value a = op.a();
    Value b = op.b();
    String operator =
        switch (op.kind()) {
          case ADD -> "Add";
          case SUBTRACT -> "Sub";
          case MULTIPLY -> "Mul";
          case DIVIDE -> "Div";
          case MAXIMUM -> "Max";
          case MINIMUM -> "Min";
        };
    boolean one = b.shape().elements() == 1;
    Layout layout =
        one
            ? values.shared(List.of(a))
            : b.shape().equals(a.shape()) ? values.shared(List.of(a, b)) : Layout.LAST;
    List<String> inputs = List.of(values.of(a, layout), values.of(b, one ? Layout.LAST : layout));
    rules.result(op.y(), layout, Activation.NONE, operator, inputs);
  }

  void cast(CastOp op) {
    values.cast(values.define(op.y(), Layout.LAST), values.of(op.x()), op.y().type());
  }

  void constant(ConstantOp op) {
    List<Extent> extents = values.extents(op.y(), Layout.LAST);
    if (op.values().size() == 1 && !extents.isEmpty()) {
      List<String> inputs = List.of(onnx.number(op.values().get(0)), values.sizes(extents));
      rules.result(op.y(), Layout.LAST, Activation.NONE, "Expand", inputs);
      return;
    }
    float[] numbers = new float[op.values().size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = op.values().get(i);
    }
    List<Long> shape = new ArrayList<>();
    extents.forEach(extent -> shape.add(extent.fixed()));
    String name =
        onnx.constant(onnx.at("constant"), key -> Tensors.of(key, DType.F32, shape, numbers));
    values.hold(op.y(), Layout.LAST, name);
  }
}
