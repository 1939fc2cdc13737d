package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import java.util.List;
import java.util.Locale;

/**
 * Ends a run whose metric no longer improves. An epoch improves if it is better than the best by
 * more than {@code minDelta}; after {@code patience} epochs in a row that do not, the run ends:
 * with a constant metric and patience 3 after 4 epochs. A metric that is NaN ends it at once; an
 * epoch in which no row counted, since all labels are ignored or of weight 0, is passed over.
 *
 * <pre>{@code
 * EarlyStopping patience = EarlyStopping.on(Metric.VAL_LOSS, 5);
 * EarlyStopping both = EarlyStopping.all(patience, EarlyStopping.on(Metric.VAL_ACCURACY, 10));
 * }</pre>
 *
 * <p>It holds no state: a rule can be used for any number of runs. The best weights are restored
 * whatever ends a run: the best by the metric that is watched, of several rules by that of the
 * first one, unless {@link TrainerBuilder#monitor} names another.
 */
public sealed interface EarlyStopping {
  /** Stops after so many epochs without any improvement of this metric. */
  static Rule on(Metric metric, int patience) {
    return new Rule(metric, patience, 0, 0, metric.worst(), 1);
  }

  /** Stops when every one of these would. */
  static EarlyStopping all(EarlyStopping... rules) {
    return new Combined(true, List.of(rules));
  }

  /** Stops when one of these would. */
  static EarlyStopping any(EarlyStopping... rules) {
    return new Combined(false, List.of(rules));
  }

  /** The rules of which this is made, in order. */
  List<Rule> rules();

  /** Whether the run is to end, given which of {@link #rules} say so. */
  boolean isOver(List<Boolean> spent);

  /**
   * A rule for one metric.
   *
   * @param metric what is watched
   * @param patience epochs without improvement that end the run, at least 1
   * @param minDelta by how much an epoch must be better than the best
   * @param smoothing of the metric by an exponential moving average: smoothed = smoothing smoothed
   *     + (1 - smoothing) value, beginning with the first value; in [0, 1), 0: as it is
   * @param baseline the best value before the first epoch
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

    /** The same with a least improvement. */
    public Rule withMinDelta(double minDelta) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** The same on the metric's exponential moving average. */
    public Rule withSmoothing(double smoothing) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** The same where only what is better than this is an improvement. */
    public Rule withBaseline(double baseline) {
      return new Rule(metric, patience, minDelta, smoothing, baseline, startEpoch);
    }

    /** The same where the epochs before this one, counted from 1, are not watched. */
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

    /** The state after an epoch. */
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
   * What a run remembers for a rule.
   *
   * @param best the best smoothed value so far
   * @param smoothed the last one; NaN before the first
   * @param waited epochs since then
   */
  record State(double best, double smoothed, int waited) {}

  /**
   * Several rules.
   *
   * @param all whether every one must say so, or one
   */
  record Combined(boolean all, List<EarlyStopping> parts) implements EarlyStopping {
    /** Checks that there is something to combine. */
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
