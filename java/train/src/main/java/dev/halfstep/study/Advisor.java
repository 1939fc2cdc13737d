package dev.halfstep.study;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Labels;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import dev.halfstep.train.EpochRecord;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.TrainingSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * Names common mistakes of a run, before it or after: each gives one finding, and a clean run none.
 * Immutable: each method gives an advisor that knows one thing more, and what it is not told it
 * does not judge.
 *
 * <pre>{@code
 * Advisor.of(train.size(), 64, 0.001).epochs(30).validation(500).history(history).findings()
 * }</pre>
 */
public final class Advisor {
  private static final int BATCH_NORM_LEAST = 16;
  private static final int LONG_RUN = 10;
  private static final double HIGH_RATE = 0.05;
  private static final int SMALL_BATCH = 64;
  private static final double WAITING = 0.3;

  private final int samples;
  private final int batchSize;
  private final double learningRate;
  private int epochs = 1;
  private int validation = -1;
  private int microBatch = Integer.MAX_VALUE;
  private boolean dropLast;
  private boolean batchNorm;
  private boolean unshuffled;
  private int rateBatch;
  private Optional<CurveAnalysis> curves = Optional.empty();
  private boolean stoppedEarly;
  private double[] gradientNorms = {};
  private double[] lossScales = {};
  private double waiting;
  private OptionalDouble noiseScale = OptionalDouble.empty();
  private List<Finding> parts = List.of();

  private Advisor(int samples, int batchSize, double learningRate) {
    this.samples = samples;
    this.batchSize = batchSize;
    this.learningRate = learningRate;
    this.rateBatch = batchSize;
  }

  /** An advisor on a run over so many training samples. */
  public static Advisor of(int samples, int batchSize, double learningRate) {
    return new Advisor(samples, batchSize, learningRate);
  }

