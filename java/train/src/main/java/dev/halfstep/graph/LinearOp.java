package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import dev.halfstep.kernel.MatmulKernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(x W^T + b) over the last dimension: x {@code [..., in]}, W {@code [out, in]}, b
 * {@code [out]}, y {@code [..., out]}. The forward pass is one matmul. The backward pass runs the
 * activation's gradient, then one matmul for dW and db together and one for dx.
 *
 * @param z the value before the activation, which GELU's gradient needs
 */
public record LinearOp(
    Value x, Value weight, @Nullable Value bias, Activation activation, Value y, @Nullable Value z)
    implements KernelOp {

  /**
   * Adds the operation to the graph of x.
   *
   * @param activation NONE, RELU or GELU
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value of(Value x, Value weight, @Nullable Value bias, Activation activation) {
    Graph graph = x.graph();
    if (weight.shape().rank() != 2
        || x.shape().rank() < 1
        || x.shape().dim(-1) != weight.shape().dim(1)) {
      throw graph.refusal(
          "linear takes x [..., in] and a weight [out, in]: it was given x "
              + x.shape()
              + " and a weight "
              + weight.shape());
    }
    long out = weight.shape().dim(0);
    if (bias != null && (!bias.shape().equals(Shape.of(out)) || bias.type() != DType.F32)) {
      throw graph.refusal("linear takes a bias F32[" + out + "], not " + bias);
    }
    if (x.type() != weight.type()) {
      throw graph.refusal("linear takes x and a weight of one type, not " + x + " and " + weight);
    }
    long[] dims = x.shape().toArray();
    dims[dims.length - 1] = out;
    Value[] from = bias == null ? new Value[] {x, weight} : new Value[] {x, weight, bias};
    Value y = graph.value("linear", x.type(), Shape.of(dims), from);
    boolean saved = activation == Activation.GELU && graph.training();
    Value z = saved ? graph.value("linear z", x.type(), y.shape()) : null;
    return graph.add(new LinearOp(x, weight, bias, activation, y, z));
  }

  @Override
  public String name() {
    return "linear";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(x, weight, bias);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private long in() {
    return weight.shape().dim(1);
  }

  private long out() {
    return weight.shape().dim(0);
  }

  private long rows() {
    return y.shape().elements() / Math.max(out(), 1);
  }

  @Override
  public void forward(Calls calls) {
    MatmulKernel.Builder matmul =
        MatmulKernel.builder(rows(), out(), in())
            .types(x.type(), y.type())
            .transposeB(true)
            .activation(activation);
    calls.add(
        Call.of(
            name(),
            bias == null ? List.of(x, weight) : List.of(x, weight, bias),
            z == null ? List.of(y) : List.of(y, z),
            2 * rows() * in() * out(),
            (stream, at) ->
                matmul
                    .build()
                    .run(stream, at.of(x), at.of(weight), at.of(y), at.of(bias), at.of(z), 0)));
  }

  @Override
  public void backward(Backward backward) {
    Value dz = backward.of(y);
    if (activation != Activation.NONE) {
      dz = ActivationOp.gradient(backward, activation, dz, z == null ? y : z);
    }
    if (weight.differentiable()) {
      weightGradient(backward, dz);
    } else if (bias != null && bias.differentiable()) {
      biasGradient(backward, bias, dz);
    }
    if (x.differentiable()) {
      inputGradient(backward, dz);
    }
  }

  /** dW = dz^T x, and in the same pass db = the column sums of dz. */
  private void weightGradient(Backward backward, Value dz) {
    Backward.Target dw = backward.into(weight);
    Backward.Target db = bias != null && bias.differentiable() ? backward.into(bias) : null;
    MatmulKernel.Builder matmul =
        MatmulKernel.builder(out(), in(), rows())
            .types(dz.type(), dw.value().type())
            .transposeA(true)
            .scale(1, dw.beta())
            .biasGradBeta(db == null ? 0 : db.beta());
    Value dbValue = db == null ? null : db.value();
    backward.add(
        Call.of(
            "linear dW",
            inputs(dw, dz, x),
            db == null ? List.of(dw.value()) : List.of(dw.value(), db.value()),
            2 * rows() * in() * out(),
            (stream, at) ->
                matmul
                    .build()
                    .run(stream, at.of(dz), at.of(x), at.of(dw.value()), 0, 0, at.of(dbValue))));
  }

  /** db = the column sums of dz, where the weight is frozen. */
  static void biasGradient(Backward backward, Value bias, Value dz) {
    Backward.Target db = backward.into(bias);
    long channels = bias.shape().dim(0);
    long rows = dz.shape().elements() / channels;
    backward.add(
        Call.of(
            "db",
            inputs(db, dz),
            List.of(db.value()),
            dz.shape().elements(),
            (stream, at) ->
                dev.halfstep.kernel.ReduceKernel.sum(1, rows, channels)
                    .types(dz.type(), db.value().type())
                    .beta(db.beta())
                    .build()
                    .run(stream, at.of(dz), at.of(db.value()), 0)));
  }

  /** dx = dz W. */
  private void inputGradient(Backward backward, Value dz) {
    Backward.Target dx = backward.into(x);
    MatmulKernel.Builder matmul =
        MatmulKernel.builder(rows(), in(), out())
            .types(dz.type(), dx.value().type())
            .scale(1, dx.beta());
    backward.add(
        Call.of(
            "linear dx",
            inputs(dx, dz, weight),
            List.of(dx.value()),
            2 * rows() * in() * out(),
            (stream, at) ->
                matmul.build().run(stream, at.of(dz), at.of(weight), at.of(dx.value()), 0, 0, 0)));
  }

  /**
   * The values that a call reads that writes to a target; they include the target if the call adds
   * to it.
   */
  private static List<Value> inputs(Backward.Target target, Value... values) {
    List<Value> list = new ArrayList<>(List.of(values));
    if (target.beta() != 0) {
      list.add(target.value());
    }
    return list;
  }
}
