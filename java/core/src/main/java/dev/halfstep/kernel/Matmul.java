package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_matmul;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_matmul_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Matrix product: {@code C = activation(alpha * op(A) * op(B) + beta * C + bias)}, for each matrix
 * of a batch, with op(A) {@code [m, k]}, op(B) {@code [k, n]}, C {@code [m, n]}. Op transposes or
 * not.
 *
 * <p>Optional operands (null, or address 0): {@code bias}, F32 {@code [n]}; {@code aux}, laid out
 * as C, receives the value before the activation, which the backward pass of GELU needs; {@code
 * biasGrad}, F32 {@code [m]}, batch 1: {@code biasGrad = sum over k of op(A) + biasGradBeta *
 * biasGrad}, the gradient of a bias where op(A) is the transposed gradient of the output. C
 * overlaps no input. Immutable and safe to use from many threads.
 */
public final class Matmul {
  private static final Access ACCESS = Access.get();

  private final hs_matmul_desc desc;
  private final Builder spec;
  private final long sizeA;
  private final long sizeB;
  private final long sizeC;

  private Matmul(Builder spec) {
    this.spec = spec;
    this.sizeA = extent(spec.batch, spec.strideA, spec.rowsA(), spec.lda(), spec.columnsA());
    this.sizeB = extent(spec.batch, spec.strideB, spec.rowsB(), spec.ldb(), spec.columnsB());
    this.sizeC = extent(spec.batch, spec.strideC, spec.m, spec.ldc(), spec.n);
    this.desc =
        new hs_matmul_desc(Structs.memory(hs_matmul_desc.class))
            .type(spec.type.code())
            .out_type(spec.outType.code())
            .transpose_a(spec.transposeA ? 1 : 0)
            .transpose_b(spec.transposeB ? 1 : 0)
            .batch(spec.batch)
            .m(spec.m)
            .n(spec.n)
            .k(spec.k)
            .lda(spec.lda())
            .ldb(spec.ldb())
            .ldc(spec.ldc())
            .stride_a(spec.strideA)
            .stride_b(spec.strideB)
            .stride_c(spec.strideC)
            .alpha(spec.alpha)
            .beta(spec.beta)
            .activation(spec.activation.code())
            .bias_grad_beta(spec.biasGradBeta);
  }

  /** Elements from the first to the last that a batch of matrices touches. */
  private static long extent(long batch, long stride, long rows, long leading, long columns) {
    if (rows == 0 || columns == 0) {
      return 0;
    }
    try {
      return Sizes.notNegative(
          "elements",
          Math.addExact(
              Math.addExact(
                  Math.multiplyExact(batch - 1, stride), Math.multiplyExact(rows - 1, leading)),
              columns));
    } catch (ArithmeticException | IllegalArgumentException impossible) {
      throw new IllegalArgumentException(
          "matmul: "
              + batch
              + " matrices of "
              + rows
              + " x "
              + columns
              + ", rows "
              + leading
              + " and matrices "
              + stride
              + " apart, cannot have from 0 to 2^58 elements",
          impossible);
    }
  }

  /** A product of op(A) {@code [m, k]} and op(B) {@code [k, n]}, F32, dense, not transposed. */
  public static Builder builder(long m, long n, long k) {
    return new Builder(m, n, k);
  }

  /** Runs on tensors of the stream's device, whose number of elements must be the descriptor's. */
  public void run(Stream stream, Tensor a, Tensor b, Tensor c) {
    run(stream, a, b, c, null, null, null);
  }

