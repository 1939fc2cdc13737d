package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.StepRecord;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TrainerTest {
  private static final Split DATA = RandomData.learnable(107, 50, 12, 3);

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
    return Model.of(
        DATA.train().sampleShape(), Sequential.of(new Linear(9), new ReLU(), new Linear(2)));
  }

  private static TrainerBuilder trainer(Model model) {
    return Trainer.builder(model, DATA.train())
        .device(device)
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.9))
        .batchSize(10)
        .epochs(3)
        .seed(4);
  }

  @ParameterizedTest
  @CsvSource({
    "1000, 32, 1, false, 32, 32", "1000, 32, 1, true, 31, 31",
    "10000, 100, 10, false, 100, 1000", "10000, 25, 10, false, 400, 4000",
    "10000, 100, 50, false, 100, 5000", "7, 7, 2, false, 1, 2"
  })
  void updatesAreCountedAsDefined(
      int samples, int batchSize, int epochs, boolean dropLast, long perEpoch, long total) {
    Dataset data = RandomData.unlearnable(samples, 1, 3, 0).train();
    Model linear = Model.of(data.sampleShape(), new Linear(2));
    TrainingPlan plan =
        Trainer.builder(linear, data)
            .batchSize(batchSize)
            .epochs(epochs)
            .dropLast(dropLast)
            .build()
            .plan();
    assertEquals(perEpoch, plan.updatesPerEpoch());
    assertEquals(total, plan.totalUpdates());
  }

  @Test
  void aShortLastBatchCountsForWhatItHolds() {
    List<StepRecord> steps = new ArrayList<>();
    Callback record =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock block) {
            for (int i = 0; i < block.size(); i++) {
              steps.add(block.record(i));
            }
          }
        };
    History history = trainer(model()).epochs(1).callbacks(record).fit();
    assertEquals(11, steps.size());
    assertEquals(7, steps.get(10).rows());
    double lossSum = 0;
    double correct = 0;
    for (StepRecord step : steps) {
      lossSum += step.loss() * step.rows();
      correct += step.correct();
    }
    assertEquals(107, history.epochs().get(0).train().rows());
    assertEquals(lossSum / 107, history.epochs().get(0).train().loss(), 1e-12);
    assertEquals(correct / 107, history.epochs().get(0).train().accuracy(), 1e-12);
    assertEquals(11, history.stepLosses().length);
    assertEquals(steps.get(3).loss(), history.stepLosses()[3]);
  }

  @Test
  void dropLastLeavesTheShortBatchOut() {
    History history = trainer(model()).epochs(2).dropLast(true).fit();
    assertEquals(100, history.epochs().get(1).train().rows());
    assertEquals(20, history.stepLosses().length);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 10, 11, 1000})
  void resultsDoNotDependOnHowOftenTheDeviceIsAsked(int syncEvery) {
    Model expected = model();
    History once = trainer(expected).validation(DATA.heldOut()).fit();
    Model actual = model();
    History again = trainer(actual).validation(DATA.heldOut()).syncEvery(syncEvery).fit();
    assertArrayEquals(expected.weights(), actual.weights());
    assertArrayEquals(once.stepLosses(), again.stepLosses());
    for (int i = 0; i < 3; i++) {
      assertEquals(once.epochs().get(i).train(), again.epochs().get(i).train());
      assertEquals(once.epochs().get(i).validation(), again.epochs().get(i).validation());
    }
  }

  @Test
  void theModelEndsWithTheWeightsOfTheBestEpoch() {
    // The rate grows until training diverges, so that the last epoch is not the best.
    Schedule growing = progress -> Math.pow(3, (int) progress.epoch());
    Model model = model();
    History history =
        trainer(model)
            .validation(DATA.heldOut())
            .test(DATA.heldOut())
            .epochs(5)
            .schedule(growing)
            .fit();
    int best = history.bestEpoch();
    assertTrue(best >= 1 && best < history.epochs().size(), "best epoch " + best);
    Metrics metrics = history.epochs().get(best - 1).validation().orElseThrow();
    for (EpochRecord epoch : history.epochs()) {
      assertTrue(metrics.loss() <= epoch.monitoredLoss());
    }
    assertEquals(metrics, history.test().orElseThrow());

    Model shorter = model();
    trainer(shorter).validation(DATA.heldOut()).epochs(best).schedule(growing).fit();
    assertArrayEquals(shorter.weights(), model.weights());
  }

  @Test
  void aScheduleSetsTheRateOfEveryUpdate() {
    List<Float> rates = new ArrayList<>();
    Callback record =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock block) {
            for (int i = 0; i < block.size(); i++) {
              rates.add(block.learningRate(i));
            }
          }
        };
    Schedule falling = progress -> 1 - progress.fraction();
    History history =
        trainer(model()).schedule(falling).epochs(2).syncEvery(4).callbacks(record).fit();
    assertEquals(22, rates.size());
    for (int i = 0; i < 22; i++) {
      assertEquals((float) (0.1f * (1 - i / 22.0)), rates.get(i));
    }
    assertEquals(rates.get(10), history.epochs().get(0).learningRate());
  }

  @Test
  void aScheduleThatGivesNoRateIsAnError() {
    TrainerBuilder wrong = trainer(model()).schedule(progress -> Double.NaN);
    IllegalStateException e = assertThrows(IllegalStateException.class, wrong::fit);
    assertTrue(e.getMessage().contains("NaN at update 0"), e.getMessage());
  }

  @Test
  void aCallbackStopsTheRunWithItsReason() {
    List<String> calls = new ArrayList<>();
    Callback stopper =
        new Callback() {
          @Override
          public void fitBegin(Fit fit) {
            calls.add("fitBegin");
          }

          @Override
          public void epochBegin(Fit fit) {
            calls.add("epochBegin " + fit.epoch());
          }

          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.steps() == 16) {
              fit.stop("enough");
              fit.stop("too late to be the reason");
            }
          }

          @Override
          public void epochEnd(Fit fit, EpochRecord epoch) {
            calls.add("epochEnd " + epoch.epoch());
          }

          @Override
          public void fitEnd(Fit fit, History history) {
            calls.add("fitEnd");
          }
        };
    Model model = model();
    History history = trainer(model).syncEvery(5).test(DATA.heldOut()).callbacks(stopper).fit();
    assertEquals(
        List.of("fitBegin", "epochBegin 1", "epochEnd 1", "epochBegin 2", "fitEnd"), calls);
    assertEquals(new StopReason(StopReason.Kind.STOPPED, "enough"), history.stopReason());
    assertEquals(1, history.epochs().size());
    assertEquals(16, history.stepLosses().length);
    assertTrue(history.test().isPresent());
    Model one = model();
    trainer(one).epochs(1).fit();
    assertArrayEquals(one.weights(), model.weights());
  }

  @Test
  void aLossThatIsNotFiniteStopsTheRunAndSaysWhere() {
    History history = trainer(model()).optimizer(Optimizer.sgd(1e30).withMomentum(0.5)).fit();
    assertEquals(StopReason.Kind.NOT_FINITE, history.stopReason().kind());
    assertTrue(history.stopReason().text().contains("(epoch 1)"), history.stopReason().text());
    assertEquals(0, history.bestEpoch());
    assertTrue(history.epochs().isEmpty());
  }

  @Test
  void learnsWhatCanBeLearned() {
    History history = trainer(model()).epochs(20).test(DATA.heldOut()).fit();
    assertTrue(history.test().orElseThrow().accuracy() > 0.85);
    assertEquals(StopReason.Kind.COMPLETED, history.stopReason().kind());
  }

  @Test
  void impossibleOptionsAreRefusedWithNumbers() {
    TrainerBuilder builder = trainer(model());
    assertThrows(IllegalArgumentException.class, () -> builder.epochs(0));
    assertThrows(IllegalArgumentException.class, () -> builder.batchSize(0));
    assertThrows(IllegalArgumentException.class, () -> builder.syncEvery(0));
    IllegalArgumentException larger =
        assertThrows(IllegalArgumentException.class, () -> builder.batchSize(108).build());
    assertEquals(
        "the batch size 108 is larger than the 107 training samples: give at most that",
        larger.getMessage());
  }

  @Test
  void buildersAreImmutable() {
    TrainerBuilder builder = trainer(model());
    TrainingPlan before = builder.build().plan();
    assertFalse(builder == builder.epochs(50));
    assertEquals(before.totalUpdates(), builder.build().plan().totalUpdates());
  }
}
