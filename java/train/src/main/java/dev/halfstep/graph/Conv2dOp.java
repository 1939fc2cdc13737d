package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * y = activation(conv(x, W) + b), a cross-correlation: x {@code [batch, height, width, in]}, W
 * {@code [out, rows, columns, in / groups]}, b {@code F32 [out]}, y {@code [batch, places, places,
 * out]}. The backward pass runs the activation's gradient, then one kernel for dW and db together
 * and one for dx.
 *
 * @param z the value before the activation, which GELU's gradient needs
 */
public record Conv2dOp(
    Value x,
    Value weight,
    @Nullable Value bias,
    Window window,
    Activation activation,
    Value y,
    @Nullable Value z)
    implements KernelOp {

  /**
   * Adds the operation to the graph of x. The number of groups is x's channels divided by the last
   * dimension of W.
   *
   * @param activation NONE, RELU or GELU
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value of(
      Value x, Value weight, @Nullable Value bias, Window window, Activation activation) {
    Graph graph = x.graph();
    Shape w = weight.shape();
    if (w.rank() != 4
        || w.elements() == 0
        || w.dim(1) != window.rows()
        || w.dim(2) != window.columns()
        || x.shape().rank() != 4
        || x.shape().dim(3) % w.dim(3) != 0
        || w.dim(0) % (x.shape().dim(3) / w.dim(3)) != 0) {
      throw graph.refusal(
          "convolution takes x [batch, height, width, in] and weights [out, "
              + window.rows()
              + ", "
              + window.columns()
              + ", in / groups]: it was given x "
              + x.shape()
              + " and weights "
              + w);
    }
    long out = w.dim(0);
    if (bias != null && (!bias.shape().equals(Shape.of(out)) || bias.type() != DType.F32)) {
      throw graph.refusal("convolution takes a bias F32[" + out + "], not " + bias);
    }
    if (x.type() != weight.type()) {
      throw graph.refusal(
          "convolution takes x and weights of one type, not " + x + " and " + weight);
    }
    Value[] from = bias == null ? new Value[] {x, weight} : new Value[] {x, weight, bias};
    Value y = graph.value("conv2d", x.type(), window.over("convolution", x, out), from);
    boolean saved = activation == Activation.GELU && graph.training();
    Value z = saved ? graph.value("conv2d z", x.type(), y.shape()) : null;
    return graph.add(new Conv2dOp(x, weight, bias, window, activation, y, z));
  }

  @Override
  public String name() {
    return "conv2d";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(x, weight, bias);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.Conv2dKernel.Builder kernel() {
    return dev.halfstep.kernel.Conv2dKernel.builder(x.shape(), weight.shape())
        .type(x.type())
        .stride(window.strideRows(), window.strideColumns())
        .padding(window.paddingRows(), window.paddingColumns())
        .dilation(window.dilation(), window.dilation())
        .activation(activation);
  }

  /** A multiply-add for each output and each weight that it depends on. */
  private long flops() {
    return 2 * y.shape().elements() * weight.shape().dropFirst().elements();
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
            name(),
            bias == null ? List.of(x, weight) : List.of(x, weight, bias),
            z == null ? List.of(y) : List.of(y, z),
            flops(),
            (stream, at) ->
                kernel()
                    .build()
                    .run(stream, at.of(x), at.of(weight), at.of(bias), at.of(z), at.of(y))));
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
      LinearOp.biasGradient(backward, bias, dz);
    }
    if (x.differentiable()) {
      inputGradient(backward, dz);
    }
  }

  private void weightGradient(Backward backward, Value dz) {
    if (bias == null) {
      Backward.Target dw = backward.intoTyped(weight, DType.F32);
      addWeightGradient(backward, dz, dw.beta(), dw.value(), null);
      backward.finish(weight, dw);
    } else {
      Backward.Pair both = backward.intoBoth(weight, bias);
      addWeightGradient(backward, dz, both.beta(), both.first(), both.second());
      backward.finish(both);
    }
  }

  private void addWeightGradient(
      Backward backward, Value dz, float beta, Value dw, @Nullable Value db) {
    List<Value> writes = db == null ? List.of(dw) : List.of(dw, db);
    List<Value> reads = new ArrayList<>(List.of(dz, x));
    if (beta != 0) {
      reads.addAll(writes);
    }
    backward.add(
        Call.of(
            "conv2d dW",
            reads,
            writes,
            flops(),
            (stream, at) ->
                kernel()
                    .buildGradient()
                    .weights(stream, at.of(x), at.of(dz), beta, at.of(dw), at.of(db))));
  }

  private void inputGradient(Backward backward, Value dz) {
    Backward.Target dx = backward.intoTyped(x, x.type());
    List<Value> reads = new ArrayList<>(List.of(dz, weight));
    if (dx.beta() != 0) {
      reads.add(dx.value());
    }
    backward.add(
        Call.of(
            "conv2d dx",
            reads,
            List.of(dx.value()),
            flops(),
            (stream, at) ->
                kernel()
                    .buildGradient()
                    .input(stream, at.of(dz), at.of(weight), dx.beta(), at.of(dx.value()))));
    backward.finish(x, dx);
  }
}
