package dev.halfstep.study;

import dev.halfstep.optim.Adam;
import dev.halfstep.optim.AdamW;
import dev.halfstep.optim.Lamb;
import dev.halfstep.optim.Lars;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.Sgd;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The {@link Advisor}'s findings on the settings of a run. Measurements take precedence over usual
 * values, and no two findings ask for opposite changes: the batch size is judged first, and later
 * findings keep to its direction.
 */
final class SettingFindings {
  private static final int BATCH_NORM_LEAST = 16;
  private static final int LONG_RUN = 10;
  private static final double HIGH_RATE = 0.05;
  private static final int SMALL_BATCH = 64;
  private static final double LARGE_BATCH = 256;
  private static final double FAR = 10;
  private static final int USUAL = 32;

  private static final Set<Code> RAISE =
      EnumSet.of(Code.BATCH_OF_ONE, Code.BATCH_SMALL, Code.BATCH_UNDER_NOISE);
  private static final Set<Code> LOWER =
      EnumSet.of(
          Code.BATCH_LARGE,
          Code.BATCH_OVER_NOISE,
          Code.BATCH_OVER_DATA,
          Code.BATCH_OVER_MEMORY,
          Code.WINDOW_OVER_EPOCH);
  private static final Set<Code> LOWER_RATE =
      EnumSet.of(Code.HIGH_RATE, Code.HIGH_RATE_SMALL_BATCH);

  private SettingFindings() {}

  static void add(Advisor run, List<Finding> found) {
    addBatch(run, found);
    addLastBatch(run, found);
    addRate(run, found);
    addLength(run, found);
  }

  /** Whether no finding contradicts a larger batch. */
  static boolean mayRaiseBatch(Advisor run, List<Finding> found) {
    return run.batchSize < run.usual.most() && !has(found, LOWER);
  }

  /** Whether no finding contradicts a smaller batch. */
  static boolean mayLowerBatch(Advisor run, List<Finding> found) {
    return run.batchSize > run.usual.least()
        && !has(found, RAISE)
        && !has(found, EnumSet.of(Code.SMALL_BATCH_NORM));
  }

  /** Whether no finding contradicts a higher learning rate. */
  static boolean mayRaiseRate(List<Finding> found) {
    return !has(found, LOWER_RATE);
  }

  private static boolean has(List<Finding> found, Set<Code> codes) {
    return found.stream().anyMatch(finding -> codes.contains(finding.code()));
  }

  private static void add(
      List<Finding> found, Code code, Severity severity, String evidence, String advice) {
    found.add(new Finding(code, severity, evidence, advice));
  }

  private static void addBatch(Advisor run, List<Finding> found) {
    int batch = run.batchSize;
    int computed = Math.min(batch, run.microBatch);
    if (batch > run.samples) {
      add(
          found,
          run.microBatch < run.samples ? Code.WINDOW_OVER_EPOCH : Code.BATCH_OVER_DATA,
          Severity.ERROR,
          "an update of " + batch + " samples, but an epoch has " + run.samples,
          "give a batch of at most the data");
      return;
    }
    if (batch > run.fits) {
      add(
          found,
          Code.BATCH_OVER_MEMORY,
          Severity.ERROR,
          "a batch of " + batch + ", but " + run.fits + " fit into memory",
          "a micro-batch of at most " + run.fits + " computes the same in less memory");
    }
    if (batch == 1) {
      add(
          found,
          Code.BATCH_OF_ONE,
          Severity.WARNING,
          "every sample is an update",
          "a batch of "
              + Math.max(run.usual.least(), Math.min(USUAL, run.usual.most()))
              + " uses the device far better and is less noisy");
      return;
    }
    if (run.batchNorm && computed < BATCH_NORM_LEAST && computed > 1) {
      add(
          found,
          Code.SMALL_BATCH_NORM,
          Severity.WARNING,
          "batch normalisation over " + computed + " samples",
          run.samples < BATCH_NORM_LEAST
              ? "take layer or group normalisation"
              : "take a "
                  + (computed < batch ? "micro-batch" : "batch")
                  + " of at least 16, better 32, or layer or group normalisation");
    }
    if (!has(found, EnumSet.of(Code.BATCH_OVER_MEMORY))) {
      addSize(run, computed < batch || found.isEmpty(), found);
    }
  }

  /**
   * Adds a finding if the batch size is far from the measured noise scale or, without that, from
   * usual sizes.
   */
  private static void addSize(Advisor run, boolean smallIsNews, List<Finding> found) {
    int batch = run.batchSize;
    double measured = run.noiseScale.orElse(Double.NaN);
    double noise = run.noiseScale.orElse(run.initialNoise.orElse(Double.NaN));
    String range =
        run.usual.least() == run.usual.most()
            ? run.usual.least() + " is"
            : run.usual.least() + " to " + run.usual.most() + " are";
    String usual = "a batch of " + batch + ", where " + range + " usual";
    String scale =
        "a batch of "
            + batch
            + " where the gradient noise scale is "
            + Figures.of(noise < FAR ? noise : Math.rint(noise));
    if (batch < run.usual.most() && batch * FAR < noise) {
      add(
          found,
          Code.BATCH_UNDER_NOISE,
          Severity.NOTE,
          scale,
          "a larger batch takes fewer steps at nearly the same cost in samples");
    } else if ((batch > run.usual.most() && batch > noise * FAR)
        || (batch > run.usual.least() && batch > measured * FAR)) {
      add(
          found,
          Code.BATCH_OVER_NOISE,
          Severity.NOTE,
          scale,
          "a smaller batch learns as much from fewer samples");
    } else if (batch > run.usual.most()) {
      add(
          found,
          Code.BATCH_LARGE,
          Severity.NOTE,
          usual,
          "take a usual one first; a larger one makes fewer updates of the same epochs, and needs a"
              + " higher rate with a warm-up");
    } else if (batch < run.usual.least() && smallIsNews && !(batch > measured * FAR)) {
      add(
          found,
          Code.BATCH_SMALL,
          Severity.NOTE,
          usual,
          "a larger batch uses the device better and is less noisy");
    }
  }

