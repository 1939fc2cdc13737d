package dev.halfstep.train;

/**
 * An average of the weights during a run, which often generalises better than the last weights.
 * Epochs are then validated with the averaged weights, and the model ends with the averaged weights
 * of the best epoch. Running statistics of normalisation layers are averaged in the same way.
 *
 * @param kind what is averaged over
 * @param decay of the exponential moving average, in [0, 1)
 * @param startEpoch the first epoch whose end counts in stochastic weight averaging, from 1
 */
public record WeightAverage(Kind kind, double decay, int startEpoch) {
  /** The points of the run that are averaged over. */
  public enum Kind {
    /** All updates; later ones have greater weight. */
    EXPONENTIAL,
    /** The ends of epochs, with equal weights. */
    STOCHASTIC
  }

  /** Checks the numbers. */
  public WeightAverage {
    if (!(decay >= 0 && decay < 1) || startEpoch < 1) {
      throw new IllegalArgumentException(
          "an average of weights needs a decay in [0, 1) and a start epoch of at least 1, not "
              + decay
              + " and "
              + startEpoch);
    }
  }

  /**
   * Exponential moving average (EMA): average = decay average + (1 - decay) weights after each
   * performed update, starting at 0 and divided by 1 - decay^updates, as Adam corrects its moments.
   */
  public static WeightAverage exponential(double decay) {
    return new WeightAverage(Kind.EXPONENTIAL, decay, 1);
  }

  /**
   * Stochastic weight averaging (SWA; Izmailov et al., 2018): the mean of the weights at the ends
   * of all epochs from this one on. Before this epoch the weights are not averaged.
   */
  public static WeightAverage stochastic(int startEpoch) {
    return new WeightAverage(Kind.STOCHASTIC, 0, startEpoch);
  }
}
