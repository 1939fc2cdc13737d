package dev.halfstep.onnx;

import dev.halfstep.DType;
import dev.halfstep.graph.BatchNormOp;
import dev.halfstep.graph.GroupNormOp;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.SoftmaxOp;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;

/** Normalisations, and softmax with its masks. */
record NormalizationRules(OnnxGraph onnx, Values values, Rules rules) {
  /** Takes the place of masked scores: its exponential is 0 beside any other score. */
  private static final float LOWEST = -Float.MAX_VALUE;

  /** ONNX's BatchNormalization with the running statistics; residual and activation follow. */
  void batchNorm(BatchNormOp op) {
    List<String> inputs =
        List.of(
            values.of(op.x(), Layout.FIRST),
            values.of(op.gamma()),
            values.of(op.beta()),
            values.of(op.runningMean()),
            values.of(op.runningVariance()));
    Value residual = op.residual();
    if (residual == null) {
      rules.result(
          op.y(),
          Layout.FIRST,
          op.activation(),
          "BatchNormalization",
          inputs,
          Attributes.of("epsilon", op.eps()));
      return;
    }
    String normalized = onnx.node("BatchNormalization", inputs, Attributes.of("epsilon", op.eps()));
    List<String> sum = List.of(normalized, values.of(residual, Layout.FIRST));
    rules.result(op.y(), Layout.FIRST, op.activation(), "Add", sum);
  }

  /**
   * ONNX's LayerNormalization; or, for groups of channels, ONNX's InstanceNormalization of x {@code
   * [batch, groups, ...]}, then gamma and beta of each channel. (ONNX's GroupNormalization has a
   * gamma of each group before opset 21.)
   */
  void groupNorm(GroupNormOp op) {
    if (op.name().equals("layer_norm")) {
      rules.result(
          op.y(),
          Layout.LAST,
          Activation.NONE,
          "LayerNormalization",
          List.of(values.of(op.x()), values.of(op.gamma()), values.of(op.beta())),
          Attributes.of("axis", -1),
          Attributes.of("epsilon", op.eps()));
      return;
    }
    long groups = op.groups();
    String grouped =
        onnx.node(
            "Reshape",
            List.of(values.of(op.x(), Layout.FIRST), onnx.list(List.of(0L, groups, -1L))));
    String normalized =
        onnx.node(
            "InstanceNormalization",
            List.of(grouped, all(groups, 1), all(groups, 0)),
            Attributes.of("epsilon", op.eps()));
    String apart =
        onnx.node(
            "Reshape", List.of(normalized, values.target(values.extents(op.y(), Layout.FIRST))));
    int positions = Math.max(0, op.x().shape().rank() - 2);
    String scaled = onnx.node("Mul", List.of(apart, perChannel(op.gamma(), positions)));
    List<String> sum = List.of(scaled, perChannel(op.beta(), positions));
    rules.result(op.y(), Layout.FIRST, Activation.NONE, "Add", sum);
  }

  private String all(long count, float value) {
    return onnx.once(
        "all " + count + " " + value,
        () -> {
          float[] numbers = new float[(int) count];
          Arrays.fill(numbers, value);
          return onnx.constant(
              count + " times " + value,
              name -> Tensors.of(name, DType.F32, List.of(count), numbers));
        });
  }

  /** A value {@code [channels]} as {@code [channels, 1, ..., 1]}. */
  private String perChannel(Value value, int positions) {
    if (positions == 0) {
      return values.of(value);
    }
    List<Long> shape = new ArrayList<>(List.of(-1L));
    shape.addAll(Collections.nCopies(positions, 1L));
    return onnx.node("Reshape", List.of(values.of(value), onnx.list(shape)));
  }

  /**
   * ONNX's Softmax over the last dimension. Masked scores are replaced by the lowest number before
   * it; with padding a row may have nothing else, so masked results are set to 0 after it.
   */
  void softmax(SoftmaxOp op) {
    String x = values.of(op.x());
    if (op.scale() != 1) {
      x = onnx.node("Mul", List.of(x, onnx.number(op.scale())));
    }
    Padding padding = op.padding();
    List<String> masks = new ArrayList<>();
    if (op.causal()) {
      masks.add(causal(op.x().shape().dim(-2), op.x().shape().dim(-1)));
    }
    if (padding != null) {
      masks.add(notPadding(padding, op.x().shape().rank()));
    }
    String seen =
        masks.size() == 2
            ? onnx.once("mask " + masks, () -> onnx.node("And", masks))
            : String.join("", masks);
    if (!seen.isEmpty()) {
      x = onnx.node("Where", List.of(seen, x, onnx.number(LOWEST)));
    }
    if (padding == null) {
      rules.result(
          op.y(), Layout.LAST, Activation.NONE, "Softmax", List.of(x), Attributes.of("axis", -1));
      return;
    }
    String shares = onnx.node("Softmax", List.of(x), Attributes.of("axis", -1));
    List<String> kept = List.of(seen, shares, onnx.number(0));
    rules.result(op.y(), Layout.LAST, Activation.NONE, "Where", kept);
  }

  /** The keys that each query sees, BOOL {@code [queries, keys]}. */
  private String causal(long queries, long keys) {
    return onnx.once(
        "causal " + queries + " " + keys,
        () -> {
          boolean[] seen = new boolean[Math.toIntExact(queries * keys)];
          for (int i = 0; i < seen.length; i++) {
            seen[i] = i % keys <= i / keys + keys - queries;
          }
          return onnx.constant(
              "causal mask", name -> Tensors.of(name, List.of(queries, keys), seen));
        });
  }

  /** The keys that are not padding, BOOL {@code [batch, 1, ..., 1, keys]}. */
  private String notPadding(Padding padding, int rank) {
    String tokens = values.of(padding.tokens());
    return onnx.once(
        "padding " + tokens + " " + padding.token() + " " + rank,
        () -> {
          String token =
              onnx.constant("padding token", name -> Tensors.ofToken(name, padding.token()));
          String mask = onnx.node("Not", List.of(onnx.node("Equal", List.of(tokens, token))));
          List<Long> axes = LongStream.range(1, rank - 1).boxed().toList();
          return axes.isEmpty() ? mask : onnx.node("Unsqueeze", List.of(mask, onnx.list(axes)));
        });
  }
}
