package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import java.util.List;
import java.util.Locale;

/**
 * Ends a run whose metric no longer improves. An epoch improves if it is better than the best by
 * more than {@code minDelta}; after {@code patience} epochs in a row without improvement the run
 * ends: with a constant metric and patience 3 after 4 epochs. A metric that is NaN ends it at once.
 * An epoch in which no row counted, because all labels are ignored or have weight 0, is skipped.
 *
 * <pre>{@code
 * EarlyStopping patience = EarlyStopping.on(Metric.VAL_LOSS, 5);
 * EarlyStopping both = EarlyStopping.all(patience, EarlyStopping.on(Metric.VAL_ACCURACY, 10));
 * }</pre>
 *
 * <p>A rule has no state and can be used for any number of runs. Whatever ends a run, the best
 * weights are restored: those of the best epoch by the metric of the rule (of the first rule if
 * there are several), unless {@link TrainerBuilder#monitor} names another.
 */
public sealed interface EarlyStopping {
  /** Stops after {@code patience} epochs without improvement of this metric. */
  static Rule on(Metric metric, int patience) {
    return new Rule(metric, patience, 0, 0, metric.worst(), 1);
  }

  /** Stops when all of these rules would. */
  static EarlyStopping all(EarlyStopping... rules) {
    return new Combined(true, List.of(rules));
  }

  /** Stops when any of these rules would. */
  static EarlyStopping any(EarlyStopping... rules) {
    return new Combined(false, List.of(rules));
  }

  /** The single rules of this combination, in order. */
  List<Rule> rules();

  /** Whether the run must end, given which of {@link #rules} have run out of patience. */
  boolean isOver(List<Boolean> spent);

  /**
   * A rule for one metric.
   *
   * @param metric the metric to watch
   * @param patience epochs without improvement that end the run, at least 1
   * @param minDelta the least improvement on the best value that counts
   * @param smoothing factor of an exponential moving average of the metric, in [0, 1): smoothed =
   *     smoothing smoothed + (1 - smoothing) value, starting with the first value; 0: no smoothing
   * @param baseline the value that counts as best before the first epoch
   * @param startEpoch the first epoch that is watched, counted from 1
   */
  record Rule(
      Metric metric,
      int patience,
      double minDelta,
      double smoothing,
      double baseline,
      int startEpoch)
      implements EarlyStopping {
    /** Checks the numbers. */
    public Rule {
      if (patience < 1
          || !(minDelta >= 0)
          || !(smoothing >= 0 && smoothing < 1)
          || Double.isNaN(baseline)
          || startEpoch < 1) {
        throw new IllegalArgumentException(
            "early stopping needs patience and start epoch of at least 1, a minimum delta of at"
                + " least 0 and smoothing in [0, 1): it was given "
                + patience
                + ", "
                + startEpoch
                + ", "
                + minDelta
                + " and "
                + smoothing);
      }
    }

    /** This rule with another least improvement. */
    public Rule withMinDelta(double minDelta) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** This rule on the metric's exponential moving average. */
    public Rule withSmoothing(double smoothing) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** This rule with a baseline: only better values count as improvements. */
    public Rule withBaseline(double baseline) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** This rule from this epoch on, counted from 1; earlier epochs are not watched. */
    public Rule withStartEpoch(int startEpoch) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    @Override
    public List<Rule> rules() {
      return List.of(this);
    }

    @Override
    public boolean isOver(List<Boolean> spent) {
      return spent.get(0);
    }

    State begin() {
      return new State(baseline, Double.NaN, 0);
    }

    /** Returns the state after an epoch. */
    State next(State state, EpochRecord epoch) {
      if (epoch.epoch() < startEpoch || !metric.isMeasured(epoch)) {
        return state;
      }
      double value = metric.of(epoch);
      double smoothed =
          Double.isNaN(state.smoothed)
              ? value
              : smoothing * state.smoothed + (1 - smoothing) * value;
      return metric.better(smoothed, state.best, minDelta)
          ? new State(smoothed, smoothed, 0)
          : new State(state.best, smoothed, state.waited + 1);
    }

    boolean isSpent(State state) {
      return state.waited >= patience;
    }

    String described(State state) {
      return metric.label()
          + " did not improve on "
          + String.format(Locale.ROOT, "%.4g", state.best)
          + " for "
          + state.waited
          + (state.waited == 1 ? " epoch" : " epochs");
    }
  }

  /**
   * The state of a rule in a run.
   *
   * @param best the best smoothed value so far
   * @param smoothed the last smoothed value; NaN before the first
   * @param waited epochs since the best
   */
  record State(double best, double smoothed, int waited) {}

  /**
   * Several rules.
   *
   * @param all whether all rules must have run out of patience, or one suffices
   */
  record Combined(boolean all, List<EarlyStopping> parts) implements EarlyStopping {
    /** Checks that there is at least one rule. */
    public Combined {
      if (parts.isEmpty()) {
        throw new IllegalArgumentException("early stopping of no rules: give at least one");
      }
      parts = List.copyOf(parts);
    }

    @Override
    public List<Rule> rules() {
      return parts.stream().flatMap(part -> part.rules().stream()).toList();
    }

    @Override
    public boolean isOver(List<Boolean> spent) {
      int from = 0;
      boolean every = true;
      boolean one = false;
      for (EarlyStopping part : parts) {
        int to = from + part.rules().size();
        boolean over = part.isOver(spent.subList(from, to));
        every &= over;
        one |= over;
        from = to;
      }
      return all ? every : one;
    }
  }
}
