package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.StepBlock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ends the time of a run at every possible point, with a clock that stands still unless a callback
 * moves it.
 */
@Tag("sim")
final class TimeBudgetTest {
  private static final Split DATA = RandomData.learnable(100, 40, 12, 3);
  private static final int UPDATES = 10; // per epoch
  private static final int BLOCKS = 4; // per epoch: 3 + 3 + 3 + 1 steps
  private static final int EPOCHS = 4;

  private static Device device;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    device = TestDevice.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static Model model() {
    return Model.of(DATA.train().sampleShape(), new Linear(2)).initialize(9);
  }

  private static TrainerBuilder trainer(Model model) {
    return Trainer.builder(model, DATA.train())
        .device(device)
        .validation(DATA.heldOut())
        .test(DATA.heldOut())
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.5))
        .batchSize(10)
        .epochs(EPOCHS)
        .seed(2)
        .syncEvery(3);
  }

  private enum Moment {
    FIT_BEGIN,
    EPOCH_BEGIN,
    STEPS_END,
    EPOCH_END
  }

  /**
   * A clock that stands still until one moment, at which it passes any budget. It also counts the
   * callbacks, and fails if there are more than in a whole run.
   */
  private static final class Clock implements Callback, LongSupplier {
    private static final long LONG = 1_000_000_000_000L;

    private final Moment moment;
    private final int which; // the number of this moment, counted from 1
    private final Map<Moment, Integer> seen = new EnumMap<>(Moment.class);
    private long now = 12345;
    private int ends;

    Clock(Moment moment, int which) {
      this.moment = moment;
      this.which = which;
    }

    private void see(Moment one) {
      int count = seen.merge(one, 1, Integer::sum);
      if (one == moment && count == which) {
        now += LONG;
      }
      if (count > EPOCHS * BLOCKS) {
        throw new AssertionError("the run does not end");
      }
    }

    int seen(Moment one) {
      return seen.getOrDefault(one, 0);
    }

    @Override
    public long getAsLong() {
      return now;
    }

    @Override
    public void fitBegin(Fit fit) {
      see(Moment.FIT_BEGIN);
    }

    @Override
    public void epochBegin(Fit fit) {
      see(Moment.EPOCH_BEGIN);
    }

    @Override
    public void stepsEnd(Fit fit, StepBlock steps) {
      see(Moment.STEPS_END);
    }

    @Override
    public void epochEnd(Fit fit, EpochRecord epoch) {
      see(Moment.EPOCH_END);
    }

    @Override
    public void fitEnd(Fit fit, History history) {
      ends++;
    }
  }

  private static TrainerBuilder timed(Model model, Clock clock) {
    return trainer(model)
        .budget(Budget.ofSeconds(5).andEpochs(EPOCHS))
        .clock(clock)
        .callbacks(clock);
  }

  private static void assertNothingWasTrained(Model model, History history) {
    assertArrayEquals(model().weights(), model.weights());
    assertEquals(0, history.epochs().size());
    assertEquals(0, history.stepLosses().length);
    assertEquals(0, history.bestEpoch());
    assertEquals(StopReason.Kind.COMPLETED, history.stopReason().kind());
    String text = history.stopReason().text();
    assertTrue(text.endsWith(" s, before the first step"), text);
    assertTrue(Double.isFinite(history.test().orElseThrow().loss()));
  }

  @ParameterizedTest
  @CsvSource({"FIT_BEGIN, 0", "EPOCH_BEGIN, 1"})
  void timeThatIsOverBeforeTheFirstStepLeavesTheModel(Moment moment, int epochs) {
    Clock clock = new Clock(moment, 1);
    Model model = model();
    History history = timed(model, clock).fit();
    assertNothingWasTrained(model, history);
    assertEquals("ended after 5.0 s, before the first step", history.stopReason().text());
    assertEquals(epochs, clock.seen(Moment.EPOCH_BEGIN));
    assertEquals(0, clock.seen(Moment.STEPS_END) + clock.seen(Moment.EPOCH_END));
    assertEquals(1, clock.ends);
    assertTrue(history.seconds() > 5);
  }

  @Test
  void aCallbackThatSleepsTimeAwayLeavesTheModel() {
    Callback sleeper =
        new Callback() {
          private int begins;

          @Override
          public void epochBegin(Fit fit) {
            assertEquals(1, ++begins);
            try {
              Thread.sleep(300);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    Model model = model();
    assertNothingWasTrained(
        model, trainer(model).budget(Budget.ofSeconds(0.2)).callbacks(sleeper).fit());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void timeThatIsOverBeforeAnEpochsFirstStepEndsWithTheEpochBefore(int epoch) {
    Clock clock = new Clock(Moment.EPOCH_BEGIN, epoch);
    Model model = model();
    History history = timed(model, clock).fit();
    Model expected = model();
    History whole = trainer(expected).epochs(epoch - 1).fit();
    assertArrayEquals(expected.weights(), model.weights());
    assertArrayEquals(whole.stepLosses(), history.stepLosses());
    assertEquals(epoch - 1, history.epochs().size());
    assertEquals(whole.test(), history.test());
    assertEquals("ended after 5.0 s", history.stopReason().text());
    assertEquals(epoch, clock.seen(Moment.EPOCH_BEGIN));
    assertEquals(epoch - 1, clock.seen(Moment.EPOCH_END));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 5, 8, 9})
  void timeThatIsOverAfterABlockEndsWithItsSteps(int block) {
    Clock clock = new Clock(Moment.STEPS_END, block);
    History history = timed(model(), clock).fit();
    int inEpoch = (block - 1) % BLOCKS + 1;
    int steps = (block - 1) / BLOCKS * UPDATES + Math.min(UPDATES, 3 * inEpoch);
    assertEquals(steps, history.stepLosses().length);
    assertEquals(block, clock.seen(Moment.STEPS_END));
    assertEquals((steps + UPDATES - 1) / UPDATES, history.epochs().size());
    EpochRecord last = history.epochs().get(history.epochs().size() - 1);
    assertEquals(Math.min(UPDATES, 3 * inEpoch), last.steps());
    assertTrue(last.gradients().norm() > 0 && Double.isFinite(last.gradients().norm()));
    assertEquals("ended after 5.0 s", history.stopReason().text());
  }

  @Test
  void timeThatIsOverAfterAnEpochBeginsNoOther() {
    Clock clock = new Clock(Moment.EPOCH_END, 2);
    History history = timed(model(), clock).fit();
    assertEquals(2, history.epochs().size());
    assertEquals(2, clock.seen(Moment.EPOCH_BEGIN));
    assertEquals("ended after 5.0 s", history.stopReason().text());
    assertEquals(
        "completed", timed(model(), new Clock(Moment.EPOCH_END, 4)).fit().stopReason().text());
  }

  @Test
  void theRunsClockStartsWhenTheDeviceHasAllThatTheRunBeginsWith() throws IOException {
    trainer(model()).checkpoints(Checkpoints.in(folder, 7)).fit();
    long samples = DATA.train().size() * DATA.train().sampleShape().elements();
    long needed = device.info().memoryUsed() + Float.BYTES * samples;
    List<Boolean> ready = new ArrayList<>();
    Callback first =
        new Callback() {
          @Override
          public void fitBegin(Fit fit) {
            assertEquals(1, ready.size(), "read once, to start");
            assertTrue(fit.updates() > 0, "the checkpoint is restored");
            fit.stop("seen");
          }
        };
    trainer(model())
        .resume(Checkpoints.newest(folder))
        .callbacks(first)
        .clock(
            () -> {
              ready.add(device.info().memoryUsed() > needed);
              return 0;
            })
        .fit();
    assertFalse(ready.contains(false), "the device has the session's memory and the data");
  }

  /**
   * A run that ends before the first step of the third epoch leaves a checkpoint from which it can
   * be resumed.
   */
  @ParameterizedTest
  @ValueSource(ints = {10, 7, 4})
  void aRunWhoseTimeEndedGoesOnToTheSameBits(int everyUpdates) throws IOException {
    Model expected = model();
    History whole = trainer(expected).fit();
    Model ended = model();
    Clock clock = new Clock(Moment.EPOCH_BEGIN, 3);
    History first = timed(ended, clock).checkpoints(Checkpoints.in(folder, everyUpdates)).fit();
    assertEquals(2, first.epochs().size());

    Model model = model();
    History history = trainer(model).resume(Checkpoints.newest(folder)).fit();
    assertArrayEquals(expected.weights(), model.weights());
    assertArrayEquals(whole.stepLosses(), history.stepLosses());
    assertEquals(whole.bestEpoch(), history.bestEpoch());
    assertEquals(whole.test(), history.test());
    for (int e = 0; e < EPOCHS; e++) {
      assertEquals(whole.epochs().get(e).train(), history.epochs().get(e).train());
      assertEquals(whole.epochs().get(e).validation(), history.epochs().get(e).validation());
      assertEquals(whole.epochs().get(e).gradients(), history.epochs().get(e).gradients());
    }
    assertEquals("completed", history.stopReason().text());
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 7, 4})
  void aRunThatIsResumedWithoutTimeEndsWhereItsCheckpointIs(int everyUpdates) throws IOException {
    int updates = 20 / everyUpdates * everyUpdates;
    Model ended = model();
    trainer(ended).epochs(2).checkpoints(Checkpoints.in(folder, everyUpdates)).fit();
    Model model = model();
    Clock clock = new Clock(Moment.FIT_BEGIN, 1);
    History history = timed(model, clock).resume(Checkpoints.newest(folder)).fit();
    assertEquals(0, clock.seen(Moment.STEPS_END));
    assertEquals(1, clock.seen(Moment.EPOCH_BEGIN), "the one that the checkpoint lies in");
    assertEquals(updates, history.stepLosses().length);
    assertEquals("ended after 5.0 s", history.stopReason().text());
    History cut = trainer(model()).budget(Budget.ofUpdates(updates)).fit();
    assertEquals(2, history.epochs().size());
    for (int e = 0; e < 2; e++) {
      assertEquals(cut.epochs().get(e).train(), history.epochs().get(e).train());
      assertEquals(cut.epochs().get(e).validation(), history.epochs().get(e).validation());
      assertEquals(cut.epochs().get(e).gradients(), history.epochs().get(e).gradients());
    }
    assertEquals(cut.bestEpoch(), history.bestEpoch());
  }
}
