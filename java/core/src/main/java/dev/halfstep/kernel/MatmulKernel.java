package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_matmul_desc;
import dev.halfstep.internal.Structs;

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
public final class MatmulKernel extends MatmulKernelForms {
  private final Builder spec;

  private MatmulKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        spec.outType,
        extent(spec.batch, spec.strideA, spec.rowsA(), spec.lda(), spec.columnsA()),
        extent(spec.batch, spec.strideB, spec.rowsB(), spec.ldb(), spec.columnsB()),
        extent(spec.batch, spec.strideC, spec.m, spec.ldc(), spec.n),
        spec.m,
        spec.n,
        spec.strided());
    this.spec = spec;
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
    public MatmulKernel build() {
      return new MatmulKernel(this);
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

    private hs_matmul_desc descriptor() {
      return new hs_matmul_desc(Structs.memory(hs_matmul_desc.class))
          .type(type.code())
          .out_type(outType.code())
          .transpose_a(transposeA ? 1 : 0)
          .transpose_b(transposeB ? 1 : 0)
          .batch(batch)
          .m(m)
          .n(n)
          .k(k)
          .lda(lda())
          .ldb(ldb())
          .ldc(ldc())
          .stride_a(strideA)
          .stride_b(strideB)
          .stride_c(strideC)
          .alpha(alpha)
          .beta(beta)
          .activation(activation.code())
          .bias_grad_beta(biasGradBeta);
    }
  }
}
