package dev.halfstep.metric;

import java.util.function.IntToDoubleFunction;

/**
 * A confusion matrix: how many samples of each class were predicted as each class. Counts add up
 * exactly over batches. Precision, recall and F1 are means over the classes that occur as label or
 * prediction, with equal weight ("macro"). As in scikit-learn, a class that was never predicted has
 * precision 0, and one that is never a label has recall 0; without samples all are 0. Immutable.
 */
public final class Confusion {
  private final int classes;
  private final long[] counts;

  /**
   * A matrix of counts {@code [label, predicted]}.
   *
   * @throws IllegalArgumentException if their number is not classes * classes
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

  /**
   * The number of samples of class {@code label} that were predicted as class {@code predicted}.
   */
  public long count(int label, int predicted) {
    return counts[label * classes + predicted];
  }

  /** The mean over classes of TP / (TP + FP). */
  public double precision() {
    return mean(c -> part(count(c, c), predicted(c)));
  }

  /** The mean over classes of TP / (TP + FN). */
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