  private static void addLastBatch(Advisor run, List<Finding> found) {
    int batch = run.batchSize;
    int last = run.samples % batch;
    if (run.dropLast || batch > run.samples || last == 0) {
      return;
    }
    int computed = Math.min(batch, run.microBatch);
    OptionalInt better = better(run, found);
    String advice =
        "drop the last batch, or take another batch size"
            + (better.isPresent() ? " such as " + better.getAsInt() : "");
    if (run.batchNorm && last % computed == 1 && computed > 1) {
      add(
          found,
          Code.SHORT_LAST_BATCH,
          Severity.ERROR,
          "the last batch of an epoch leaves batch normalisation one sample",
          advice);
    } else if (isShort(last, batch)) {
      add(
          found,
          Code.SHORT_LAST_BATCH,
          last * 8L < batch ? Severity.WARNING : Severity.NOTE,
          "the last batch of an epoch has "
              + last
              + " of "
              + batch
              + " samples, and its update counts as much",
          advice);
    }
  }

  private static boolean isShort(int last, int batch) {
    return last > 0 && last * 2L < batch;
  }

  /** The nearest usual batch size whose last batch is not short. */
  private static OptionalInt better(Advisor run, List<Finding> found) {
    int least = has(found, RAISE) ? Math.max(run.batchSize, run.usual.least()) : run.usual.least();
    int most = Math.min(run.samples, run.usual.most());
    most = has(found, LOWER) ? Math.min(run.batchSize, most) : most;
    int nearest = 0;
    for (int size = least; size <= most; size++) {
      int last = run.samples % size;
      if (!isShort(last, size)
          && last != 1
          && (nearest == 0 || Math.abs(size - run.batchSize) < Math.abs(nearest - run.batchSize))) {
        nearest = size;
      }
    }
    return nearest == 0 ? OptionalInt.empty() : OptionalInt.of(nearest);
  }

  private static void addRate(Advisor run, List<Finding> found) {
    double rate = run.learningRate;
    if (run.rateBatch != run.batchSize) {
      add(
          found,
          Code.BATCH_WITHOUT_RATE,
          Severity.WARNING,
          "the learning rate "
              + Figures.of(rate)
              + " is the same for batches of "
              + run.rateBatch
              + " and of "
              + run.batchSize,
          "scale it linearly (SGD) or with the root (Adam)");
    }
    Optimizer optimizer = run.optimizer.orElse(null);
    double high = highest(optimizer, run.batchSize);
    boolean small = run.batchSize < SMALL_BATCH && !(optimizer instanceof Lars);
    String evidence =
        "a learning rate of " + Figures.of(rate) + " with a batch of " + run.batchSize;
    if (small && rate > HIGH_RATE) {
      add(
          found,
          Code.HIGH_RATE_SMALL_BATCH,
          Severity.WARNING,
          evidence,
          "lower the rate to at most " + Figures.of(Math.min(HIGH_RATE, high)));
    } else if (rate > high) {
      add(
          found,
          Code.HIGH_RATE,
          Severity.WARNING,
          evidence,
          "lower the rate to at most "
              + Figures.of(high)
              + ", or find one with the learning-rate finder");
    }
  }

  /**
   * A learning rate above which few runs learn: several times the usual one for batches up to 256,
   * and scaled up for larger batches.
   */
  private static double highest(@Nullable Optimizer optimizer, int batchSize) {
    double more = Math.max(1, batchSize / LARGE_BATCH);
    if (optimizer instanceof Adam || optimizer instanceof AdamW) {
      return 0.03 * Math.sqrt(more);
    } else if (optimizer instanceof Lamb) {
      return 0.1 * Math.sqrt(more);
    } else if (optimizer instanceof Lars) {
      return 10 * more; // times its trust coefficient, 0.001
    }
    double momentum = optimizer instanceof Sgd sgd ? sgd.momentum() : 0;
    return 2 * (1 - momentum) * more;
  }

  private static void addLength(Advisor run, List<Finding> found) {
    if (run.validation == 0 && run.epochs >= LONG_RUN) {
      add(
          found,
          Code.NO_VALIDATION,
          Severity.WARNING,
          run.epochs == Integer.MAX_VALUE
              ? "a run without validation data that only time or updates end"
              : run.epochs + " epochs without validation data",
          "hold out a tenth: without it nobody sees overfitting");
    }
    run.usualEpochs.ifPresent(
        usual -> {
          boolean few = run.epochs < usual.least();
          if (few || (run.epochs > usual.most() && run.epochs < Integer.MAX_VALUE)) {
            add(
                found,
                Code.EPOCHS_UNUSUAL,
                Severity.NOTE,
                run.epochs
                    + (run.epochs == 1 ? " epoch" : " epochs")
                    + ", where "
                    + usual.least()
                    + " to "
                    + usual.most()
                    + " are usual",
                few
                    ? "allow for more, and let early stopping end the run"
                    : "let early stopping end the run");
          }
        });
  }
}
