package dev.halfstep.report;

import dev.halfstep.session.SessionOptions;
import dev.halfstep.train.TrainerOptions;
import org.jspecify.annotations.Nullable;

/**
 * The schedules and limits of a run, as a report holds them. The texts are those of the command
 * line's options; null stands for an option that was not given, or that has no description.
 *
 * @param microBatch samples that are computed at once
 * @param dropLast whether a short last batch is left out
 * @param schedule of the learning rate, such as {@code cosine}
 * @param warmUp updates in which the learning rate rises from 0
 * @param lrScaling how the learning rate follows the batch size: {@code none}, {@code linear},
 *     {@code sqrt}
 * @param batchSchedule of the batch size, such as {@code double:10,20}
 * @param clip the norm that gradients are clipped to
 * @param earlyStopping the metric that ends the run when it no longer improves
 * @param patience epochs without improvement that end it
 * @param minDelta what counts as an improvement
 * @param budget after what the run ends, such as {@code updates:500}
 */
public record Recipe(
    @Nullable Integer microBatch,
    boolean dropLast,
    @Nullable String schedule,
    long warmUp,
    @Nullable String lrScaling,
    @Nullable String batchSchedule,
    @Nullable Double clip,
    @Nullable String earlyStopping,
    @Nullable Integer patience,
    @Nullable Double minDelta,
    @Nullable String budget) {

  /**
   * The recipe of a trainer, as far as its options are numbers. Schedules are functions without a
   * name, so their fields stay null.
   */
  static Recipe of(TrainerOptions trainer) {
    SessionOptions session = trainer.sessionOptions();
    int microBatch = session.microBatch();
    return new Recipe(
        microBatch == Integer.MAX_VALUE ? null : (Integer) microBatch,
        trainer.dropsLast(),
        null,
        0,
        null,
        null,
        session.clipNorm() > 0 ? (Double) (double) session.clipNorm() : null,
        null,
        null,
        null,
        null);
  }

  /** The settings that differ from the defaults, as text for people; empty if none does. */
  public String described() {
    StringBuilder text = new StringBuilder();
    add(text, "micro-batch ", microBatch, null);
    if (dropLast) {
      text.append(text.isEmpty() ? "" : ", ").append("short last batches left out");
    }
    add(text, "schedule ", schedule, "constant");
    add(text, "warm-up ", warmUp, 0L);
    add(text, "learning rate scaling ", lrScaling, "none");
    add(text, "batch schedule ", batchSchedule, "constant");
    add(text, "clip ", clip, null);
    add(text, "early stopping by ", earlyStopping, null);
    add(text, "patience ", patience, null);
    add(text, "minimum delta ", minDelta, null);
    add(text, "budget ", budget, null);
    return text.toString();
  }

  private static void add(
      StringBuilder text, String what, @Nullable Object value, @Nullable Object otherwise) {
    if (value != null && !value.equals(otherwise)) {
      text.append(text.isEmpty() ? "" : ", ").append(what).append(value);
    }
  }

  /**
   * Whether the batch size changes while the learning rate stays, although no rule asks for that.
   */
  boolean changesBatchWithoutRate() {
    return "none".equals(lrScaling)
        && batchSchedule != null
        && !batchSchedule.startsWith("double")
        && !batchSchedule.equals("one-cycle")
        && !batchSchedule.equals("constant");
  }
}
