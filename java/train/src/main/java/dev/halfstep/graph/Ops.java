package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a graph: each method checks its arguments, adds one {@link Operation} to the
 * graph that they belong to, and returns its output. The backward pass is derived from the
 * operations.
 *
 * <p>Functions of two values take a second value of the first one's shape, or repeat a smaller one:
 * it may lack leading dimensions, or have 1 there, as a bias {@code [channels]} does for {@code
 * [batch, channels]}. A shape such as {@code [batch, 1]} does not repeat over {@code [batch,
 * channels]}, and the first value never repeats: {@link #constant(Graph, float, Shape)} makes one
 * of full shape. The result has the type of the first value.
 *
 * <p>All of them throw {@link IllegalArgumentException} for shapes or types that they do not take.
 * The message names the layer that is being built, and what was given. {@link StepOps} has the
 * operations that need the state of a training step: data and losses.
 */
public final class Ops {
  private Ops() {}

  // ---- constants ----

  /**
   * A number to calculate with, F32 {@code []}: as the second value of {@link #add} and the like it
   * is used for all elements.
   */
  public static Value constant(Graph graph, float value) {
    return ConstantOp.of(graph, Shape.of(), value);
  }

  /**
   * A value of this shape whose elements are all the same number, F32: for the first value of
   * {@link #divide}, for example.
   */
  public static Value constant(Graph graph, float value, Shape shape) {
    return ConstantOp.of(graph, shape, value);
  }

  /**
   * A small array, F32. Each run of equal values costs one short kernel call per step.
   *
   * @param values of the elements, the last dimension fastest; at most 256
   * @throws IllegalArgumentException if the number of values is not the shape's (or 1), or is above
   *     256
   */
  public static Value constant(Graph graph, Shape shape, float... values) {
    return ConstantOp.of(graph, shape, values);
  }

  // ---- products ----

  /** {@link #linear(Value, Value, Value, Activation)} without an activation. */
  public static Value linear(Value x, Value weight, @Nullable Value bias) {
    return LinearOp.of(x, weight, bias, Activation.NONE);
  }

  /**
   * y = activation(x W^T + b) over the last dimension.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}, of x's type
   * @param bias {@code F32 [out]}, or null
   * @param activation NONE, RELU or GELU
   * @return {@code [..., out]}
   */
  public static Value linear(Value x, Value weight, @Nullable Value bias, Activation activation) {
    return LinearOp.of(x, weight, bias, activation);
  }

  /** {@link #conv2d(Value, Value, Value, Window, Activation)} without an activation. */
  public static Value conv2d(Value x, Value weight, @Nullable Value bias, Window window) {
    return Conv2dOp.of(x, weight, bias, window, Activation.NONE);
  }

  /**
   * y = activation(conv(x, W) + b), a cross-correlation. The number of groups follows from the
   * shapes.
   *
   * @param x {@code [batch, height, width, in]}
   * @param weight {@code [out, rows, columns, in / groups]}, of x's type
   * @param bias {@code F32 [out]}, or null
   * @param window of {@code rows} and {@code columns}
   * @param activation NONE, RELU or GELU
   * @return {@code [batch, places down, places across, out]}
   */
  public static Value conv2d(
      Value x, Value weight, @Nullable Value bias, Window window, Activation activation) {
    return Conv2dOp.of(x, weight, bias, window, activation);
  }

  /** y = a b, matrix by matrix: a {@code [..., m, k]}, b {@code [..., k, n]}. */
  public static Value matmul(Value a, Value b) {
    return MatmulOp.of(a, b, false, false, 1);
  }

  /**
   * y = alpha op(a) op(b), matrix by matrix, with equal leading dimensions.
   *
   * @param a {@code [..., m, k]}, or {@code [..., k, m]} where it is transposed
   * @param b {@code [..., k, n]}, or {@code [..., n, k]} where it is transposed; of a's type
   * @return {@code [..., m, n]}
   */
  public static Value matmul(
      Value a, Value b, boolean transposeA, boolean transposeB, float alpha) {
    return MatmulOp.of(a, b, transposeA, transposeB, alpha);
  }

  /**
   * Looks up the table row of each token. A token outside the table gives zeros, and an error in
   * the step's state if the graph has one.
   *
   * @param table {@code [vocabulary, width]}
   * @param tokens {@code I32 [...]}
   * @return {@code [..., width]}
   */
  public static Value embedding(Value table, Value tokens) {
    return EmbeddingOp.of(table, tokens);
  }

  // ---- losses of samples, for losses of one's own ----

  /**
   * The softmax cross-entropy of each row: -log of the probability that the logits give to the
   * label.
   *
   * @param logits {@code F32 [..., classes]}
   * @param labels {@code I32 [...]}
   * @return {@code F32 [...]}
   */
  public static Value crossEntropyRows(Value logits, Value labels) {
    return CrossEntropyRowsOp.of(logits, labels);
  }

  // ---- functions of two values ----

  /** a + b, element for element; b may repeat. */
  public static Value add(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.ADD, a, b);
  }

  /** a - b, element for element; b may repeat. */
  public static Value subtract(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.SUBTRACT, a, b);
  }

  /** a * b, element for element; b may repeat. */
  public static Value multiply(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.MULTIPLY, a, b);
  }

  /**
   * a / b, element for element; b may repeat. Division by 0 gives an infinity, or NaN for 0 / 0.
   */
  public static Value divide(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.DIVIDE, a, b);
  }

  /**
   * The larger of a and b, element for element; b may repeat. NaN where either is NaN. The gradient
   * goes to the larger one, and half to each where they are equal, as in PyTorch.
   */
  public static Value maximum(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.MAXIMUM, a, b);
  }

  /**
   * The smaller of a and b, element for element; b may repeat. NaN where either is NaN. The
   * gradient goes to the smaller one, and half to each where they are equal, as in PyTorch.
   */
  public static Value minimum(Value a, Value b) {
    return ElementwiseOp.of(ElementwiseOp.Kind.MINIMUM, a, b);
  }

  // ---- functions of one value ----

  /** activation(x), element for element; {@link Activation#NONE} gives x itself. */
  public static Value activation(Value x, Activation activation) {
    return ActivationOp.of(x, activation);
  }

  /** max(x, 0). */
  public static Value relu(Value x) {
    return ActivationOp.of(x, Activation.RELU);
  }

  /** x Phi(x), exact, with erf. */
  public static Value gelu(Value x) {
    return ActivationOp.of(x, Activation.GELU);
  }

  /** 1 / (1 + e^-x). */
  public static Value sigmoid(Value x) {
    return ActivationOp.of(x, Activation.SIGMOID);
  }

  /** The hyperbolic tangent. */
  public static Value tanh(Value x) {
    return ActivationOp.of(x, Activation.TANH);
  }

  /** |x|; its slope at 0 is 0. */
  public static Value abs(Value x) {
    return ActivationOp.of(x, Activation.ABS);
  }

  /** The square root: NaN below 0. Its slope at 0 is infinite: add a small number before. */
  public static Value sqrt(Value x) {
    return ActivationOp.of(x, Activation.SQRT);
  }

  /** e^x. */
  public static Value exp(Value x) {
    return ActivationOp.of(x, Activation.EXP);
  }

  /** The natural logarithm: -infinity at 0, NaN below. */
  public static Value log(Value x) {
    return ActivationOp.of(x, Activation.LOG);
  }

  /** factor * x. */
  public static Value scale(Value x, float factor) {
    return ScaleOp.of(x, factor);
  }

  /**
   * x converted to another type, such as a parameter {@code F32 [channels]} to the graph's storage
   * type; x itself if it has the type already.
   *
   * @param type F32, BF16 or F16; x must have one of these too
   */
  public static Value cast(Value x, DType type) {
    return CastOp.of(x, type);
  }

  /**
   * In training, y = x / (1 - rate) for the elements that are kept and 0 for the others (Srivastava
   * et al., 2014). Outside training, and at rate 0, returns x itself.
   *
   * @param rate the share of the elements that is dropped, in [0, 1)
   * @throws IllegalStateException if the graph is for training, but not part of a step
   */
  public static Value dropout(Value x, double rate) {
    return DropoutOp.of(x, rate);
  }

  // ---- normalisation ----

  /**
   * {@link #softmax(Value, float, boolean, Padding)} with a scale of 1, not causal, without
   * padding.
   */
  public static Value softmax(Value x) {
    return SoftmaxOp.of(x, 1, false, null);
  }

  /**
   * y = softmax(scale * x) over the last dimension.
   *
   * @param x {@code [..., queries, keys]}
   * @param causal whether query i sees only the keys up to i + keys - queries, which are not in its
   *     future
   * @param padding the keys of x {@code [batch, ..., queries, keys]} whose result is 0; null for
   *     none
   * @return shaped as x
   */
  public static Value softmax(Value x, float scale, boolean causal, @Nullable Padding padding) {
    return SoftmaxOp.of(x, scale, causal, padding);
  }

  /**
   * Batch normalisation (Ioffe and Szegedy, 2015) over all but the last dimension: y =
   * activation((x - mean) / sqrt(variance + eps) * gamma + beta + residual). In training, mean and
   * variance are those of x, and the running statistics are updated with them; otherwise the
   * running statistics are used.
   *
   * @param x {@code [..., channels]}, in training with at least two values of each channel
   * @param gamma {@code F32 [channels]}, as beta, runningMean and runningVariance
   * @param residual shaped as x, or null
   * @param activation NONE or RELU
   * @param momentum of {@code running = (1 - momentum) running + momentum observed}
   * @return shaped as x
   */
  public static Value batchNorm(
      Value x,
      Value gamma,
      Value beta,
      @Nullable Value residual,
      Value runningMean,
      Value runningVariance,
      Activation activation,
      float eps,
      float momentum) {
    return BatchNormOp.of(
        x, gamma, beta, residual, runningMean, runningVariance, activation, eps, momentum);
  }

  /**
   * Group normalisation (Wu and He, 2018): each sample's groups of neighbouring channels are
   * normalised over all positions.
   *
   * @param x {@code [batch, ..., channels]}
   * @param gamma {@code F32 [channels]}, as beta
   * @param groups divide the channels
   * @return shaped as x
   */
  public static Value groupNorm(Value x, Value gamma, Value beta, int groups, float eps) {
    return GroupNormOp.of(x, gamma, beta, groups, eps);
  }

  /**
   * Layer normalisation (Ba et al., 2016) over the last dimension.
   *
   * @param x {@code [..., channels]}
   * @param gamma {@code F32 [channels]}, as beta
   * @return shaped as x
   */
  public static Value layerNorm(Value x, Value gamma, Value beta, float eps) {
    return GroupNormOp.layer(x, gamma, beta, eps);
  }

  // ---- reductions and images ----

  /**
   * The sum over the given dimensions, which are removed from the shape.
   *
   * @param axes dimensions of x in any order, each once, negative ones counted from the end
   */
  public static Value sum(Value x, int... axes) {
    return ReduceOp.of(ReduceOp.Kind.SUM, x, axes);
  }

  /** The mean over dimensions, given as for {@link #sum}. */
  public static Value mean(Value x, int... axes) {
    return ReduceOp.of(ReduceOp.Kind.MEAN, x, axes);
  }

  /**
   * The maximum over dimensions, given as for {@link #sum}; the gradient goes to the first element
   * that has it.
   */
  public static Value max(Value x, int... axes) {
    return ReduceOp.of(ReduceOp.Kind.MAX, x, axes);
  }

  /**
   * The maximum of each window, for each channel; the gradient goes to the first pixel that has it.
   *
   * @param x {@code [batch, height, width, channels]}
   * @param window without dilation, of at most 255 pixels in training
   * @return {@code [batch, places down, places across, channels]}
   */
  public static Value maxPool2d(Value x, Window window) {
    return Pool2dOp.of(Pool2dOp.Kind.MAX, x, window);
  }

  /**
   * The average of each window, for each channel.
   *
   * @param x {@code [batch, height, width, channels]}
   * @param window without dilation
   * @param countsPadding whether the average includes padding as zeros; otherwise it is over the
   *     pixels inside the image
   * @return {@code [batch, places down, places across, channels]}
   */
  public static Value averagePool2d(Value x, Window window, boolean countsPadding) {
    return Pool2dOp.of(
        countsPadding ? Pool2dOp.Kind.PADDED_AVERAGE : Pool2dOp.Kind.AVERAGE, x, window);
  }

  /**
   * Resizes images bilinearly, as PyTorch's {@code interpolate} without aligned corners and
   * antialiasing; returns x itself if the size is the same.
   *
   * @param x {@code [batch, height, width, channels]}
   */
  public static Value resize(Value x, long height, long width) {
    return ResizeOp.of(x, height, width);
  }

  // ---- layout ----

  /** x with another shape of the same number of elements, in the same memory. */
  public static Value reshape(Value x, Shape shape) {
    return ReshapeOp.of(x, shape);
  }

  /**
   * x with its dimensions in another order: dimension i of y is dimension {@code order[i]} of x.
   *
   * @param order each of x's dimensions once; x has 1 to 6
   */
  public static Value permute(Value x, Integer... order) {
    return PermuteOp.of(x, order);
  }

  /**
   * Joins values along a dimension; their other dimensions are equal.
   *
   * @param axis the dimension, negative ones counted from the end
   */
  public static Value concat(List<Value> parts, int axis) {
    return ConcatOp.of(parts, axis);
  }

  /**
   * Cuts a value into parts along a dimension.
   *
   * @param axis the dimension, negative ones counted from the end
   * @param extents the parts' extents along it, whose sum is x's
   * @return the parts, in order
   */
  public static List<Value> split(Value x, int axis, long... extents) {
    return SplitOp.of(x, axis, extents);
  }
}