  private Advisor with(Consumer<Advisor> change) {
    Advisor next = new Advisor(samples, batchSize, learningRate);
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

  /** How many epochs the run has. */
  public Advisor epochs(int epochs) {
    return with(next -> next.epochs = epochs);
  }

  /** How many validation samples there are; 0 for none. */
  public Advisor validation(int samples) {
    return with(next -> next.validation = samples);
  }

  /**
   * What is held out of the training samples. Where it has other classes, no advice is drawn from
   * the curves: that is why they look so.
   *
   * @param part what it is for: "validation", "test"
   */
  public Advisor heldOut(String part, Dataset train, Dataset heldOut) {
    List<Finding> more = new ArrayList<>(parts);
    PartFindings.of(part, train, heldOut).ifPresent(more::add);
    return with(next -> next.parts = List.copyOf(more));
  }

  /** How many samples are computed at once. */
  public Advisor microBatch(int microBatch) {
    return with(next -> next.microBatch = microBatch);
  }

  /** That a short last batch is left out. */
  public Advisor dropLast(boolean dropLast) {
    return with(next -> next.dropLast = dropLast);
  }

  /** Whether the model has batch normalisation. */
  public Advisor batchNorm(boolean batchNorm) {
    return with(next -> next.batchNorm = batchNorm);
  }

  /**
   * That a loop of the caller's own visits these data in the order in which they lie. A trainer
   * shuffles.
   */
  public Advisor inOrder(Dataset data) {
    return with(next -> next.unshuffled = isSorted(data));
  }

  /**
   * Another batch size for which the learning rate was chosen, or with which it is used too, as
   * where a schedule changes the batch and the rate stays.
   */
  public Advisor rateChosenFor(int batchSize) {
    return with(next -> next.rateBatch = batchSize);
  }

  /**
   * What the run was: its curves, the norms of the gradients, the loss scales where there was loss
   * scaling, and the median of the gradient noise scales that were measured with this batch size: a
   * single one, of the few batches that are looked at after an epoch, is easily off by ten.
   */
  public Advisor history(History history) {
    Advisor next = curves(CurveAnalysis.of(history)).gradientNorms(norms(history));
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

  /** That early stopping ended the run: what it is there for is no mistake then. */
  Advisor stoppedEarly(boolean stopped) {
    return with(next -> next.stoppedEarly = stopped);
  }

  /** Of the steps that were measured, and of the last one of each epoch. */
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
   * The part of the time in which the device waited for data, in [0, 1]: what {@link
   * TrainingSession#waiting} says of a loop of the caller's own, or of data that stream.
   */
  public Advisor waitingForData(double part) {
    return with(next -> next.waiting = part);
  }

  /** The measured gradient noise scale, if it could be measured. */
  public Advisor noiseScale(OptionalDouble scale) {
    return with(next -> next.noiseScale = scale);
  }

  /** Whether labels never fall: sorted by class. */
  private static boolean isSorted(Dataset data) {
    if (!(data.targets() instanceof Labels) || data.classes() < 2) {
      return false;
    }
    for (int i = 1; i < data.size(); i++) {
      if (data.label(i) < data.label(i - 1)) {
        return false;
      }
    }
    return data.label(0) != data.label(data.size() - 1);
  }

  /** All findings, the worst first. */
  public List<Finding> findings() {
    List<Finding> found = new ArrayList<>(parts);
    adviseOnSizes(found);
    adviseOnBatch(found);
    noiseScale.ifPresent(scale -> RunFindings.addNoise(batchSize, scale, found));
    RunFindings.addLossScales(lossScales, found);
    RunFindings.addGradients(gradientNorms, found);
    curves
        .filter(analysis -> parts.isEmpty() || analysis.verdict() == CurveAnalysis.Verdict.DIVERGED)
        .ifPresent(analysis -> RunFindings.addCurves(analysis, stoppedEarly, found));
    found.sort((a, b) -> b.severity().compareTo(a.severity()));
    return List.copyOf(found);
  }

  private void adviseOnSizes(List<Finding> found) {
    if (batchSize > samples) {
      boolean window = microBatch < samples;
      found.add(
          finding(
              window ? Code.WINDOW_OVER_EPOCH : Code.BATCH_OVER_DATA,
              Severity.ERROR,
              "an update of %d samples, but an epoch has %d",
              "give a batch of at most the data",
              batchSize,
              samples));
    }
    int computed = Math.min(batchSize, microBatch);
    int last = samples % batchSize;
    int lastComputed = last % computed;
    if (!dropLast && batchSize <= samples && last > 0) {
      if (batchNorm && lastComputed == 1 && computed > 1) {
        found.add(
            finding(
                Code.SHORT_LAST_BATCH,
                Severity.ERROR,
                "the last batch of an epoch leaves batch normalisation one sample",
                "drop the last batch, or take another batch size"));
      } else if (last * 8 < batchSize) {
        found.add(
            finding(
                Code.SHORT_LAST_BATCH,
                Severity.WARNING,
                "the last batch of an epoch has %d of %d samples, and its update counts as much",
                "drop the last batch, or take a batch size that leaves more",
                last,
                batchSize));
      }
    }
    if (batchNorm && computed < BATCH_NORM_LEAST && computed > 1) {
      found.add(
          finding(
              Code.SMALL_BATCH_NORM,
              Severity.WARNING,
              "batch normalisation over %d samples",
              "take at least 16, better 32, or layer or group normalisation",
              computed));
    }
    if (batchSize == 1) {
      found.add(
          finding(
              Code.BATCH_OF_ONE,
              Severity.WARNING,
              "every sample is an update",
              "a batch of 32 uses the device far better and is less noisy"));
    }
    if (validation == 0 && epochs >= LONG_RUN) {
      found.add(
          finding(
              Code.NO_VALIDATION,
              Severity.WARNING,
              "%d epochs without validation data",
              "hold out a tenth: without it nobody sees overfitting",
              epochs));
    }
    if (unshuffled) {
      found.add(
          finding(
              Code.NOT_SHUFFLED,
              Severity.ERROR,
              "the samples are sorted by class and visited in order",
              "shuffle them each epoch"));
    }
  }

  private void adviseOnBatch(List<Finding> found) {
    if (rateBatch != batchSize) {
      found.add(
          finding(
              Code.BATCH_WITHOUT_RATE,
              Severity.WARNING,
              "the learning rate %s is the same for batches of %d and of %d",
              "scale it linearly (SGD) or with the root (Adam)",
              learningRate,
              rateBatch,
              batchSize));
    }
    if (learningRate > HIGH_RATE && batchSize < SMALL_BATCH) {
      found.add(
          finding(
              Code.HIGH_RATE_SMALL_BATCH,
              Severity.WARNING,
              "a learning rate of %s with a batch of %d",
              "lower the rate below 0.05, or raise the batch to 64",
              learningRate,
              batchSize));
    }
    if (waiting > WAITING) {
      found.add(
          finding(
              Code.SLOW_LOADER,
              Severity.WARNING,
              "the device waits for data %.0f %% of the time",
              "keep the data on the device, within its memory and dataMemory, or prepare batches"
                  + " ahead",
              100 * waiting));
    }
  }

  static Finding finding(
      Code code, Severity severity, String evidence, String advice, Object... values) {
    return new Finding(code, severity, String.format(Locale.ROOT, evidence, values), advice);
  }
}
