package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) of x {@code [..., channels]} over all but the last
 * dimension: y = activation((x - mean) / sqrt(variance + eps) * gamma + beta + residual). In
 * training mean and biased variance are those of x, and {@code running = (1 - momentum) running +
 * momentum observed}, with the unbiased variance; otherwise the running statistics are used and do
 * not change.
 *
 * @param gamma {@code F32 [channels]}, as beta and all statistics
 * @param residual shaped as x, or null
 * @param activation NONE or RELU
 * @param savedMean of x, for the gradient; null outside training
 */
public record BatchNormOp(
    Value x,
    Value gamma,
    Value beta,
    @Nullable Value residual,
    Value runningMean,
    Value runningVariance,
    Activation activation,
    float eps,
    float momentum,
    Value y,
    @Nullable Value savedMean,
    @Nullable Value savedInvstd)
    implements KernelOp {

  /**
   * Adds the operation to the graph of x, for training if the graph is for training.
   *
   * @throws IllegalArgumentException if the shapes do not match, or the graph is for training and
   *     each channel has one value only, which has no variance
   */
  static Value of(
      Value x,
      Value gamma,
      Value beta,
      @Nullable Value residual,
      Value runningMean,
      Value runningVariance,
      Activation activation,
      float eps,
      float momentum) {
    Graph graph = x.graph();
    Shape channels = Shape.of(x.shape().rank() < 2 ? 0 : x.shape().dim(-1));
    for (Value vector : List.of(gamma, beta, runningMean, runningVariance)) {
      if (!vector.shape().equals(channels) || vector.type() != DType.F32) {
        throw graph.refusal(
            "batch normalisation takes x [..., channels] and F32 [channels]: it was given x "
                + x.shape()
                + " and "
                + vector);
      }
    }
    if (residual != null && (!residual.shape().equals(x.shape()) || residual.type() != x.type())) {
      throw graph.refusal(
          "batch normalisation takes a residual like x, not " + residual + " with " + x);
    }
    if (graph.training() && x.shape().elements() / channels.dim(0) < 2) {
      throw graph.refusal(
          "batch normalisation cannot train on one value of each channel, as in "
              + x.shape()
              + ": it has no variance. Use a larger batch, or drop a last batch of one sample");
    }
    Value y = graph.like("batch_norm", x, from(gamma, beta, residual));
    boolean training = graph.training();
    return graph.add(
        new BatchNormOp(
            x,
            gamma,
            beta,
            residual,
            runningMean,
            runningVariance,
            activation,
            eps,
            momentum,
            y,
            training ? graph.value("batch_norm mean", DType.F32, channels) : null,
            training ? graph.value("batch_norm invstd", DType.F32, channels) : null));
  }

  private static Value[] from(Value gamma, Value beta, @Nullable Value residual) {
    return residual == null ? new Value[] {gamma, beta} : new Value[] {gamma, beta, residual};
  }

  @Override
  public String name() {
    return "batch_norm";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(x, gamma, beta, residual, runningMean, runningVariance);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.BatchNormKernel.Builder kernel() {
    long channels = gamma.shape().dim(0);
    return dev.halfstep.kernel.BatchNormKernel.builder(x.shape().elements() / channels, channels)
        .type(x.type())
        .eps(eps)
        .momentum(momentum)
        .activation(activation);
  }

  @Override
  public void forward(Calls calls) {
    List<Value> reads = new ArrayList<>(List.of(x, gamma, beta, runningMean, runningVariance));
    if (residual != null) {
      reads.add(residual);
    }
    if (savedMean == null || savedInvstd == null) {
      calls.add(
          Call.of(
                  name(),
                  reads,
                  List.of(y),
                  2 * x.shape().elements(),
                  (stream, at) ->
                      kernel()
                          .build()
                          .infer(
                              stream,
                              at.of(x),
                              at.of(gamma),
                              at.of(beta),
                              at.of(residual),
                              at.of(y),
                              at.of(runningMean),
                              at.of(runningVariance)))
              .allowInPlace());
      return;
    }
    calls.add(
        Call.of(
                name(),
                reads,
                List.of(y, runningMean, runningVariance, savedMean, savedInvstd),
                6 * x.shape().elements(),
                (stream, at) ->
                    kernel()
                        .build()
                        .train(
                            stream,
                            at.of(x),
                            at.of(gamma),
                            at.of(beta),
                            at.of(residual),
                            at.of(y),
                            at.of(runningMean),
                            at.of(runningVariance),
                            at.of(savedMean),
                            at.of(savedInvstd)))
            .allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    Value mean = backward.saved(savedMean);
    Value invstd = backward.saved(savedInvstd);
    Value dy = backward.of(y);
    boolean relu = activation == Activation.RELU;
    Value output = relu ? y : null;
    Value dx = backward.create(x);
    Value cut =
        relu && residual != null && residual.differentiable() ? backward.create(residual) : null;
    Backward.Pair affine = backward.intoBoth(gamma, beta);
    List<Value> reads = new ArrayList<>(List.of(dy, x, gamma, mean, invstd));
    if (output != null) {
      reads.add(output);
    }
    reads.addAll(affine.read());
    List<Value> writes = new ArrayList<>(List.of(dx, affine.first(), affine.second()));
    if (cut != null) {
      writes.add(cut);
    }
    Call call =
        Call.of(
            "batch_norm dx",
            reads,
            writes,
            9 * x.shape().elements(),
            (stream, at) ->
                kernel()
                    .buildGradient()
                    .run(
                        stream,
                        at.of(dy),
                        at.of(x),
                        at.of(output),
                        at.of(gamma),
                        at.of(mean),
                        at.of(invstd),
                        at.of(dx),
                        at.of(cut),
                        at.of(affine.first()),
                        at.of(affine.second()),
                        affine.beta()));
    backward.add(call.allowInPlace());
    backward.finish(affine);
    backward.give(x, dx);
    if (residual != null) {
      backward.give(residual, cut == null ? dy : cut);
    }
  }
}
