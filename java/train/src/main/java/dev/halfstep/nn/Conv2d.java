package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;
import dev.halfstep.kernel.Activation;
import org.jspecify.annotations.Nullable;

/**
 * 2-D convolution of images {@code [batch, height, width, in]} to {@code [batch, places, places,
 * out]}. {@code weight} is {@code [out, rows, columns, in / groups]} in memory and {@code [out, in
 * / groups, rows, columns]} in files, {@code bias} {@code [out]}; both start uniform in
 * +-1/sqrt(rows * columns * in / groups), as in PyTorch. Immutable: each method returns another
 * layer.
 */
public final class Conv2d implements Fusing {
  private final long out;
  private final Window window;
  private final int groups;
  private final boolean bias;

  /** A layer of {@code out} channels with a square window, stride 1, no padding, and a bias. */
  public Conv2d(long out, int size) {
    this(out, Window.of(size, size), 1, true);
  }

  /** A layer of {@code out} channels with this window, and a bias. */
  public Conv2d(long out, Window window) {
    this(out, window, 1, true);
  }

  private Conv2d(long out, Window window, int groups, boolean bias) {
    if (out < 1 || groups < 1 || out % groups != 0) {
      throw new IllegalArgumentException(
          "a convolution has at least 1 output and groups that divide them, not "
              + out
              + " outputs and "
              + groups
              + " groups");
    }
    this.out = out;
    this.window = window;
    this.groups = groups;
    this.bias = bias;
  }

  /** The same layer with another stride, in both directions. */
  public Conv2d stride(int pixels) {
    return new Conv2d(out, window.stride(pixels, pixels), groups, bias);
  }

  /** The same layer with {@code pixels} of zeros on each side of the images. */
  public Conv2d padding(int pixels) {
    return new Conv2d(out, window.padding(pixels, pixels), groups, bias);
  }

  /**
   * The same layer with its input and output channels cut into groups: each output group reads one
   * input group only.
   */
  public Conv2d groups(int number) {
    return new Conv2d(out, window, number, bias);
  }

  /** The same layer without a bias, for use before a {@link BatchNorm}. */
  public Conv2d withoutBias() {
    return new Conv2d(out, window, groups, false);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return apply(scope, x, null, Activation.NONE);
  }

  @Override
  public boolean fuses(Activation activation) {
    return activation == Activation.NONE
        || activation == Activation.RELU
        || activation == Activation.GELU;
  }

  @Override
  public boolean addsResidual() {
    return false;
  }

  @Override
  public Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation) {
    if (x.shape().rank() != 4 || x.shape().dim(3) < 1 || x.shape().dim(3) % groups != 0) {
      throw scope
          .graph()
          .refusal(
              "a convolution takes [batch, height, width, channels] with channels that "
                  + groups
                  + " groups divide, not "
                  + x.shape());
    }
    long in = x.shape().dim(3) / groups;
    Shape shape = Shape.of(out, window.rows(), window.columns(), in);
    Initializer initializer = Initializer.fanIn(shape.dropFirst().elements());
    Value w = scope.parameter("weight", shape, initializer, FileLayout.ofConvolution(shape));
    Value b = bias ? scope.parameter("bias", Shape.of(out), initializer) : null;
    return Ops.conv2d(x, w, b, window, activation);
  }

  @Override
  public LayerSpec spec() {
    return Windows.write(LayerSpec.of("Conv2d").with("out", out), window)
        .with("groups", groups)
        .with("bias", bias);
  }

  /** Reads what {@link #spec} wrote. */
  static Conv2d of(LayerSpec spec) {
    return new Conv2d(
        spec.whole("out", 1, Shape.MAX_ELEMENTS),
        Windows.read(spec),
        spec.wholeInt("groups", 1),
        spec.flag("bias"));
  }

  @Override
  public String toString() {
    return "Conv2d("
        + out
        + ", "
        + window.rows()
        + "x"
        + window.columns()
        + (window.strideRows() == 1 ? "" : ", stride " + window.strideRows())
        + (window.paddingRows() == 0 ? "" : ", padding " + window.paddingRows())
        + (groups == 1 ? "" : ", " + groups + " groups")
        + (bias ? ")" : ", no bias)");
  }
}
