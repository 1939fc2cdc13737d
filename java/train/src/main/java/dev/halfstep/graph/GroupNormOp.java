package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Group normalisation (Wu and He, 2018) of x {@code [batch, ..., channels]}: each sample's groups
 * of neighbouring channels are normalised over all positions. Layer normalisation (Ba et al., 2016)
 * normalises each row {@code [channels]} by itself. y = (x - mean) / sqrt(variance + eps) * gamma +
 * beta, with the biased variance and gamma and beta {@code F32 [channels]}.
 *
 * @param samples how many samples are normalised separately: the batch, or for layer normalisation
 *     all rows
 * @param savedMean {@code F32 [samples, groups]} for the gradient; null outside training
 */
public record GroupNormOp(
    Value x,
    Value gamma,
    Value beta,
    long samples,
    int groups,
    float eps,
    Value y,
    @Nullable Value savedMean,
    @Nullable Value savedInvstd)
    implements KernelOp {

  /**
   * Adds group normalisation to the graph of x.
   *
   * @throws IllegalArgumentException if the shapes do not match, or the groups do not divide the
   *     channels
   */
  static Value of(Value x, Value gamma, Value beta, int groups, float eps) {
    Graph graph = x.graph();
    if (x.shape().rank() < 2 || groups < 1 || x.shape().dim(-1) % groups != 0) {
      throw graph.refusal(
          "group normalisation of x [batch, ..., channels] needs groups that divide the channels:"
              + " it was given "
              + x.shape()
              + " and "
              + groups
              + " groups");
    }
    return add(x, gamma, beta, x.shape().dim(0), groups, eps);
  }

  /**
   * Adds layer normalisation over the last dimension to the graph of x.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value layer(Value x, Value gamma, Value beta, float eps) {
    if (x.shape().rank() < 1 || x.shape().dim(-1) < 1) {
      throw x.graph().refusal("layer normalisation takes x [..., channels], not " + x.shape());
    }
    return add(x, gamma, beta, x.shape().elements() / x.shape().dim(-1), 1, eps);
  }

  private static Value add(Value x, Value gamma, Value beta, long samples, int groups, float eps) {
    Graph graph = x.graph();
    Shape channels = Shape.of(x.shape().dim(-1));
    for (Value vector : List.of(gamma, beta)) {
      if (!vector.shape().equals(channels) || vector.type() != DType.F32) {
        throw graph.refusal(
            "normalisation of x " + x.shape() + " takes F32" + channels + ", not " + vector);
      }
    }
    Shape statistics = Shape.of(samples, groups);
    boolean saved = graph.training();
    return graph.add(
        new GroupNormOp(
            x,
            gamma,
            beta,
            samples,
            groups,
            eps,
            graph.like("norm", x, gamma, beta),
            saved ? graph.value("norm mean", DType.F32, statistics) : null,
            saved ? graph.value("norm invstd", DType.F32, statistics) : null));
  }

  @Override
  public String name() {
    return samples == x.shape().elements() / gamma.shape().dim(0) && groups == 1
        ? "layer_norm"
        : "group_norm";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x, gamma, beta);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.GroupNormKernel.Builder kernel() {
    long channels = gamma.shape().dim(0);
    long positions = samples == 0 ? 1 : x.shape().elements() / channels / samples;
    return dev.halfstep.kernel.GroupNormKernel.builder(samples, positions, channels, groups)
        .type(x.type())
        .eps(eps);
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
                name(),
                List.of(x, gamma, beta),
                savedMean == null || savedInvstd == null
                    ? List.of(y)
                    : List.of(y, savedMean, savedInvstd),
                6 * x.shape().elements(),
                (stream, at) ->
                    kernel()
                        .build()
                        .run(
                            stream,
                            at.of(x),
                            at.of(gamma),
                            at.of(beta),
                            at.of(y),
                            at.of(savedMean),
                            at.of(savedInvstd)))
            .allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    Value mean = backward.saved(savedMean);
    Value invstd = backward.saved(savedInvstd);
    Value dy = backward.of(y);
    Value dx = backward.create(x);
    Backward.Pair affine = backward.intoBoth(gamma, beta);
    List<Value> reads = new ArrayList<>(List.of(dy, x, gamma, mean, invstd));
    reads.addAll(affine.read());
    Call call =
        Call.of(
            name() + " dx",
            reads,
            List.of(dx, affine.first(), affine.second()),
            11 * x.shape().elements(),
            (stream, at) ->
                kernel()
                    .build()
                    .gradient(
                        stream,
                        at.of(dy),
                        at.of(x),
                        at.of(gamma),
                        at.of(mean),
                        at.of(invstd),
                        at.of(dx),
                        at.of(affine.first()),
                        at.of(affine.second()),
                        affine.beta()));
    backward.add(call.allowInPlace());
    backward.finish(affine);
    backward.give(x, dx);
  }
}
