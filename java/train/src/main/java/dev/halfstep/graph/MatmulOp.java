package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * y = alpha * op(a) * op(b), matrix by matrix: a {@code [..., m, k]}, or {@code [..., k, m]} where
 * it is transposed, b {@code [..., k, n]} or {@code [..., n, k]}, y {@code [..., m, n]}, with the
 * same leading dimensions.
 */
public record MatmulOp(
    Value a, Value b, boolean transposeA, boolean transposeB, float alpha, Value y)
    implements KernelOp {

  /**
   * Adds the operation to the graph of a.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value of(Value a, Value b, boolean transposeA, boolean transposeB, float alpha) {
    Graph graph = a.graph();
    int rank = a.shape().rank();
    if (rank < 2
        || rank != b.shape().rank()
        || a.type() != b.type()
        || inner(a.shape(), !transposeA) != inner(b.shape(), transposeB)
        || !leading(a).equals(leading(b))) {
      throw graph.refusal(
          "matmul takes a [..., m, k] and b [..., k, n] of one type: it was given "
              + a
              + (transposeA ? " transposed" : "")
              + " and "
              + b
              + (transposeB ? " transposed" : ""));
    }
    long[] dims = a.shape().toArray();
    dims[rank - 2] = inner(a.shape(), transposeA);
    dims[rank - 1] = inner(b.shape(), !transposeB);
    Value y = graph.value("matmul", a.type(), Shape.of(dims), a, b);
    return graph.add(new MatmulOp(a, b, transposeA, transposeB, alpha, y));
  }

  /** The last dimension of a matrix, or the one before it. */
  private static long inner(Shape shape, boolean last) {
    return shape.dim(last ? -1 : -2);
  }

  private static List<Long> leading(Value value) {
    long[] dims = value.shape().toArray();
    return Arrays.stream(dims, 0, dims.length - 2).boxed().toList();
  }

  @Override
  public String name() {
    return "matmul";
  }

  @Override
  public List<Value> inputs() {
    return List.of(a, b);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    calls.add(call(name(), a, transposeA, b, transposeB, new Backward.Target(y, 0)));
  }

  /** result = alpha * op(left) * op(right) + beta * result. */
  private Call call(
      String name,
      Value left,
      boolean transposeLeft,
      Value right,
      boolean transposeRight,
      Backward.Target result) {
    Value to = result.value();
    long m = to.shape().dim(-2);
    long n = to.shape().dim(-1);
    long k = inner(left.shape(), !transposeLeft);
    long batch = leading(to).stream().reduce(1L, (x, z) -> x * z);
    dev.halfstep.kernel.MatmulKernel.Builder kernel =
        dev.halfstep.kernel.MatmulKernel.builder(m, n, k)
            .types(left.type(), to.type())
            .transposeA(transposeLeft)
            .transposeB(transposeRight)
            .scale(alpha, result.beta())
            .batch(batch, m * k, k * n, m * n);
    List<Value> reads = new ArrayList<>(List.of(left, right));
    if (result.beta() != 0) {
      reads.add(to);
    }
    return Call.of(
        name,
        reads,
        List.of(to),
        2 * batch * m * n * k,
        (stream, at) -> kernel.build().run(stream, at.of(left), at.of(right), at.of(to), 0, 0, 0));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    if (a.differentiable()) {
      Backward.Target da = backward.into(a);
      backward.add(
          transposeA
              ? call("matmul da", b, transposeB, dy, true, da)
              : call("matmul da", dy, false, b, !transposeB, da));
    }
    if (b.differentiable()) {
      Backward.Target db = backward.into(b);
      backward.add(
          transposeB
              ? call("matmul db", dy, true, a, transposeA, db)
              : call("matmul db", a, !transposeA, dy, false, db));
    }
  }
}
