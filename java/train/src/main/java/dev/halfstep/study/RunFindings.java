package dev.halfstep.study;

import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import java.util.Arrays;
import java.util.List;

/** The {@link Advisor}'s findings on what a run measured. */
final class RunFindings {
  private static final double VANISHING = 1e-6;
  private static final double EXPLODING = 1e3;
  private static final double COLLAPSED = 0x1p-10;
  private static final double FAR = 10;

  private RunFindings() {}

  /** On a batch far from the gradient noise scale. */
  static void addNoise(int batchSize, double scale, List<Finding> found) {
    boolean under = batchSize > 1 && batchSize * FAR < scale; // one is a finding of its own
    if (under || batchSize > scale * FAR) {
      found.add(
          Advisor.finding(
              under ? Code.BATCH_UNDER_NOISE : Code.BATCH_OVER_NOISE,
              Severity.NOTE,
              "a batch of %d where the gradient noise scale is %.0f",
              under
                  ? "a larger batch takes fewer steps at nearly the same cost in samples"
                  : "a smaller batch learns as much from fewer samples",
              batchSize,
              scale));
    }
  }

  /** On the loss scales of the steps of a run with loss scaling. */
  static void addLossScales(double[] scales, List<Finding> found) {
    if (scales.length > 1 && scales[scales.length - 1] < COLLAPSED * scales[0]) {
      found.add(
          Advisor.finding(
              Code.LOSS_SCALE_COLLAPSING,
              Severity.WARNING,
              "the loss scale fell from %s to %s",
              "train in BF16, clip the gradients, or lower the learning rate",
              scales[0],
              scales[scales.length - 1]));
    }
  }

  /** On the norms of the gradients in the steps of a run, or in some of them. */
  static void addGradients(double[] norms, List<Finding> found) {
    if (norms.length == 0) {
      return;
    }
    int largest = 0;
    for (int i = 1; i < norms.length; i++) {
      largest = Double.compare(norms[i], norms[largest]) > 0 ? i : largest; // NaN is the largest
    }
    double most = norms[largest];
    // Before it: that norms fall from the first step on is learning.
    double median = largest == 0 ? most : median(Arrays.copyOf(norms, largest));
    Object[] numbers = {median, most};
    String evidence = "gradient norms: median %.2g, then %.2g";
    if (!Double.isFinite(most)) {
      found.add(
          Advisor.finding(
              Code.GRADIENTS_NOT_FINITE,
              Severity.ERROR,
              evidence,
              "lower the learning rate; in F16 use loss scaling, or BF16",
              numbers));
    } else if (most == 0) {
      found.add(
          Advisor.finding(
              Code.GRADIENTS_ZERO,
              Severity.ERROR,
              evidence,
              "nothing is learned: look for dead ReLUs, frozen layers and constant outputs",
              numbers));
    } else if (most < VANISHING) {
      found.add(
          Advisor.finding(
              Code.GRADIENTS_VANISHING,
              Severity.WARNING,
              evidence,
              "use ReLU, normalisation or residual connections; in F16 loss scaling",
              numbers));
    } else if (most > EXPLODING * Math.max(median, VANISHING)) {
      found.add(
          Advisor.finding(
              Code.GRADIENTS_EXPLODING,
              Severity.WARNING,
              evidence,
              "clip the gradients by their norm, or lower the learning rate",
              numbers));
    }
  }

  /**
   * On the curves; what gradients have explained is not said again, nor that a run overfits which
   * was stopped for it.
   */
  static void addCurves(CurveAnalysis analysis, boolean stoppedEarly, List<Finding> found) {
    String evidence = analysis.evidence().replace("%", "%%");
    boolean explained =
        found.stream().anyMatch(other -> other.code().name().startsWith("GRADIENTS"));
    boolean overfitting = analysis.verdict() == CurveAnalysis.Verdict.OVERFITTING;
    if (overfitting ? stoppedEarly : explained) {
      return;
    }
    switch (analysis.verdict()) {
      case OSCILLATING ->
          found.add(
              Advisor.finding(
                  Code.OSCILLATING_LOSS,
                  Severity.WARNING,
                  evidence,
                  "raise the batch size or lower the learning rate"));
      case UNDERFITTING ->
          found.add(
              Advisor.finding(
                  Code.FLAT_LOSS,
                  Severity.WARNING,
                  evidence,
                  "lower the batch size, raise the learning rate, or take a larger model"));
      case OVERFITTING ->
          found.add(
              Advisor.finding(
                  Code.OVERFITTING,
                  Severity.WARNING,
                  evidence,
                  "stop early, add weight decay or dropout, or get more data"));
      case STILL_IMPROVING ->
          found.add(Advisor.finding(Code.STILL_IMPROVING, Severity.NOTE, evidence, "train longer"));
      case DIVERGED ->
          found.add(
              Advisor.finding(
                  Double.isFinite(analysis.slope())
                      ? Code.GRADIENTS_EXPLODING
                      : Code.GRADIENTS_NOT_FINITE,
                  Severity.ERROR,
                  evidence,
                  "lower the learning rate"));
      case TOO_SHORT, CONVERGED -> {}
    }
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
