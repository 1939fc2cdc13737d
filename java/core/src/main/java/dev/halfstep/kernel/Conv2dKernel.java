package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.bindings.hs_conv2d_desc;
import dev.halfstep.internal.Structs;

/**
 * 2-D convolution (cross-correlation, as in every framework) of x {@code [n, h, w, c]} with weights
 * {@code [k, r, s, c / groups]}: {@code y = activation(conv(x, weights) + bias)}, y {@code [n, p,
 * q, k]} with {@code p = (h + 2 padding - dilation (r - 1) - 1) / stride + 1} rounded down, q
 * likewise. bias is F32 {@code [k]}. {@code aux}, laid out as y, receives the value before the
 * activation, which GELU's gradient needs.
 *
 * <p>{@code bias} and {@code aux} are optional (null, or address 0). Immutable and safe to use from
 * many threads. The gradients: {@link Conv2dGradientKernel}.
 */
public final class Conv2dKernel extends Conv2dKernelForms {
  private final Shape x;
  private final Shape weights;
  private final Shape y;

  private Conv2dKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        spec.x.elements(),
        spec.weights.elements(),
        spec.outputShape().elements(),
        spec.weights.dim(0));
    this.x = spec.x;
    this.weights = spec.weights;
    this.y = spec.outputShape();
  }

  /**
   * Of F32 x {@code [n, h, w, c]} and weights {@code [k, r, s, c / groups]}, stride 1, no padding,
   * dilation 1, no activation. The groups follow from the shapes.
   *
   * @throws IllegalArgumentException if the shapes do not fit together
   */
  public static Builder builder(Shape x, Shape weights) {
    return new Builder(x, weights);
  }

  /** The shape of y, {@code [n, p, q, k]}. */
  public Shape outputShape() {
    return y;
  }

  @Override
  public String toString() {
    return "convolution " + type + " of " + x + " with " + weights;
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final Shape x;
    private final Shape weights;
    private DType type = DType.F32;
    private int strideRows = 1;
    private int strideColumns = 1;
    private int paddingRows;
    private int paddingColumns;
    private int dilationRows = 1;
    private int dilationColumns = 1;
    private Activation activation = Activation.NONE;

    private Builder(Shape x, Shape weights) {
      this.x = Sizes.images("x", x);
      this.weights = weights;
      if (weights.rank() != 4
          || weights.elements() == 0
          || x.dim(3) % weights.dim(3) != 0
          || groups() > Integer.MAX_VALUE
          || weights.dim(0) % groups() != 0) {
        throw new IllegalArgumentException(
            "weights are "
                + weights
                + ", but x "
                + x
                + " needs [k, rows, columns, channels / groups], with groups that divide both the"
                + " channels of x and k");
      }
    }

    private long groups() {
      return x.dim(3) / weights.dim(3);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of x, weights, y and their gradients, but the weights': F32, BF16 or F16. */
    public Builder type(DType dtype) {
      Builder copy = copy();
      copy.type = dtype;
      return copy;
    }

    /** Pixels of x from one output to the next. */
    public Builder stride(int rows, int columns) {
      Builder copy = copy();
      copy.strideRows = rows;
      copy.strideColumns = columns;
      return copy;
    }

    /** Zeros on each side of x. */
    public Builder padding(int rows, int columns) {
      Builder copy = copy();
      copy.paddingRows = rows;
      copy.paddingColumns = columns;
      return copy;
    }

    /** Pixels of x from one tap of the window to the next. */
    public Builder dilation(int rows, int columns) {
      Builder copy = copy();
      copy.dilationRows = rows;
      copy.dilationColumns = columns;
      return copy;
    }

    /** NONE, RELU or GELU, after the bias. */
    public Builder activation(Activation function) {
      Builder copy = copy();
      copy.activation = function;
      return copy;
    }

    /**
     * The kernel.
     *
     * @throws IllegalArgumentException if the window does not fit into x
     */
    public Conv2dKernel build() {
      return new Conv2dKernel(this);
    }

    /** The kernel of the gradients; the activation does not matter to it. */
    public Conv2dGradientKernel buildGradient() {
      return new Conv2dGradientKernel(descriptor(), type, x, weights, outputShape());
    }

    private Shape outputShape() {
      return Shape.of(
          x.dim(0),
          Sizes.places(x.dim(1), weights.dim(1), strideRows, paddingRows, dilationRows),
          Sizes.places(x.dim(2), weights.dim(2), strideColumns, paddingColumns, dilationColumns),
          weights.dim(0));
    }

    private hs_conv2d_desc descriptor() {
      return new hs_conv2d_desc(Structs.memory(hs_conv2d_desc.class))
          .type(type.code())
          .n(x.dim(0))
          .h(x.dim(1))
          .w(x.dim(2))
          .c(x.dim(3))
          .k(weights.dim(0))
          .r(weights.dim(1))
          .s(weights.dim(2))
          .stride_h(strideRows)
          .stride_w(strideColumns)
          .pad_h(paddingRows)
          .pad_w(paddingColumns)
          .dilation_h(dilationRows)
          .dilation_w(dilationColumns)
          .groups(Math.toIntExact(groups()))
          .activation(activation.code());
    }
  }
}
