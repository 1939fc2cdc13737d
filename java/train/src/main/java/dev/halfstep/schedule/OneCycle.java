package dev.halfstep.schedule;

import java.util.OptionalDouble;

/**
 * The one-cycle policy (Smith and Topin, 2018) as PyTorch's {@code OneCycleLR}: the rate rises from
 * 1 / div to 1 and falls to 1 / (div finalDiv), the momentum falls while the rate rises and rises
 * while it falls, both along half cosine waves.
 *
 * @param rising the part of the run in which the rate rises: 0.3
 * @param div the first rate is the highest divided by it: 25
 * @param finalDiv the last rate is the first divided by it: 1e4
 * @param highMomentum where the momentum begins and ends: 0.95
 * @param lowMomentum the momentum at the highest rate: 0.85
 */
public record OneCycle(
    double rising, double div, double finalDiv, double highMomentum, double lowMomentum)
    implements Schedule {
  /** PyTorch's defaults. */
  public static final OneCycle DEFAULT = new OneCycle(0.3, 25, 1e4, 0.95, 0.85);

  /** Checks the numbers. */
  public OneCycle {
    boolean momenta = lowMomentum >= 0 && lowMomentum <= highMomentum && highMomentum < 1;
    if (!(rising > 0 && rising < 1) || !(div >= 1) || !(finalDiv >= 1) || !momenta) {
      throw new IllegalArgumentException(
          "one cycle needs rising in (0, 1), div and finalDiv of at least 1, and 0 <= lowMomentum"
              + " <= highMomentum < 1: it was given rising "
              + rising
              + ", div "
              + div
              + ", finalDiv "
              + finalDiv
              + ", momenta "
              + highMomentum
              + " and "
              + lowMomentum);
    }
  }

  @Override
  public double factor(Progress progress) {
    return between(progress, 1 / div, 1, 1 / (div * finalDiv));
  }

  @Override
  public OptionalDouble momentum(Progress progress) {
    return OptionalDouble.of(between(progress, highMomentum, lowMomentum, highMomentum));
  }

  /**
   * PyTorch's two phases: the first ends with update rising * total - 1, the second with the last
   * update.
   */
  private double between(Progress progress, double first, double middle, double last) {
    double total = progress.epochs() * progress.updatesPerEpoch();
    double update = progress.fraction() * total;
    double top = Math.max(rising * total - 1, 0);
    if (update <= top) {
      return top == 0 ? middle : cosine(first, middle, update / top);
    }
    return cosine(middle, last, Math.min(1, (update - top) / (total - 1 - top)));
  }

  /** Half a cosine wave from one value to another; part is in [0, 1]. */
  static double cosine(double from, double to, double part) {
    return to + (from - to) * (1 + Math.cos(Math.PI * part)) / 2;
  }
}
