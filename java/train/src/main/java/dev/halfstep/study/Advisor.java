package dev.halfstep.study;

import dev.halfstep.data.Dataset;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * Finds common mistakes in a run's settings before the run, or in its results afterwards. Each
 * mistake gives one finding, and a run without mistakes none. Immutable: each method returns an
 * advisor with one more fact; it does not judge facts that it was not given.
 *
 * <pre>{@code
 * List<Finding> findings =
 *     Advisor.of(train.size(), 64, 0.001).epochs(30).validation(500).history(history).findings();
 * }</pre>
 */
public final class Advisor {
  private static final double WAITING = 0.3;

  final int samples;
  final int batchSize;
  final double learningRate;
  Optional<Optimizer> optimizer = Optional.empty();
  int epochs = 1;
  int validation = -1;
  int microBatch = Integer.MAX_VALUE;
  int fits = Integer.MAX_VALUE;
  RulesOfThumb.Range usual;
  Optional<RulesOfThumb.Range> usualEpochs = Optional.empty();
  boolean dropLast;
  boolean batchNorm;
  private boolean unshuffled;
  int rateBatch;
  private Optional<CurveAnalysis> curves = Optional.empty();
  private boolean stoppedEarly;
  private double[] gradientNorms = {};
  private double[] lossScales = {};
  private double waiting;
  OptionalDouble noiseScale = OptionalDouble.empty();
  OptionalDouble initialNoise = OptionalDouble.empty();
  private OptionalDouble chance = OptionalDouble.empty();
  private OptionalDouble accuracy = OptionalDouble.empty();
  private double judged;
  private List<Finding> parts = List.of();

  private Advisor(int samples, int batchSize, double learningRate) {
    this.samples = samples;
    this.batchSize = batchSize;
    this.learningRate = learningRate;
    this.rateBatch = batchSize;
    this.usual = new RulesOfThumb.Range(Math.min(8, samples), Math.min(256, samples));
  }

  /**
   * An advisor for a run over {@code samples} training samples.
   *
   * @param learningRate the learning rate of full batches, after scaling with the batch size
   */
  public static Advisor of(int samples, int batchSize, double learningRate) {
    return new Advisor(samples, batchSize, learningRate);
  }

  private Advisor with(Consumer<Advisor> change) {
    Advisor next = new Advisor(samples, batchSize, learningRate);
    next.optimizer = optimizer;
    next.fits = fits;
    next.usual = usual;
    next.usualEpochs = usualEpochs;
    next.initialNoise = initialNoise;
    next.chance = chance;
    next.accuracy = accuracy;
    next.judged = judged;
    next.epochs = epochs;
    next.validation = validation;
    next.microBatch = microBatch;
    next.dropLast = dropLast;
    next.batchNorm = batchNorm;
    next.unshuffled = unshuffled;
    next.rateBatch = rateBatch;
    next.curves = curves;
    next.stoppedEarly = stoppedEarly;
    next.gradientNorms = gradientNorms;
    next.lossScales = lossScales;
    next.waiting = waiting;
    next.noiseScale = noiseScale;
    next.parts = parts;
    change.accept(next);
    return next;
  }

  /** The optimizer; without it, SGD without momentum is assumed. */
  public Advisor optimizer(Optimizer optimizer) {
    return with(next -> next.optimizer = Optional.of(optimizer));
  }

  /** The usual batch sizes, from {@link RulesOfThumb} (by default 8 to 256). */
  public Advisor usualBatches(RulesOfThumb.Range batchSizes) {
    return with(next -> next.usual = batchSizes);
  }

  /** The usual numbers of epochs; without it, the number of epochs is not judged. */
  public Advisor usualEpochs(RulesOfThumb.Range epochs) {
    return with(next -> next.usualEpochs = Optional.of(epochs));
  }

  /** The largest batch that fits into memory, from {@link LargestBatch}. */
  public Advisor largestBatch(int batchSize) {
    return with(next -> next.fits = batchSize);
  }

  /**
   * The training samples. The share of their largest class is the accuracy that is no better than
   * chance. Only data with one label per sample are judged.
   */
  public Advisor trainingData(Dataset train) {
    return with(next -> next.chance = largestClass(train));
  }

