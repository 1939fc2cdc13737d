package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.halfstep.DType;
import dev.halfstep.graph.ActivationOp;
import dev.halfstep.graph.BatchNormOp;
import dev.halfstep.graph.CastOp;
import dev.halfstep.graph.ConcatOp;
import dev.halfstep.graph.ConstantOp;
import dev.halfstep.graph.Conv2dOp;
import dev.halfstep.graph.ElementwiseOp;
import dev.halfstep.graph.EmbeddingOp;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.GroupNormOp;
import dev.halfstep.graph.LinearOp;
import dev.halfstep.graph.MatmulOp;
import dev.halfstep.graph.Operation;
import dev.halfstep.graph.PermuteOp;
import dev.halfstep.graph.Pool2dOp;
import dev.halfstep.graph.ReduceOp;
import dev.halfstep.graph.ReshapeOp;
import dev.halfstep.graph.ResizeOp;
import dev.halfstep.graph.ScaleOp;
import dev.halfstep.graph.SoftmaxOp;
import dev.halfstep.graph.SplitOp;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Which ONNX nodes each operation of a Halfstep graph becomes. */
final class Rules {
  private final Map<Class<? extends Operation>, Consumer<Operation>> rules = new HashMap<>();
  private final OnnxGraph onnx;
  private final Values values;

  Rules(OnnxGraph onnx, Values values) {
    this.onnx = onnx;
    this.values = values;
    ProductRules products = new ProductRules(onnx, values, this);
    on(LinearOp.class, products::linear);
    on(MatmulOp.class, products::matmul);
    on(EmbeddingOp.class, products::embedding);
    ImageRules images = new ImageRules(values, this);
    on(Conv2dOp.class, images::conv2d);
    on(Pool2dOp.class, images::pool2d);
    on(ResizeOp.class, images::resize);
    NormalizationRules normalization = new NormalizationRules(onnx, values, this);
    on(BatchNormOp.class, normalization::batchNorm);
    on(GroupNormOp.class, normalization::groupNorm);
    on(SoftmaxOp.class, normalization::softmax);
    ElementRules elements = new ElementRules(onnx, values, this);
    on(ActivationOp.class, elements::activation);
    on(ElementwiseOp.class, elements::elementwise);
    on(ScaleOp.class, elements::scale);
    on(CastOp.class, elements::cast);
    on(ConstantOp.class, elements::constant);
    LayoutRules layout = new LayoutRules(onnx, values);
    on(ReduceOp.class, layout::reduce);
    on(ReshapeOp.class, layout::reshape);
    on(PermuteOp.class, layout::permute);
    on(ConcatOp.class, layout::concat);
    on(SplitOp.class, layout::split);
  }

  private <T extends Operation> void on(Class<T> kind, Consumer<T> rule) {
    rules.put(kind, operation -> rule.accept(kind.cast(operation)));
  }

  /** Whether operations of this class can be exported. */
  boolean know(Class<?> operation) {
    return rules.containsKey(operation);
  }

  /**
   * Adds the nodes of an operation.
   *
   * @throws IllegalArgumentException if ONNX or ONNX Runtime has nothing for it; the message names
   *     the layer
   */
  void add(Graph.Node node) {
    Operation operation = node.operation();
    Consumer<Operation> rule = rules.get(operation.getClass());
    if (rule == null) {
      throw new IllegalArgumentException(
          OnnxExport.describe(node)
              + " cannot be exported: it belongs to training, not to a network that predicts");
    }
    if (!(operation instanceof CastOp)) {
      Stream.concat(operation.inputs().stream(), operation.outputs().stream())
          .forEach(value -> requireKnownType(node, value));
    }
    onnx.enter(node.layer());
    rule.accept(operation);
  }

  private static void requireKnownType(Graph.Node node, Value value) {
    if (value.type() != DType.F32 && value.type() != DType.I32) {
      throw new IllegalArgumentException(
          OnnxExport.describe(node)
              + " cannot be exported: it computes in "
              + value.type()
              + ", for which ONNX Runtime has no kernel on the CPU. Cast the value back to F32"
              + " before");
    }
  }

  /** Adds the node, and the activation after it, that compute a value in this layout. */
  void result(
      Value value,
      Layout layout,
      Activation activation,
      String operator,
      List<String> inputs,
      AttributeProto... attributes) {
    if (activation == Activation.NONE) {
      onnx.nodeTo(values.define(value, layout), operator, inputs, attributes);
    } else {
      String before = onnx.node(operator, inputs, attributes);
      onnx.nodeTo(values.define(value, layout), operator(activation), List.of(before));
    }
  }

  /** The ONNX operator of a function of one element. */
  static String operator(Activation activation) {
    return switch (activation) {
      case NONE -> "Identity";
      case RELU -> "Relu";
      case GELU -> "Gelu";
      case SIGMOID -> "Sigmoid";
      case TANH -> "Tanh";
      case ABS -> "Abs";
      case SQRT -> "Sqrt";
      case EXP -> "Exp";
      case LOG -> "Log";
    };
  }
}
