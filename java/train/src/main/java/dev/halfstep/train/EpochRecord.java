package dev.halfstep.train;

import java.util.Optional;

/**
 * What one complete epoch was, or the last one as far as the budget let it come.
 *
 * @param epoch counts from 1
 * @param train over the training samples, each evaluated in the update that it took part in, with
 *     the weights of that moment; weighted by samples, so that a short last batch counts for what
 *     it holds
 * @param validation over the validation samples with the weights at the epoch's end, if there are
 *     such samples
 * @param steps its steps, skipped ones included
 * @param batchSize samples of a full step
 * @param learningRate of the epoch's last update
 * @param seconds wall time of the epoch's training, without validation
 */
public record EpochRecord(
    int epoch,
    Metrics train,
    Optional<Metrics> validation,
    int steps,
    int batchSize,
    float learningRate,
    double seconds) {
  /** Training samples a second, validation left out. */
  public double samplesPerSecond() {
    return train.rows() / seconds;
  }

  /** The validation loss, or the training loss without validation. */
  public double monitoredLoss() {
    return validation.orElse(train).loss();
  }
}
