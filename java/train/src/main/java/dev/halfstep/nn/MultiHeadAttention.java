package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.List;

/**
 * Self-attention with several heads (Vaswani et al., 2017) of x {@code [batch, positions, width]},
 * with the parameters of PyTorch's {@code MultiheadAttention}: {@code in_proj_weight} {@code [3 *
 * width, width]} projects x to queries, keys and values, {@code out_proj.weight} {@code [width,
 * width]} joins the heads, and both have a bias. Padding positions (see {@link Embedding#padding})
 * get no weight.
 */
public final class MultiHeadAttention implements Layer {
  private final int heads;
  private final boolean causal;

  /**
   * A layer of {@code heads} heads.
   *
   * @param heads the number of heads, which divides the width
   * @param causal whether a position attends only to itself and to earlier positions
   * @throws IllegalArgumentException if heads is not positive
   */
  public MultiHeadAttention(int heads, boolean causal) {
    if (heads < 1) {
      throw new IllegalArgumentException("attention has at least 1 head, not " + heads);
    }
    this.heads = heads;
    this.causal = causal;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() != 3 || x.shape().dim(2) % heads != 0) {
      throw scope
          .graph()
          .refusal(
              "attention takes [batch, positions, width] with a width that "
                  + heads
                  + " heads divide, not "
                  + x.shape());
    }
    Padding padding = scope.padding();
    if (padding != null
        && !padding.tokens().shape().equals(Shape.of(x.shape().dim(0), x.shape().dim(1)))) {
      throw scope
          .graph()
          .refusal(
              "attention over "
                  + x.shape()
                  + " has other positions than the tokens "
                  + padding.tokens().shape()
                  + ", some of which are padding");
    }
    long batch = x.shape().dim(0);
    long positions = x.shape().dim(1);
    long width = x.shape().dim(2);
    long head = width / heads;
    Value projected = projection(scope, x);
    Value apart =
        Ops.permute(
            Ops.reshape(projected, Shape.of(batch, positions, 3, heads, head)), 2, 0, 3, 1, 4);
    List<Value> parts = Ops.split(apart, 0, 1, 1, 1);
    Shape perHead = Shape.of(batch, heads, positions, head);
    Value queries = Ops.reshape(parts.get(0), perHead);
    Value keys = Ops.reshape(parts.get(1), perHead);
    Value values = Ops.reshape(parts.get(2), perHead);
    Value scores = Ops.matmul(queries, keys, false, true, 1);
    float scale = (float) (1 / Math.sqrt((double) head));
    Value shares = Ops.softmax(scores, scale, causal, padding);
    Value seen = Ops.permute(Ops.matmul(shares, values), 0, 2, 1, 3);
    Value joined = Ops.reshape(seen, x.shape());
    return scope.apply("out_proj", this::join, joined);
  }

  /**
   * Computes queries, keys and values in one product, with Glorot and Bengio's uniform initial
   * weights, as PyTorch does.
   */
  private static Value projection(Scope scope, Value x) {
    long width = x.shape().dim(2);
    float bound = (float) Math.sqrt(6.0 / (4.0 * width));
    return Ops.linear(
        x,
        scope.parameter(
            "in_proj_weight", Shape.of(3 * width, width), new Initializer.Uniform(-bound, bound)),
        scope.parameter("in_proj_bias", Shape.of(3 * width), new Initializer.Constant(0)),
        Activation.NONE);
  }

  private Value join(Scope scope, Value x) {
    long width = x.shape().dim(2);
    return Ops.linear(
        x,
        scope.parameter("weight", Shape.of(width, width), Initializer.fanIn(width)),
        scope.parameter("bias", Shape.of(width), new Initializer.Constant(0)),
        Activation.NONE);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("MultiHeadAttention").with("heads", heads).with("causal", causal);
  }

  /** Reads what {@link #spec} wrote. */
  static MultiHeadAttention of(LayerSpec spec) {
    return new MultiHeadAttention(spec.wholeInt("heads", 1), spec.flag("causal"));
  }

  @Override
  public String toString() {
    return "MultiHeadAttention(" + heads + (causal ? " heads, causal)" : " heads)");
  }
}
