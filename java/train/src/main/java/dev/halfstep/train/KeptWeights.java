package dev.halfstep.train;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The weights that a run keeps on the host: those of the best epoch, and a mean over epochs. */
final class KeptWeights {
  private float @Nullable [] best;
  private float @Nullable [] mean;
  private int averaged;

  /** The weights of the best epoch so far. */
  Optional<float[]> best() {
    return Optional.ofNullable(best);
  }

  void best(float @Nullable [] weights) {
    best = weights;
  }

  /** The mean of the weights at the ends of epochs, if stochastic weight averaging has begun. */
  Optional<float[]> mean() {
    return Optional.ofNullable(mean);
  }

  /** The number of epochs in {@link #mean}. */
  int averaged() {
    return averaged;
  }

  /** Restores a mean over {@code epochs} epochs. */
  void mean(float @Nullable [] weights, int epochs) {
    mean = weights;
    averaged = epochs;
  }

  /** Adds weights to the mean, and returns it. */
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
