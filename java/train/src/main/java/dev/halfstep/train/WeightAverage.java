package dev.halfstep.train;

/**
 * An average of the weights along a run, which often generalises better than the last of them. With
 * one, epochs are validated with the averaged weights, and those of the best epoch are what the
 * model ends with. Running statistics of normalisation layers are averaged alike.
 *
 * @param kind over what
 * @param decay of the exponential moving average, in [0, 1)
 * @param startEpoch the first epoch whose end counts in stochastic weight averaging, from 1
 */
public record WeightAverage(Kind kind, double decay, int startEpoch) {
  /** What is averaged over. */
  public enum Kind {
    /** All updates, the later the more. */
    EXPONENTIAL,
    /** The ends of epochs, all alike. */
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
   * performed update, from 0 on and divided by 1 - decay^updates, as Adam corrects its moments.
   */
  public static WeightAverage exponential(double decay) {
    return new WeightAverage(Kind.EXPONENTIAL, decay, 1);
  }

  /**
   * Stochastic weight averaging (SWA; Izmailov et al., 2018): the mean of the weights at the ends
   * of all epochs from this one on. Before it the weights are what they are.
   */
  public static WeightAverage stochastic(int startEpoch) {
    return new WeightAverage(Kind.STOCHASTIC, 0, startEpoch);
  }
}
