package dev.halfstep.onnx;

import dev.halfstep.graph.EmbeddingOp;
import dev.halfstep.graph.LinearOp;
import dev.halfstep.graph.MatmulOp;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;

/** Products of matrices, and rows of a table. */
record ProductRules(OnnxGraph onnx, Values values, Rules rules) {

  /**
   * ONNX's Gemm, which takes weights {@code [out, in]} as Halfstep and PyTorch hold them; x of
   * other than two dimensions is reshaped to rows and back.
   */
  void linear(LinearOp op) {
    boolean matrix = op.x().shape().rank() == 2;
    long in = op.weight().shape().dim(1);
    String x = values.of(op.x());
    if (!matrix) {
      x = onnx.node("Reshape", List.of(x, onnx.list(List.of(-1L, in))));
    }
    List<String> inputs = new ArrayList<>(List.of(x, values.of(op.weight())));
    Value bias = op.bias();
    if (bias != null) {
      inputs.add(values.of(bias));
    }
    if (matrix) {
      rules.result(
          op.y(), Layout.LAST, op.activation(), "Gemm", inputs, Attributes.of("transB", 1));
      return;
    }
    String rows = onnx.node("Gemm", inputs, Attributes.of("transB", 1));
    String shape = values.target(values.extents(op.y(), Layout.LAST));
    rules.result(op.y(), Layout.LAST, op.activation(), "Reshape", List.of(rows, shape));
  }

  void matmul(MatmulOp op) {
    List<String> matrices =
        List.of(matrix(op.a(), op.transposeA()), matrix(op.b(), op.transposeB()));
    if (op.alpha() == 1) {
      rules.result(op.y(), Layout.LAST, Activation.NONE, "MatMul", matrices);
      return;
    }
    String product = onnx.node("MatMul", matrices);
    List<String> scaled = List.of(product, onnx.number(op.alpha()));
    rules.result(op.y(), Layout.LAST, Activation.NONE, "Mul", scaled);
  }

  private String matrix(Value value, boolean transpose) {
    if (!transpose) {
      return values.of(value);
    }
    int rank = value.shape().rank();
    List<Long> order = new ArrayList<>(LongStream.range(0, rank).boxed().toList());
    Collections.swap(order, rank - 2, rank - 1);
    return onnx.node("Transpose", List.of(values.of(value)), Attributes.of("perm", order));
  }

  void embedding(EmbeddingOp op) {
    List<String> inputs = List.of(values.of(op.table()), values.of(op.tokens()));
    rules.result(op.y(), Layout.LAST, Activation.NONE, "Gather", inputs);
  }
}
