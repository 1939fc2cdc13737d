package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_softmax;
import static dev.halfstep.bindings.Native.hs_softmax_backward;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_softmax_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Softmax of the rows of x {@code [rows, columns]}, with a scale and, if wished, a causal and a
 * padding mask, and its gradient. Immutable and safe to use from many threads.
 */
public final class Softmax {
  private static final Access ACCESS = Access.get();

  private final hs_softmax_desc desc;
  private final DType type;
  private final long rows;
  private final long columns;
  private final long size;
  private final long tokens;

  private Softmax(Builder spec) {
    this.type = spec.type;
    this.rows = spec.rows;
    this.columns = spec.columns;
    this.size = Sizes.product("x", rows, columns);
    this.tokens = Sizes.product("tokens", spec.samples, columns);
    this.desc =
        new hs_softmax_desc(Structs.memory(hs_softmax_desc.class))
            .type(spec.type.code())
            .rows(spec.rows)
            .columns(spec.columns)
            .scale(spec.scale)
            .queries(spec.queries)
            .samples(spec.samples)
            .padding(spec.padding);
  }

  /** Of x F32 {@code [rows, columns]}, scale 1, no mask. */
  public static Builder builder(long rows, long columns) {
    return new Builder(rows, columns);
  }

  /**
   * {@code y = softmax(scale * x)} over the columns. y may be x. tokens I32 {@code [samples,
   * columns]} is for the padding mask, and null without one. Runs on tensors of the stream's
   * device.
   */
  public void run(Stream stream, Tensor x, Tensor y, @Nullable Tensor tokens) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_softmax(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.use(stream, y, "y", type, size),
              ACCESS.useOptional(stream, tokens, "tokens", DType.I32, this.tokens)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y, @Nullable Buffer tokens) {
    Native.check(
        hs_softmax(
            0,
            desc,
            Operands.input(x, "x", type, size),
            Operands.output(y, "y", type, size),
            Operands.optionalInput(tokens, "tokens", DType.I32, this.tokens)));
    Operands.keepAlive(x, y, tokens, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y, int @Nullable [] tokens) {
    Operands.requireF32("softmax", type, type);
    Native.check(
        ArrayCalls.hs_softmax(
            0,
            desc,
            Operands.array(x, "x", size),
            Operands.array(y, "y", size),
            Operands.optional(tokens, "tokens", this.tokens)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y, long tokens) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_softmax(handle, desc, x, y, tokens));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, without a padding mask. */
  public void run(@Nullable Stream stream, long x, long y) {
    run(stream, x, y, 0);
  }

  /** {@code y = softmax(scale * x)} on tensors of the stream's device, without a padding mask. */
  public void run(Stream stream, Tensor x, Tensor y) {
    run(stream, x, y, null);
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y) {
    run(x, y, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y) {
    run(x, y, null);
  }

  /**
   * {@code dx = scale * y * (dy - sum of dy * y)}; y is the output. dx may be dy. Runs on tensors
   * of the stream's device.
   */
  public void gradient(Stream stream, Tensor dy, Tensor y, Tensor dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_softmax_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, size),
              ACCESS.use(stream, y, "y", type, size),
              ACCESS.use(stream, dx, "dx", type, size)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(Buffer dy, Buffer y, Buffer dx) {
    Native.check(
        hs_softmax_backward(
            0,
            desc,
            Operands.input(dy, "dy", type, size),
            Operands.input(y, "y", type, size),
            Operands.output(dx, "dx", type, size)));
    Operands.keepAlive(dy, y, dx, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(float[] dy, float[] y, float[] dx) {
    Operands.requireF32("softmax", type, type);
    Native.check(
        ArrayCalls.hs_softmax_backward(
            0,
            desc,
            Operands.array(dy, "dy", size),
            Operands.array(y, "y", size),
            Operands.array(dx, "dx", size)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(@Nullable Stream stream, long dy, long y, long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_softmax_backward(handle, desc, dy, y, dx));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "softmax " + type + " [" + rows + ", " + columns + "]";
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
     * beyond {@code i + columns - queries}, which lie in the future, get 0. At most {@code
     * columns}, and a divisor of the rows.
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
     * columns whose token is padding get 0. Rows that are padding alone are 0.
     *
     * @param samples divides the rows
     * @param token the one that is padding
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
    public Softmax build() {
      return new Softmax(this);
    }
  }
}