  /** Runs on tensors of the stream's device, with the optional ones. */
  public void run(
      Stream stream,
      Tensor a,
      Tensor b,
      Tensor c,
      @Nullable Tensor bias,
      @Nullable Tensor aux,
      @Nullable Tensor biasGrad) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_matmul(
              handle,
              desc,
              use(stream, a, "a", spec.type, sizeA),
              use(stream, b, "b", spec.type, sizeB),
              use(stream, c, "c", spec.outType, sizeC),
              ACCESS.useOptional(stream, bias, "bias", DType.F32, spec.n),
              ACCESS.useOptional(stream, aux, "aux", spec.outType, sizeC),
              ACCESS.useOptional(stream, biasGrad, "biasGrad", DType.F32, spec.m)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** A dense operand has exactly the descriptor's elements, a strided one may have more. */
  private long use(Stream stream, Tensor tensor, String name, DType dtype, long elements) {
    return spec.strided()
        ? ACCESS.useAtLeast(stream, tensor, name, dtype, elements)
        : ACCESS.use(stream, tensor, name, dtype, elements);
  }

  /** Runs on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer a, Buffer b, Buffer c) {
    run(a, b, c, null, null, null);
  }

  /** Runs on the CPU at once on direct buffers, with the optional ones. */
  public void run(
      Buffer a,
      Buffer b,
      Buffer c,
      @Nullable Buffer bias,
      @Nullable Buffer aux,
      @Nullable Buffer biasGrad) {
    Native.check(
        hs_matmul(
            0,
            desc,
            Operands.input(a, "a", spec.type, sizeA),
            Operands.input(b, "b", spec.type, sizeB),
            Operands.output(c, "c", spec.outType, sizeC),
            Operands.optionalInput(bias, "bias", DType.F32, spec.n),
            Operands.optionalOutput(aux, "aux", spec.outType, sizeC),
            Operands.optionalOutput(biasGrad, "biasGrad", DType.F32, spec.m)));
    Operands.keepAlive(a, b, c, bias, aux, biasGrad);
  }

  /**
   * Runs on the CPU at once, from any thread, on arrays; F32 only. The collector waits meanwhile.
   */
  public void run(float[] a, float[] b, float[] c) {
    run(a, b, c, null, null, null);
  }

  /** Runs on the CPU at once on arrays, with the optional ones. */
  public void run(
      float[] a,
      float[] b,
      float[] c,
      float @Nullable [] bias,
      float @Nullable [] aux,
      float @Nullable [] biasGrad) {
    Operands.requireF32("matmul", spec.type, spec.outType);
    Native.check(
        ArrayCalls.hs_matmul(
            0,
            desc,
            Operands.array(a, "a", sizeA),
            Operands.array(b, "b", sizeB),
            Operands.array(c, "c", sizeC),
            Operands.optional(bias, "bias", spec.n),
            Operands.optional(aux, "aux", sizeC),
            Operands.optional(biasGrad, "biasGrad", spec.m)));
  }

  /**
   * Runs on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream, long a, long b, long c, long bias, long aux, long biasGrad) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_matmul(handle, desc, a, b, c, bias, aux, biasGrad));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "matmul " + spec;
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long m;
    private final long n;
    private final long k;
    private DType type = DType.F32;
    private DType outType = DType.F32;
    private boolean transposeA;
    private boolean transposeB;
    private long batch = 1;
    private long lda;
    private long ldb;
    private long ldc;
    private long strideA;
    private long strideB;
    private long strideC;
    private float alpha = 1;
    private float beta;
    private Activation activation = Activation.NONE;
    private float biasGradBeta;

    private Builder(long m, long n, long k) {
      if (m < 0 || n < 0 || k < 0) {
        throw new IllegalArgumentException(
            "matmul: m " + m + ", n " + n + ", k " + k + ": none may be negative");
      }
      this.m = Sizes.notNegative("m", m);
      this.n = Sizes.notNegative("n", n);
      this.k = Sizes.notNegative("k", k);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of A and B (F32, BF16 or F16) and of C and aux (F32 or the same). */
    public Builder types(DType input, DType output) {
      Builder copy = copy();
      copy.type = input;
      copy.outType = output;
      return copy;
    }

    /** A is stored as {@code [k, m]}. */
    public Builder transposeA(boolean transpose) {
      Builder copy = copy();
      copy.transposeA = transpose;
      return copy;
    }

    /** B is stored as {@code [n, k]}. */
    public Builder transposeB(boolean transpose) {
      Builder copy = copy();
      copy.transposeB = transpose;
      return copy;
    }

    /** Elements from one stored row to the next, of A, B and C; without it rows are dense. */
    public Builder leading(long a, long b, long c) {
      Builder copy = copy();
      copy.lda = Sizes.notNegative("lda", a);
      copy.ldb = Sizes.notNegative("ldb", b);
      copy.ldc = Sizes.notNegative("ldc", c);
      return copy;
    }

    /** As many products, elements from one matrix to the next; 0: A or B is shared by all. */
    public Builder batch(long count, long strideOfA, long strideOfB, long strideOfC) {
      Builder copy = copy();
      copy.batch = Sizes.positive("batch", count);
      copy.strideA = Sizes.notNegative("strideOfA", strideOfA);
      copy.strideB = Sizes.notNegative("strideOfB", strideOfB);
      copy.strideC = Sizes.notNegative("strideOfC", strideOfC);
      return copy;
    }

    /** The product is multiplied by alpha, what C held by beta; 1 and 0 without it. */
    public Builder scale(float ofProduct, float ofC) {
      Builder copy = copy();
      copy.alpha = ofProduct;
      copy.beta = ofC;
      return copy;
    }

    /** NONE, RELU or GELU, after the bias. */
    public Builder activation(Activation function) {
      Builder copy = copy();
      copy.activation = function;
      return copy;
    }

    /** What biasGrad held is multiplied by it; 0 without it. */
    public Builder biasGradBeta(float factor) {
      Builder copy = copy();
      copy.biasGradBeta = factor;
      return copy;
    }

    /** The kernel. Types, strides and activation are checked with the first call. */
    public Matmul build() {
      return new Matmul(this);
    }

    private boolean strided() {
      return batch != 1 || lda != 0 || ldb != 0 || ldc != 0;
    }

    private long rowsA() {
      return transposeA ? k : m;
    }

    private long columnsA() {
      return transposeA ? m : k;
    }

    private long rowsB() {
      return transposeB ? n : k;
    }

    private long columnsB() {
      return transposeB ? k : n;
    }

    private long lda() {
      return lda == 0 ? columnsA() : lda;
    }

    private long ldb() {
      return ldb == 0 ? columnsB() : ldb;
    }

    private long ldc() {
      return ldc == 0 ? n : ldc;
    }

    @Override
    public String toString() {
      return (batch == 1 ? "" : batch + " x ")
          + type
          + (transposeA ? " t[" : " [")
          + rowsA()
          + ", "
          + columnsA()
          + "] x "
          + (transposeB ? "t[" : "[")
          + rowsB()
          + ", "
          + columnsB()
          + "] -> "
          + outType
          + " ["
          + m
          + ", "
          + n
          + "]"
          + (activation == Activation.NONE ? "" : " " + activation);
    }
  }
}
