package dev.halfstep.metric;

import java.util.function.IntToDoubleFunction;

/**
 * How often each class was taken for each: counts over the samples of a data set, which add up
 * exactly over batches. Precision, recall and F1 are the means over the classes that occur, as
 * label or prediction, each class with the same weight ("macro"); a class that was never predicted
 * has precision 0, one that is no sample's label recall 0, as in scikit-learn; of no samples all
 * are 0. Immutable.
 */
public final class Confusion {
  private final int classes;
  private final long[] counts;

  /**
   * Of counts {@code [label, predicted]}.
   *
   * @throws IllegalArgumentException if there are not classes * classes of them
   */
  public Confusion(int classes, long... counts) {
    if (classes < 1 || counts.length != classes * classes) {
      throw new IllegalArgumentException(
          classes + " classes have " + classes + "^2 counts, not " + counts.length);
    }
    this.classes = classes;
    this.counts = counts.clone();
  }

  /** How many classes there are. */
  public int classes() {
    return classes;
  }

  /** Samples of one class that were taken for another, or for itself. */
  public long count(int label, int predicted) {
    return counts[label * classes + predicted];
  }

  /** The mean over classes of: of those predicted to be of it, the part that is. */
  public double precision() {
    return mean(c -> part(count(c, c), predicted(c)));
  }

  /** The mean over classes of: of those that are of it, the part predicted to be. */
  public double recall() {
    return mean(c -> part(count(c, c), labelled(c)));
  }

  /** The mean over classes of 2 TP / (2 TP + FP + FN). */
  public double f1() {
    return mean(c -> part(2 * count(c, c), predicted(c) + labelled(c)));
  }

  private long labelled(int label) {
    long sum = 0;
    for (int c = 0; c < classes; c++) {
      sum += count(label, c);
    }
    return sum;
  }

  private long predicted(int predicted) {
    long sum = 0;
    for (int c = 0; c < classes; c++) {
      sum += count(c, predicted);
    }
    return sum;
  }

  private static double part(long of, long all) {
    return all == 0 ? 0 : (double) of / all;
  }

  private double mean(IntToDoubleFunction value) {
    double sum = 0;
    int occurring = 0;
    for (int c = 0; c < classes; c++) {
      if (labelled(c) + predicted(c) > 0) {
        sum += value.applyAsDouble(c);
        occurring++;
      }
    }
    return occurring == 0 ? 0 : sum / occurring;
  }
}
