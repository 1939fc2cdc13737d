package dev.halfstep.study;

import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The {@link Advisor}'s findings on the measurements of a run. */
final class RunFindings {
  private static final double VANISHING = 1e-6;
  private static final double EXPLODING = 1e3;
  private static final double COLLAPSED = 0x1p-10;

  private RunFindings() {}

  /** Adds findings on the loss scales of the steps of a run. */
  static void addLossScales(double[] scales, List<Finding> found) {
    if (scales.length > 1 && scales[scales.length - 1] < COLLAPSED * scales[0]) {
      found.add(
          Finding.of(
              Code.LOSS_SCALE_COLLAPSING,
              Severity.WARNING,
              "the loss scale fell from %s to %s",
              "train in BF16, clip the gradients, or lower the learning rate",
              Figures.of(scales[0]),
              Figures.of(scales[scales.length - 1])));
    }
  }

  /** Adds findings on the norms of the gradients in the steps of a run, or in some of them. */
  static void addGradients(double[] norms, List<Finding> found) {
    if (norms.length == 0) {
      return;
    }
    int largest = 0;
    for (int i = 1; i < norms.length; i++) {
      largest = Double.compare(norms[i], norms[largest]) > 0 ? i : largest; // NaN is largest
    }
    double most = norms[largest];
    // The median of the norms before it: if the first one is the largest, falling norms are normal.
    double median = largest == 0 ? most : median(Arrays.copyOf(norms, largest));
    Object[] numbers = {median, most};
    String evidence = "gradient norms: median %.2g, then %.2g";
    if (!Double.isFinite(most)) {
      found.add(
          Finding.of(
              Code.GRADIENTS_NOT_FINITE,
              Severity.ERROR,
              evidence,
              "lower the learning rate; in F16 use loss scaling, or BF16",
              numbers));
    } else if (most == 0) {
      found.add(
          Finding.of(
              Code.GRADIENTS_ZERO,
              Severity.ERROR,
              evidence,
              "nothing is learned: look for dead ReLUs, frozen layers and constant outputs",
              numbers));
    } else if (most < VANISHING) {
      found.add(
          Finding.of(
              Code.GRADIENTS_VANISHING,
              Severity.WARNING,
              evidence,
              "use ReLU, normalisation or residual connections; in F16 loss scaling",
              numbers));
    } else if (most > EXPLODING * Math.max(median, VANISHING)) {
      found.add(
          Finding.of(
              Code.GRADIENTS_EXPLODING,
              Severity.WARNING,
              evidence,
              "clip the gradients by their norm, or lower the learning rate",
              numbers));
    }
  }

  /**
   * Adds findings on the curves. It leaves out what the gradients explain already, and overfitting
   * of a run that early stopping ended. It does not advise longer training of a model that is no
   * better than chance, or anything that contradicts other findings.
   */
  static void addCurves(Advisor run, CurveAnalysis analysis, List<Finding> found) {
    boolean explained =
        found.stream().anyMatch(other -> other.code().name().startsWith("GRADIENTS"));
    CurveAnalysis.Verdict verdict = analysis.verdict();
    boolean overfitting = verdict == CurveAnalysis.Verdict.OVERFITTING;
    if (explained && !overfitting) {
      return;
    }
    boolean learns =
        overfitting
            || verdict == CurveAnalysis.Verdict.STILL_IMPROVING
            || verdict == CurveAnalysis.Verdict.CONVERGED;
    Optional<String> chance = learns ? run.chanceLevel() : Optional.empty();
    if (chance.isPresent()) {
      found.add(
          new Finding(
              Code.AT_CHANCE,
              Severity.WARNING,
              chance.get(),
              "training longer does not help: see whether features and labels belong together, and"
                  + " find the learning rate with the learning-rate finder"));
      return;
    }
    String lowerBatch = SettingFindings.mayLowerBatch(run, found) ? "lower the batch size" : "";
    String raiseBatch = SettingFindings.mayRaiseBatch(run, found) ? "raise the batch size" : "";
    String raiseRate = SettingFindings.mayRaiseRate(found) ? "raise the learning rate" : "";
    String advice =
        switch (verdict) {
          case OSCILLATING -> either(raiseBatch, "lower the learning rate");
          case UNDERFITTING -> either(lowerBatch, raiseRate, "take a larger model");
          case OVERFITTING ->
              either("stop early", "add weight decay or dropout", lowerBatch, "get more data");
          case STILL_IMPROVING -> "train longer";
          case DIVERGED -> "lower the learning rate";
          case TOO_SHORT, CONVERGED -> "";
        };
    if (advice.isEmpty() || (overfitting && run.wasStoppedEarly())) {
      return;
    }
    Severity severity =
        switch (verdict) {
          case DIVERGED -> Severity.ERROR;
          case STILL_IMPROVING -> Severity.NOTE;
          default -> Severity.WARNING;
        };
    found.add(new Finding(code(analysis), severity, analysis.evidence(), advice));
  }

  /** Joins the remedies that are not empty: "a, b, or c". */
  private static String either(String... remedies) {
    List<String> some = Arrays.stream(remedies).filter(remedy -> !remedy.isEmpty()).toList();
    int last = some.size() - 1;
    String before = String.join(", ", some.subList(0, last));
    return before + (last == 0 ? "" : last == 1 ? " or " : ", or ") + some.get(last);
  }

  private static Code code(CurveAnalysis analysis) {
    return switch (analysis.verdict()) {
      case OSCILLATING -> Code.OSCILLATING_LOSS;
      case UNDERFITTING -> Code.FLAT_LOSS;
      case OVERFITTING -> Code.OVERFITTING;
      case STILL_IMPROVING -> Code.STILL_IMPROVING;
      default ->
          Double.isFinite(analysis.slope()) ? Code.GRADIENTS_EXPLODING : Code.GRADIENTS_NOT_FINITE;
    };
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
