package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.schedule.Plateau;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Judges complete epochs: which is the best, whether {@link Plateau} lowers the learning rate, and
 * whether to stop.
 */
final class EpochJudge {
  private final TrainerOptions options;
  private final Metric monitor;
  private int bestEpoch;
  private double best;
  private Plateau.@Nullable State plateau;
  private final List<EarlyStopping.State> stopping = new ArrayList<>();

  EpochJudge(TrainerOptions options) {
    this.options = options;
    monitor = options.monitored();
    best = monitor.worst();
    options.plateau.ifPresent(rule -> plateau = rule.begin());
    options.earlyStopping.ifPresent(
        rule -> rule.rules().forEach(part -> stopping.add(part.begin())));
  }

  int bestEpoch() {
    return bestEpoch;
  }

  double plateauMultiplier() {
    return plateau == null ? 1 : plateau.multiplier();
  }

  /**
   * Adds an epoch, and returns whether it is the best so far. An epoch in which no row counted is
   * not.
   */
  boolean isBest(EpochRecord record) {
    if (!monitor.isMeasured(record) || !monitor.better(monitor.of(record), best, 0)) {
      return false;
    }
    bestEpoch = record.epoch();
    best = monitor.of(record);
    return true;
  }

  /** Applies plateau and early stopping to an epoch; returns the reason to end the run, if any. */
  Optional<StopReason> judge(EpochRecord record) {
    Optional<StopReason> broken = notFinite(record);
    if (plateau != null) {
      Plateau rule = options.plateau.orElseThrow();
      if (rule.metric().isMeasured(record)) {
        plateau = rule.next(plateau, rule.metric().of(record));
      }
    }
    Optional<StopReason> early = options.earlyStopping.flatMap(rule -> stopEarly(rule, record));
    return broken.or(() -> early);
  }

  private Optional<StopReason> notFinite(EpochRecord record) {
    double loss = record.monitoredLoss();
    double value = monitor.of(record);
    if (Double.isFinite(loss) && !Double.isNaN(value)) {
      return Optional.empty();
    }
    String ofLoss = options.validation.isPresent() ? "validation loss" : "training loss";
    return Optional.of(
        StopReason.notFinite(
            "the "
                + (Double.isFinite(loss) ? monitor.label() : ofLoss)
                + " became "
                + (Double.isFinite(loss) ? value : loss)
                + " in epoch "
                + record.epoch(),
            options.session.adviceOnNotFinite(options.validation.orElse(options.train), false)));
  }

  private Optional<StopReason> stopEarly(EarlyStopping rule, EpochRecord record) {
    List<EarlyStopping.Rule> parts = rule.rules();
    List<Boolean> spent = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      EarlyStopping.Rule part = parts.get(i);
      EarlyStopping.State state = part.next(stopping.get(i), record);
      stopping.set(i, state);
      spent.add(part.isSpent(state));
      if (part.isSpent(state)) {
        reasons.add(part.described(state));
      }
    }
    return rule.isOver(spent)
        ? Optional.of(
            new StopReason(
                StopReason.Kind.EARLY_STOPPING,
                "stopped early after epoch " + record.epoch() + ": " + String.join(", ", reasons)))
        : Optional.empty();
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(bestEpoch);
    out.writeDouble(best);
    out.writeBoolean(plateau != null);
    if (plateau != null) {
      RunRecords.write(out, plateau);
    }
    out.writeInt(stopping.size());
    for (EarlyStopping.State state : stopping) {
      RunRecords.write(out, state);
    }
  }

  void read(RunInput in) throws IOException {
    bestEpoch = in.readInt();
    best = in.readDouble();
    RunInput.requireSame("the use of a plateau", in.readBoolean(), plateau != null);
    if (plateau != null) {
      plateau = RunRecords.plateau(in);
    }
    RunInput.requireSame("the number of rules of early stopping", in.readInt(), stopping.size());
    for (int i = 0; i < stopping.size(); i++) {
      stopping.set(i, RunRecords.stopping(in));
    }
  }
}