  /** The number of epochs of the run; 2^31 - 1 if it is not known. */
  public Advisor epochs(int epochs) {
    return with(next -> next.epochs = epochs);
  }

  /** The number of validation samples; 0 for none. */
  public Advisor validation(int samples) {
    return with(next -> next.validation = samples);
  }

  /**
   * A held-out part, to compare with the training samples. If it has other classes, the curves give
   * no advice, because they show that difference.
   *
   * @param part the part's purpose: "validation" or "test"
   */
  public Advisor heldOut(String part, Dataset train, Dataset heldOut) {
    List<Finding> more = new ArrayList<>(parts);
    PartFindings.of(part, train, heldOut).ifPresent(more::add);
    return with(next -> next.parts = List.copyOf(more));
  }

  /** The number of samples that are computed at once. */
  public Advisor microBatch(int microBatch) {
    return with(next -> next.microBatch = microBatch);
  }

  /** Whether a short last batch is left out. */
  public Advisor dropLast(boolean dropLast) {
    return with(next -> next.dropLast = dropLast);
  }

  /** Whether the model has batch normalisation. */
  public Advisor batchNorm(boolean batchNorm) {
    return with(next -> next.batchNorm = batchNorm);
  }

  /**
   * States that the caller's own training loop visits these data in their order. A trainer shuffles
   * them.
   */
  public Advisor inOrder(Dataset data) {
    return with(next -> next.unshuffled = isSorted(data));
  }

  /**
   * Another batch size for which the learning rate was chosen, or with which it is used too, such
   * as that of a schedule that changes the batch size but not the rate.
   */
  public Advisor rateChosenFor(int batchSize) {
    return with(next -> next.rateBatch = batchSize);
  }

  /**
   * The results of the run: its curves, the norms of the gradients, how long the device waited for
   * data, the loss scales if there was loss scaling, and the median of the gradient noise scales
   * that were measured with this batch size. (A single measurement uses few batches and may be
   * wrong by a factor of ten.)
   */
  public Advisor history(History history) {
    Advisor next = curves(CurveAnalysis.of(history)).gradientNorms(norms(history));
    if (history.bestEpoch() > 0) {
      EpochRecord best = history.epochs().get(history.bestEpoch() - 1);
      Metrics metrics = best.validation().orElse(best.train());
      next = next.accuracy(metrics.accuracy(), metrics.rows());
    }
    next = next.waitingForData(history.waiting());
    next = next.stoppedEarly(history.stopReason().kind() == StopReason.Kind.EARLY_STOPPING);
    float[] scales = history.lossScales();
    double[] all = new double[scales.length];
    boolean scaled = false;
    for (int i = 0; i < all.length; i++) {
      all[i] = scales[i];
      scaled |= scales[i] != 1;
    }
    next = scaled ? next.lossScales(all) : next;
    double[] noise =
        history.epochs().stream()
            .filter(epoch -> epoch.batchSize() == batchSize && epoch.noiseScale().isPresent())
            .mapToDouble(epoch -> epoch.noiseScale().orElseThrow())
            .sorted()
            .toArray();
    return noise.length > 0 ? next.noiseScale(OptionalDouble.of(noise[noise.length / 2])) : next;
  }

  /** The accuracy of the best epoch, in [0, 1], and the number of rows that it was measured on. */
  Advisor accuracy(double share, double rows) {
    return with(
        next -> {
          next.accuracy = OptionalDouble.of(share);
          next.judged = rows;
        });
  }

  /** Whether early stopping ended the run: overfitting that it stopped is then not a mistake. */
  Advisor stoppedEarly(boolean stopped) {
    return with(next -> next.stoppedEarly = stopped);
  }

  /** The gradient norms of the measured steps, and of the last step of each epoch. */
  private static double[] norms(History history) {
    List<Double> norms = new ArrayList<>();
    float[] ofSteps = history.gradientNorms();
    int step = 0;
    for (EpochRecord epoch : history.epochs()) {
      for (int end = step + epoch.steps(); step < end; step++) {
        if (ofSteps[step] != 0) {
          norms.add((double) ofSteps[step]);
        }
      }
      if (epoch.gradients().nonfinite() == 0) {
        norms.add(epoch.gradients().norm());
      }
    }
    return norms.stream().mapToDouble(Double::doubleValue).toArray();
  }

