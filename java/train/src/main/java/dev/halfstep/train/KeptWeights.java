package dev.halfstep.train;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Weights that a run keeps on the host beside those it trains: the best, and a mean of epochs. */
final class KeptWeights {
  private float @Nullable [] best;
  private float @Nullable [] mean;
  private int averaged;

  /** Those of the best epoch so far. */
  Optional<float[]> best() {
    return Optional.ofNullable(best);
  }

  void best(float @Nullable [] weights) {
    best = weights;
  }

  /** The mean of the weights at the ends of epochs, where stochastic weight averaging has begun. */
  Optional<float[]> mean() {
    return Optional.ofNullable(mean);
  }

  /** At the ends of how many epochs the weights of {@link #mean} were taken. */
  int averaged() {
    return averaged;
  }

  /** Goes on from a mean of so many epochs. */
  void mean(float @Nullable [] weights, int epochs) {
    mean = weights;
    averaged = epochs;
  }

  /** Takes weights into the mean. */
  float[] average(float[] weights) {
    float[] next = mean == null ? new float[weights.length] : mean.clone();
    averaged++;
    for (int i = 0; i < next.length; i++) {
      next[i] += (weights[i] - next[i]) / averaged;
    }
    mean = next;
    return next;
  }
}
