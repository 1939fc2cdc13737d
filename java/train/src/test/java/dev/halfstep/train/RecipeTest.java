package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.StepRecord;
import dev.halfstep.session.TrainingSession;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Schedules, budgets, stopping and averages in runs of a trainer. */
final class RecipeTest {
  private static final Split DATA = RandomData.learnable(100, 40, 12, 3);

  private static Device device;

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
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.5))
        .batchSize(10)
        .epochs(4)
        .seed(2)
        .syncEvery(3);
  }

  /** Records each step, and the weights after each block. */
  private static final class Recorder implements Callback {
    final List<StepRecord> steps = new ArrayList<>();
    final List<Integer> batches = new ArrayList<>();

    @Override
    public void stepsEnd(Fit fit, StepBlock block) {
      for (int i = 0; i < block.size(); i++) {
        steps.add(block.record(i));
        batches.add(fit.batchSize());
      }
    }
  }

  @Test
  void theBatchFollowsItsScheduleAndTheRateItsRule() {
    Recorder recorder = new Recorder();
    TrainerBuilder builder =
        trainer(model())
            .batchSchedule(BatchSchedule.doublingWithDecay(1, 3))
            .scaling(LearningRateScaling.LINEAR, 5)
            .callbacks(recorder);
    TrainingPlan plan = builder.build().plan();
    assertEquals(10 + 5 + 5 + 3, plan.totalUpdates());
    assertEquals(40, plan.largestBatch());
    assertEquals(4, plan.length());
    History history = builder.fit();
    assertEquals(23, history.stepLosses().length);
    int[] batches = {10, 20, 20, 40};
    double[] factors = {2, 4 * 0.5, 4 * 0.5, 8 * 0.25};
    for (int e = 0; e < 4; e++) {
      EpochRecord epoch = history.epochs().get(e);
      assertEquals(batches[e], epoch.batchSize());
      assertEquals((100 + batches[e] - 1) / batches[e], epoch.steps());
      assertEquals(100, epoch.train().rows());
      assertEquals((float) (0.1f * factors[e]), epoch.learningRate());
    }
    assertEquals(20, recorder.steps.get(22).rows());
  }

  @Test
  void aScheduleSeesTheSameProgressWhateverTheBatch() {
    List<Double> epochs = new ArrayList<>();
    Schedule recording =
        progress -> {
          epochs.add(progress.epoch());
          return 1 - progress.fraction() / 2;
        };
    trainer(model())
        .batchSchedule(BatchSchedule.doublingInsteadOfDecay(2))
        .schedule(recording)
        .fit();
    assertTrue(epochs.contains(0.1) && epochs.contains(2.2) && epochs.contains(3.8), "" + epochs);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 10, 23, 40})
  void aBudgetOfUpdatesEndsWithinAnEpoch(int updates) {
    History history = trainer(model()).budget(Budget.ofUpdates(updates)).fit();
    assertEquals(updates, history.stepLosses().length);
    assertEquals((updates + 9) / 10, history.epochs().size());
    int last = history.epochs().size() - 1;
    assertEquals((updates - last * 10) * 10, history.epochs().get(last).train().rows());
    assertEquals("completed " + updates + " updates", history.stopReason().text());
    assertEquals(StopReason.Kind.COMPLETED, history.stopReason().kind());
    TrainingPlan plan = trainer(model()).budget(Budget.ofUpdates(updates)).build().plan();
    assertEquals(updates, plan.totalUpdates());
    assertEquals(updates / 10.0, plan.length(), 1e-12);
  }

  @Test
  void aBudgetOfSamplesEndsWithTheUpdateThatReachesThem() {
    Budget budget = Budget.ofSamples(215).andEpochs(9);
    assertEquals(22, trainer(model()).budget(budget).build().plan().totalUpdates());
    History history = trainer(model()).budget(budget).fit();
    assertEquals(22, history.stepLosses().length);
    assertEquals(3, history.epochs().size());
    assertEquals(22, trainer(model()).budget(budget.andEpochs(3)).fit().stepLosses().length);
    assertEquals(10, trainer(model()).budget(budget.andEpochs(1)).fit().stepLosses().length);
  }

  @Test
  void aBudgetOfTimeEndsTheRun() {
    History history = trainer(model()).budget(Budget.ofSeconds(0.05)).fit();
    String reason = history.stopReason().text();
    assertTrue(reason.startsWith("ended after 0.05 s"), reason);
    assertTrue(history.seconds() >= 0.05);
    // On a machine that pauses for that long there may be no step, which is a valid end as well.
    int steps = history.stepLosses().length;
    assertEquals(steps, history.epochs().stream().mapToInt(EpochRecord::steps).sum());
    assertEquals(steps == 0, history.bestEpoch() == 0);
    assertEquals(steps == 0, reason.endsWith("before the first step"));
    TrainingPlan plan = trainer(model()).budget(Budget.ofSeconds(1)).build().plan();
    assertEquals(Long.MAX_VALUE, plan.totalUpdates());
    TrainerBuilder needsLength =
        trainer(model()).budget(Budget.ofSeconds(1)).schedule(Schedule.cosine());
    assertThrows(IllegalArgumentException.class, needsLength::build);
  }

  @Test
  void earlyStoppingEndsTheRunAndRestoresTheBest() {
    Model model = model();
    Schedule harmful = progress -> progress.epoch() < 3 ? 0.5 : 500;
    TrainerBuilder builder =
        trainer(model)
            .validation(DATA.heldOut())
            .epochs(50)
            .schedule(harmful)
            .earlyStopping(EarlyStopping.on(Metric.VAL_LOSS, 4));
    History history = builder.fit();
    assertEquals(StopReason.Kind.EARLY_STOPPING, history.stopReason().kind());
    assertEquals(history.bestEpoch() + 4, history.epochs().size());
    assertTrue(
        history
            .stopReason()
            .text()
            .matches(".*val_loss did not improve on [0-9.e-]{1,9} for 4 epochs"),
        history.stopReason().text());
    Model best = model();
    trainer(best).epochs(history.bestEpoch()).schedule(harmful).fit();
    assertArrayEquals(best.weights(), model.weights());

    // A rule has no state, so the same builder gives the same run again.
    Model again = model();
    model.weights(again.weights());
    assertEquals(history.epochs().size(), builder.fit().epochs().size());
  }

  @Test
  void theMonitoredMetricChoosesTheBestEpoch() {
    History history =
        trainer(model()).validation(DATA.heldOut()).epochs(8).monitor(Metric.VAL_ACCURACY).fit();
    double best = history.epochs().get(history.bestEpoch() - 1).validation().get().accuracy();
    for (EpochRecord epoch : history.epochs()) {
      double accuracy = epoch.validation().orElseThrow().accuracy();
      assertTrue(accuracy < best || (epoch.epoch() >= history.bestEpoch() && accuracy <= best));
    }
  }

  @Test
  void metricsOfValidationNeedValidationData() {
    for (TrainerBuilder builder :
        List.of(
            trainer(model()).monitor(Metric.VAL_LOSS),
            trainer(model()).plateau(Plateau.of(Metric.VAL_LOSS, 0.5, 1)),
            trainer(model()).earlyStopping(EarlyStopping.on(Metric.VAL_ACCURACY, 1)))) {
      IllegalArgumentException e = assertThrows(IllegalArgumentException.class, builder::build);
      assertTrue(e.getMessage().contains("[train_loss, train_accuracy]"), e.getMessage());
    }
  }

  @Test
  void aPlateauLowersTheRateOfLaterEpochs() {
    Plateau always = Plateau.of(Metric.TRAIN_ACCURACY, 0.5, 0).withAbsoluteThreshold(1);
    History history = trainer(model()).plateau(always).fit();
    float[] rates = new float[4];
    for (int e = 0; e < 4; e++) {
      rates[e] = history.epochs().get(e).learningRate();
    }
    assertArrayEquals(new float[] {0.1f, 0.1f, 0.05f, 0.025f}, rates, 1e-9f);
  }

  @Test
  void oneCycleMovesTheMomentumOfTheUpdates() {
    Model model = model();
    trainer(model).epochs(1).schedule(Schedule.oneCycle()).fit();
    Model byHand = model();
    try (TrainingSession session =
        TrainingSession.builder(byHand)
            .device(device)
            .batchSize(10)
            .optimizer(Optimizer.sgd(0.1).withMomentum(0.5))
            .open()) {
      session.data(DATA.train());
      session.order(dev.halfstep.data.Order.permutation(2, 0, 100));
      float[] rates = new float[10];
      float[] momenta = new float[10];
      for (int u = 0; u < 10; u++) {
        Schedule.Progress progress = Schedule.Progress.of(u, 10, 1);
        rates[u] = (float) (0.1f * Schedule.oneCycle().factor(progress));
        momenta[u] = (float) Schedule.oneCycle().momentum(progress).orElseThrow();
      }
      session.schedule(rates, momenta);
      session.run(10);
      session.drain();
      session.store();
    }
    assertArrayEquals(byHand.weights(), model.weights());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theExponentialAverageIsTheDefinitions(boolean checked) {
    double decay = 0.75;
    Model model = model();
    try (TrainingSession session =
        TrainingSession.builder(model)
            .device(device)
            .batchSize(10)
            .optimizer(Optimizer.sgd(0.2))
            .gradientNorm(checked)
            .averageDecay(decay)
            .open()) {
      session.data(DATA.train());
      assertArrayEquals(session.weights(), session.averagedWeights());
      double[] average = new double[session.weights().length];
      for (int update = 1; update <= 10; update++) {
        session.run(1);
        session.drain();
        float[] weights = session.weights();
        float[] found = session.averagedWeights();
        for (int i = 0; i < average.length; i++) {
          average[i] = decay * average[i] + (1 - decay) * weights[i];
          assertEquals(average[i] / (1 - Math.pow(decay, update)), found[i], 1e-6);
        }
      }
    }
  }

  @Test
  void aSkippedStepMovesNoAverage() {
    LossScaling scaling = new LossScaling(0x1p60f, 2, 0.5f, 3, 1, 100);
    try (TrainingSession session =
        TrainingSession.builder(model())
            .device(device)
            .batchSize(10)
            .storage(DType.F16)
            .lossScaling(scaling)
            .averageDecay(0.9)
            .open()) {
      session.data(DATA.train());
      session.run(2);
      assertTrue(session.drain().skipped(1));
      assertArrayEquals(session.weights(), session.averagedWeights());
      session.run(50);
      StepBlock block = session.drain();
      assertTrue(!block.skipped(49));
      float[] before = session.averagedWeights();
      for (float value : before) {
        assertTrue(Float.isFinite(value));
      }
    }
  }

  @Test
  void theModelEndsWithTheAverageOfTheEndsOfEpochs() {
    List<float[]> ends = new ArrayList<>();
    for (int epochs = 2; epochs <= 4; epochs++) {
      Model model = model();
      trainer(model).epochs(epochs).monitor(Metric.TRAIN_LOSS).schedule(progress -> 1).fit();
      // Without validation the best epoch has the lowest training loss; here it is the last.
      ends.add(model.weights());
    }
    Model averaged = model();
    History history = trainer(averaged).average(WeightAverage.stochastic(2)).fit();
    assertEquals(4, history.bestEpoch());
    float[] found = averaged.weights();
    for (int i = 0; i < found.length; i++) {
      double mean = (ends.get(0)[i] + (double) ends.get(1)[i] + ends.get(2)[i]) / 3;
      assertEquals(mean, found[i], 1e-6);
    }
  }

  @Test
  void averagesAreWhatIsValidated() {
    Model model = model();
    History history =
        trainer(model)
            .validation(DATA.heldOut())
            .test(DATA.heldOut())
            .average(WeightAverage.exponential(0.95))
            .fit();
    assertEquals(history.epochs().get(history.bestEpoch() - 1).validation(), history.test());
    Model plain = model();
    History other = trainer(plain).validation(DATA.heldOut()).fit();
    // Averaging does not affect training itself.
    assertArrayEquals(other.stepLosses(), history.stepLosses());
    assertTrue(!other.epochs().get(0).validation().equals(history.epochs().get(0).validation()));
  }

  @Test
  void microBatchesLeakNothingFromEpochToEpoch() {
    // 100 samples in micro-batches of 15 make 7 per epoch; 4 make a batch of 60, so there are 2
    // updates.
    Recorder recorder = new Recorder();
    Model model = model();
    TrainerBuilder windows = trainer(model).batchSize(60).epochs(3).callbacks(recorder);
    History history = windows.session(options -> options.microBatch(15)).fit();
    assertEquals(6, history.stepLosses().length);
    assertEquals(40, recorder.steps.get(1).rows());
    Model whole = model();
    trainer(whole).batchSize(60).epochs(3).fit();
    assertArrayEquals(whole.weights(), model.weights(), 1e-6f);
  }

  @ParameterizedTest
  @ValueSource(ints = {128, 48, 32, 1})
  void theMicroBatchChangesNoResult(int microBatch) {
    Split data = RandomData.learnable(130, 1, 12, 3);
    Model[] models = new Model[2];
    for (int i = 0; i < 2; i++) {
      int micro = i == 0 ? Integer.MAX_VALUE : microBatch;
      models[i] = Model.of(data.train().sampleShape(), new Linear(2)).initialize(9);
      Trainer.builder(models[i], data.train())
          .device(device)
          .optimizer(Optimizer.sgd(0.1).withMomentum(0.9))
          .batchSize(128)
          .epochs(5)
          .session(options -> options.microBatch(micro))
          .fit();
    }
    // The sums of 128 products have another order, so rounding differs, far below a thousandth of
    // the weights.
    assertArrayEquals(models[0].weights(), models[1].weights(), 1e-6f);
  }
}
