package dev.halfstep.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.train.Budget;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Compares schedules with the results of PyTorch's. */
final class ScheduleTest {
  /** The factors of all updates of a run. */
  private static double[] factors(Schedule schedule, int updatesPerEpoch, int epochs) {
    return IntStream.range(0, updatesPerEpoch * epochs)
        .mapToDouble(u -> schedule.factor(Schedule.Progress.of(u, updatesPerEpoch, epochs)))
        .toArray();
  }

  @Test
  void oneCycleIsPyTorchs() {
    double[] expected = {
      0.04, 0.52, 1, 0.95048463, 0.81174565, 0.61126202, 0.38874198, 0.18825835, 0.04951937, 4e-6
    };
    assertArrayEquals(expected, factors(Schedule.oneCycle(), 10, 1), 1e-8);
    assertArrayEquals(expected, factors(Schedule.oneCycle(), 2, 5), 1e-8);
  }

  @Test
  void oneCyclesMomentumGoesAgainstTheRate() {
    double[] momenta =
        IntStream.range(0, 10)
            .mapToDouble(
                u ->
                    Schedule.oneCycle().momentum(Schedule.Progress.of(u, 10, 1)).orElse(Double.NaN))
            .toArray();
    assertArrayEquals(new double[] {0.95, 0.9, 0.85}, java.util.Arrays.copyOf(momenta, 3), 1e-12);
    assertEquals(0.95, momenta[9], 1e-12);
    for (int u = 3; u < 10; u++) {
      assertTrue(momenta[u] > momenta[u - 1]);
    }
    OptionalDouble warm =
        Schedule.oneCycle().withWarmUp(3).momentum(Schedule.Progress.of(2, 10, 1));
    assertEquals(0.85, warm.orElse(Double.NaN), 1e-12);
    assertTrue(Schedule.cosine().momentum(Schedule.Progress.of(2, 10, 1)).isEmpty());
  }

  @Test
  void stepAndExponentialChangeAtEpochs() {
    assertArrayEquals(
        new double[] {1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01},
        factors(Schedule.step(2, 0.1), 2, 5),
        1e-15);
    assertArrayEquals(
        new double[] {1, 1, 0.9, 0.9, 0.81, 0.81}, factors(Schedule.exponential(0.9), 2, 3), 1e-15);
  }

  @Test
  void cosineFallsToItsLastValue() {
    // CosineAnnealingLR with T_max 4 and eta_min 0.2.
    assertArrayEquals(
        new double[] {1, 0.88284271, 0.6, 0.31715729}, factors(Schedule.cosine(0.2), 4, 1), 1e-8);
    assertEquals(0.5, factors(Schedule.cosine(), 5, 2)[5], 1e-15);
  }

  @Test
  void cyclicalGoesUpAndDown() {
    // CyclicLR with base_lr 0.2, max_lr 1 and step_size_up 2.
    assertArrayEquals(
        new double[] {0.2, 0.6, 1, 0.6, 0.2, 0.6, 1, 0.6},
        factors(Schedule.cyclical(0.2, 2), 1, 8),
        1e-15);
  }

  @Test
  void warmUpRisesAlongALine() {
    assertArrayEquals(
        new double[] {0.25, 0.5, 0.75, 1, 1, 1},
        factors(Schedule.constant().withWarmUp(4), 3, 2),
        1e-15);
    double[] plain = factors(Schedule.cosine(), 3, 2);
    double[] warm = factors(Schedule.cosine().withWarmUp(2), 3, 2);
    assertEquals(plain[0] / 2, warm[0], 1e-15);
    assertEquals(plain[1], warm[1]);
    assertArrayEquals(plain, factors(Schedule.cosine().withWarmUp(0), 3, 2));
  }

  @Test
  void aRunOfUnknownLengthHasNoFraction() {
    Schedule.Progress endless = Schedule.Progress.of(3, 10, Double.POSITIVE_INFINITY);
    assertEquals(0.5, Schedule.step(1, 0.5).factor(Schedule.Progress.of(10, 10, 1e9)));
    assertEquals(1, Schedule.step(1, 0.5).factor(endless));
    assertThrows(IllegalStateException.class, () -> Schedule.cosine().factor(endless));
  }

