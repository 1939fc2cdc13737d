package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_softmax_desc;
import dev.halfstep.internal.Structs;

/**
 * Softmax of the rows of x {@code [rows, columns]} with a scale and, optionally, a causal and a
 * padding mask; and its gradient. Immutable and safe to use from many threads.
 */
public final class SoftmaxKernel extends SoftmaxKernelForms {
  private final Builder spec;

  private SoftmaxKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        Sizes.product("x", spec.rows, spec.columns),
        Sizes.product("tokens", spec.samples, spec.columns));
    this.spec = spec;
  }

  /** Of x F32 {@code [rows, columns]}, scale 1, no mask. */
  public static Builder builder(long rows, long columns) {
    return new Builder(rows, columns);
  }

  @Override
  public String toString() {
    return "softmax " + type + " [" + spec.rows + ", " + spec.columns + "]";
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long rows;
    private final long columns;
    private DType type = DType.F32;
    private float scale = 1;
    private long queries;
    private long samples;
    private int padding;

    private Builder(long rows, long columns) {
      this.rows = Sizes.notNegative("rows", rows);
      this.columns = Sizes.positive("columns", columns);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of x and y: F32, BF16 or F16. */
    public Builder type(DType dtype) {
      Builder copy = copy();
      copy.type = dtype;
      return copy;
    }

    /** What x is multiplied by first, such as 1 / sqrt(head width). */
    public Builder scale(float factor) {
      Builder copy = copy();
      copy.scale = factor;
      return copy;
    }

    /**
     * Masks causally: rows are {@code [matrices, queries]}, and in row i of a matrix the columns
     * beyond {@code i + columns - queries}, which lie in the future, get 0. {@code queries} divides
     * the rows and is at most {@code columns}.
     */
    public Builder causal(long queriesOfMatrix) {
      if (queriesOfMatrix < 1 || queriesOfMatrix > columns || rows % queriesOfMatrix != 0) {
        throw new IllegalArgumentException(
            queriesOfMatrix
                + " queries must divide the "
                + rows
                + " rows and not pass the "
                + columns
                + " columns");
      }
      Builder copy = copy();
      copy.queries = queriesOfMatrix;
      return copy;
    }

    /**
     * Masks padding: rows are {@code [samples, rows of a sample]}, and in those of a sample the
     * columns whose token is padding get 0. A row whose columns are all padding is 0.
     *
     * @param samples divides the rows
     * @param token the token that means padding
     */
    public Builder padding(long samples, int token) {
      if (samples < 1 || rows % samples != 0) {
        throw new IllegalArgumentException(samples + " samples must divide the " + rows + " rows");
      }
      Builder copy = copy();
      copy.samples = samples;
      copy.padding = token;
      return copy;
    }

    /** The kernel. */
    public SoftmaxKernel build() {
      return new SoftmaxKernel(this);
    }

    private hs_softmax_desc descriptor() {
      return new hs_softmax_desc(Structs.memory(hs_softmax_desc.class))
          .type(type.code())
          .rows(rows)
          .columns(columns)
          .scale(scale)
          .queries(queries)
          .samples(samples)
          .padding(padding);
    }
  }
}