  Advisor curves(CurveAnalysis analysis) {
    return with(next -> next.curves = Optional.of(analysis));
  }

  /** The norm of the gradients in each step. */
  public Advisor gradientNorms(double... norms) {
    double[] copy = norms.clone();
    return with(next -> next.gradientNorms = copy);
  }

  /** The loss scale of each step of a run with loss scaling. */
  public Advisor lossScales(double... scales) {
    double[] copy = scales.clone();
    return with(next -> next.lossScales = copy);
  }

  /**
   * The part of the time in which the device waited for data, in [0, 1], from {@link
   * TrainingSession#waiting}: in the caller's own training loop, or with streamed data.
   */
  public Advisor waitingForData(double part) {
    return with(next -> next.waiting = part);
  }

  /** The gradient noise scale of the run, if it could be measured. */
  public Advisor noiseScale(OptionalDouble scale) {
    return with(next -> next.noiseScale = scale);
  }

  /**
   * The gradient noise scale at the initial weights, if it could be measured. It grows during
   * training, so it is no reason against a usual batch size far above it.
   */
  public Advisor initialNoiseScale(OptionalDouble scale) {
    return with(next -> next.initialNoise = scale);
  }

  /** The share of the largest class; empty if there are no classes. */
  private static OptionalDouble largestClass(Dataset data) {
    if (!data.form().hasOneLabel()) {
      return OptionalDouble.empty();
    }
    int[] counts = new int[data.classes()];
    int most = 0;
    int all = 0;
    for (int label : data.labels()) {
      if (label >= 0 && label < counts.length) {
        most = Math.max(most, ++counts[label]);
        all++;
      }
    }
    return most == all ? OptionalDouble.empty() : OptionalDouble.of((double) most / all);
  }

  /** Whether the samples are sorted by class. */
  private static boolean isSorted(Dataset data) {
    if (!data.form().hasOneLabel()) {
      return false;
    }
    int[] labels = data.labels();
    for (int i = 1; i < labels.length; i++) {
      if (labels[i] < labels[i - 1]) {
        return false;
      }
    }
    return labels[0] != labels[labels.length - 1];
  }

  /** All findings, the worst first. */
  public List<Finding> findings() {
    List<Finding> found = new ArrayList<>(parts);
    SettingFindings.add(this, found);
    adviseOnData(found);
    RunFindings.addLossScales(lossScales, found);
    RunFindings.addGradients(gradientNorms, found);
    curves
        .filter(analysis -> parts.isEmpty() || analysis.verdict() == CurveAnalysis.Verdict.DIVERGED)
        .ifPresent(analysis -> RunFindings.addCurves(this, analysis, found));
    found.sort((a, b) -> b.severity().compareTo(a.severity()));
    return List.copyOf(found);
  }

  private void adviseOnData(List<Finding> found) {
    if (unshuffled) {
      found.add(
          Finding.of(
              Code.NOT_SHUFFLED,
              Severity.ERROR,
              "the samples are sorted by class and visited in order",
              "shuffle them each epoch"));
    }
    if (waiting > WAITING) {
      found.add(
          Finding.of(
              Code.SLOW_LOADER,
              Severity.WARNING,
              "the device waits for data %.0f %% of the time",
              "keep the data on the device, within its memory and dataMemory, or prepare batches"
                  + " ahead",
              100 * waiting));
    }
  }

  /** Whether early stopping ended the run. */
  boolean wasStoppedEarly() {
    return stoppedEarly;
  }

  /**
   * The evidence that the model is no better than chance; empty if it is better, or that is not
   * known.
   */
  Optional<String> chanceLevel() {
    if (chance.isEmpty() || accuracy.isEmpty()) {
      return Optional.empty();
    }
    double share = chance.getAsDouble();
    double luck = 2 * Math.sqrt(share * (1 - share) / judged); // two standard errors
    return accuracy.getAsDouble() > share + luck
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "%.1f %% of %.0f samples are right at best, and naming the largest class would be"
                    + " for %.1f %%",
                100 * accuracy.getAsDouble(),
                judged,
                100 * share));
  }
}