  @Test
  void impossibleSchedulesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Schedule.step(0, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.step(1, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.exponential(1.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(-1));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cyclical(0.1, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.constant().withWarmUp(-1));
    assertThrows(IllegalArgumentException.class, () -> new OneCycle(1, 25, 1e4, 0.95, 0.85));
  }

  @Test
  void scalingIsWhatItsNameSays() {
    assertEquals(0.004, 0.001 * LearningRateScaling.LINEAR.factor(32, 128), 1e-15);
    assertEquals(0.002, 0.001 * LearningRateScaling.SQUARE_ROOT.factor(32, 128), 1e-15);
    assertEquals(0.001, 0.001 * LearningRateScaling.NONE.factor(32, 128));
  }

  private static int[] batches(BatchSchedule schedule, int epochs, int batchSize) {
    return IntStream.range(0, epochs)
        .map(epoch -> schedule.batchSize(epoch, epochs, batchSize))
        .toArray();
  }

  @Test
  void batchSchedulesAreWhatTheirNamesSay() {
    assertArrayEquals(
        new int[] {16, 16, 32, 32, 64, 64, 128, 128, 256, 256, 256},
        batches(BatchSchedule.warmUp(16, 2), 11, 256));
    BatchSchedule instead = BatchSchedule.doublingInsteadOfDecay(2, 3);
    BatchSchedule with = BatchSchedule.doublingWithDecay(2, 3);
    assertArrayEquals(new int[] {32, 32, 64, 128, 128}, batches(instead, 5, 32));
    assertArrayEquals(new int[] {32, 32, 64, 128, 128}, batches(with, 5, 32));
    for (int epoch = 0; epoch < 5; epoch++) {
      assertEquals(1, instead.rateFactor(epoch));
      assertEquals(new double[] {1, 1, 0.5, 0.25, 0.25}[epoch], with.rateFactor(epoch));
    }
    int[] cycle = batches(BatchSchedule.oneCycle(), 10, 64);
    assertEquals(64, cycle[0]);
    assertEquals(32, cycle[3]);
    assertTrue(cycle[9] > 60 && cycle[9] <= 64);
    assertArrayEquals(new int[] {7, 7}, batches(BatchSchedule.constant(), 2, 7));
    assertThrows(IllegalArgumentException.class, () -> BatchSchedule.warmUp(0, 1));
  }

  @Test
  void aScheduleOfSixtyDoublingsDoesNotOverflow() {
    assertEquals(1 << 30, BatchSchedule.warmUp(1, 1).batchSize(60, 100, 1 << 30));
    int[] each = IntStream.range(1, 60).toArray();
    int last = BatchSchedule.doublingInsteadOfDecay(each).batchSize(59, 100, 32);
    assertEquals(Integer.MAX_VALUE, last);
  }

  @Test
  void aScheduleThatNeedsALengthIsRefusedWhereThereIsOnlyATime() {
    Split data = RandomData.learnable(40, 10, 5, 1);
    Model model = Model.of(data.train().sampleShape(), new Linear(2));
    TrainerBuilder timed =
        Trainer.builder(model, data.train()).batchSize(8).budget(Budget.ofSeconds(5));
    for (Schedule schedule :
        List.of(
            Schedule.cosine(),
            Schedule.cosine(0.1).withWarmUp(3),
            Schedule.oneCycle(),
            progress -> 1 - progress.fraction())) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, timed.schedule(schedule)::build);
      assertTrue(e.getMessage().contains("the budget is a time alone"), e.getMessage());
      timed.budget(Budget.ofSeconds(5).andEpochs(3)).schedule(schedule).build();
    }
    timed.schedule(Schedule.step(2, 0.5).withWarmUp(3)).build();
    IllegalArgumentException batch =
        assertThrows(
            IllegalArgumentException.class, timed.batchSchedule(BatchSchedule.oneCycle())::build);
    assertTrue(batch.getMessage().contains("the run's length"), batch.getMessage());
  }
}
