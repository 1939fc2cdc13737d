package dev.halfstep.study;

import dev.halfstep.data.Dataset;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.random.Philox;
import dev.halfstep.random.RandomStream;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.ArrayList;
import java.util.List;

/**
 * Computes gradients of batches at fixed weights, by steps with a learning rate of 0 in a separate
 * session. Neither the model nor a run in progress is changed.
 */
public final class GradientProbe implements AutoCloseable {
  private final TrainingSession session;
  private final Dataset data;

  /**
   * A probe of a model on data; the caller closes it.
   *
   * @param options the options of the run; their batch size is the largest that can be probed
   */
  public GradientProbe(SessionBuilder options, Dataset data) {
    this.data = data;
    session = options.optimizer(Optimizer.sgd(0)).open();
    session.data(data);
  }

  /** Sets the weights, laid out by {@code model.parameters()}, at which gradients are computed. */
  public void weights(float[] weights) {
    session.weights(weights);
  }

  /**
   * The mean gradient over a batch, laid out by {@code model.parameters()}.
   *
   * @param samples indices of samples, at most the batch size of the options
   */
  public float[] gradient(int... samples) {
    session.order(samples);
    session.run(samples.length, 1);
    session.drain();
    return session.gradients();
  }

  /**
   * Gradients of batches whose samples are drawn with replacement.
   *
   * @param seed draws the samples, in the stream {@link RandomStream#NOISE}
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its interrupt
   *     flag stays set
   */
  public List<float[]> gradients(int batches, int batchSize, long seed) {
    List<float[]> gradients = new ArrayList<>();
    int[] samples = new int[batchSize];
    for (int batch = 0; batch < batches; batch++) {
      Cancellation.check("the probe of gradients at batch " + batch);
      Philox random = new Philox(RandomStream.NOISE.key(seed), batch);
      for (int i = 0; i < batchSize; i++) {
        samples[i] = random.nextInt(data.size());
      }
      gradients.add(gradient(samples));
    }
    return gradients;
  }

  /**
   * The variance of the gradient of batches of one size: the mean of |g - mean g|^2 over the
   * gradients of at least two batches, unbiased. It is the variance of one sample's gradient,
   * divided by the batch size.
   */
  public static double variance(List<float[]> gradients) {
    double squares = 0;
    for (float[] gradient : gradients) {
      squares += NoiseScale.square(gradient);
    }
    double ofMean = NoiseScale.square(NoiseScale.mean(gradients));
    return (squares - gradients.size() * ofMean) / (gradients.size() - 1);
  }

  @Override
  public void close() {
    session.close();
  }
}
