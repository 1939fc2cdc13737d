package dev.halfstep.study;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The learning-rate range test (Smith, 2017): a few training steps with rates that rise
 * geometrically, until the loss is ten times the first one. It trains in a separate session, from
 * the model's weights and in the order of the first epoch; it does not change the model, or the
 * order and random numbers of a later run.
 *
 * <pre>{@code
 * LearningRateFinder.Result found = LearningRateFinder.DEFAULT.find(options, dataset);
 * }</pre>
 *
 * @param lowest the first rate: 1e-8
 * @param highest the last rate: 10
 * @param steps the number of steps from the first to the last rate, at least 2: 200
 * @param smoothing the decay of the debiased exponential moving average of the losses, in [0, 1):
 *     0.9
 */
public record LearningRateFinder(double lowest, double highest, int steps, double smoothing) {
  /** From 1e-8 to 10 in 200 steps. */
  public static final LearningRateFinder DEFAULT = new LearningRateFinder(1e-8, 10, 200, 0.9);

  private static final double DIVERGED = 10;
  private static final double CHANCE = 4; // deviations
  private static final double LEAST = 0.01; // of the first losses

  /** Checks the numbers. */
  public LearningRateFinder {
    if (!(lowest > 0)
        || !(highest > lowest)
        || highest > Float.MAX_VALUE
        || steps < 2
        || !(smoothing >= 0 && smoothing < 1)) {
      throw new IllegalArgumentException(
          "a range test needs 0 < lowest < highest, at least 2 steps and smoothing in [0, 1): it was"
              + " given "
              + lowest
              + ", "
              + highest
              + ", "
              + steps
              + " and "
              + smoothing);
    }
  }

  /** The same with another number of steps. */
  public LearningRateFinder withSteps(int steps) {
    return new LearningRateFinder(lowest, highest, steps, smoothing);
  }

  /** The same over other rates. */
  public LearningRateFinder withRange(double lowest, double highest) {
    return new LearningRateFinder(lowest, highest, steps, smoothing);
  }

  /**
   * A step.
   *
   * @param learningRate the learning rate of its update
   * @param loss the loss of its batch before the update
   * @param smoothed the moving average of the losses up to this step
   */
  public record Point(double learningRate, double loss, double smoothed) {}

  /**
   * The result of the test.
   *
   * @param points the steps up to the one whose loss was ten times the first, or not finite
   * @param diverged whether there was such a step
   * @param suggestion the rate at which the smoothed loss falls most steeply over the logarithm of
   *     the rate; empty if no rate lowers it by more than it varies from batch to batch
   */
  public record Result(List<Point> points, boolean diverged, OptionalDouble suggestion) {}

  /**
   * Runs the test.
   *
   * @param options model, loss, optimizer, batch size and device of the run
   * @throws IllegalArgumentException if the data do not fit the model, or the batch the data
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its interrupt
   *     flag stays set
   */
  public Result find(SessionBuilder options, Dataset data) {
    try (TrainingSession session = options.open()) {
      int batchSize = session.batchSize();
      if (batchSize > data.size()) {
        throw new IllegalArgumentException(
            "the batch size " + batchSize + " is larger than the " + data.size() + " samples");
      }
      session.data(data);
      session.order(Order.permutation(options.seed(), 0, data.size()));
      List<Point> points = new ArrayList<>();
      double average = 0;
      double weight = 0;
      int perEpoch = data.size() / batchSize;
      boolean diverged = false;
      for (int step = 0; step < steps && !diverged; step++) {
        Cancellation.check("the range test in step " + step);
        if (step > 0 && step % perEpoch == 0) {
          session.position(0);
        }
        double rate = lowest * Math.pow(highest / lowest, step / (steps - 1.0));
        session.learningRate(rate);
        session.run(1);
        StepBlock block = session.drain();
        if (block.metrics().isEmpty()) {
          continue; // no row counted
        }
        double loss = block.loss(0);
        average = smoothing * average + (1 - smoothing) * loss;
        weight = smoothing * weight + (1 - smoothing);
        points.add(new Point(rate, loss, average / weight));
        double first = points.get(0).loss();
        diverged = !Double.isFinite(loss) || loss > DIVERGED * first;
      }
      return new Result(List.copyOf(points), diverged, steepest(points));
    }
  }

  /**
   * Runs the test with several batch sizes, each from the same weights and in the same order.
   *
   * @return the results in the order of the batch sizes
   */
  public List<Result> findEach(SessionBuilder options, Dataset data, int... batchSizes) {
    return Arrays.stream(batchSizes)
        .mapToObj(batchSize -> find(options.batchSize(batchSize), data))
        .toList();
  }

  /**
   * The rate at which the smoothed loss falls most steeply. It is empty unless some rate lowers the
   * loss by more than chance: by several deviations of the smoothed differences between batches. At
   * the first rates nothing is learned yet, so the loss falls there only by chance.
   */
  OptionalDouble steepest(List<Point> points) {
    int first = Math.max(1, points.size() / 4);
    double before = 0;
    for (Point point : points.subList(0, first)) {
      before += point.loss() / first;
    }
    double lowest = before;
    double squares = 0;
    double scatter = 0; // of the batches' losses, up to the lowest loss
    for (int i = 1; i < points.size(); i++) {
      double step = points.get(i).loss() - points.get(i - 1).loss();
      squares += step * step;
      if (i >= first && points.get(i).smoothed() < lowest) {
        lowest = points.get(i).smoothed();
        scatter = Math.sqrt(squares / i / 2);
      }
    }
    double left = Math.sqrt((1 - smoothing) / (1 + smoothing)) + 1 / Math.sqrt(first);
    double chance = Math.max(CHANCE * scatter * left, LEAST * Math.abs(before));
    boolean falls = before - lowest > chance;
    double steepest = 0;
    OptionalDouble rate = OptionalDouble.empty();
    for (int i = 1; falls && i + 1 < points.size(); i++) {
      Point last = points.get(i - 1);
      Point after = points.get(i + 1);
      double slope =
          (after.smoothed() - last.smoothed())
              / Math.log(after.learningRate() / last.learningRate());
      if (slope < steepest && points.get(i).smoothed() < before - chance / 2) {
        steepest = slope;
        rate = OptionalDouble.of(points.get(i).learningRate());
      }
    }
    return rate;
  }
}
