package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.Order;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Callbacks that change learning rate and batch size during the run. */
final class ActingCallbackTest {
  private static final int SAMPLES = 40;

  @TempDir Path folder;

  private static Callback afterSteps(Consumer<Fit> action) {
    return new Callback() {
      @Override
      public void stepsEnd(Fit fit, StepBlock steps) {
        action.accept(fit);
      }
    };
  }

  private static TrainerBuilder run(Model model) {
    return Trainer.builder(model, new SmallTask(SAMPLES).data)
        .session(options -> options.device(TestDevice.ID))
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.9))
        .seed(3)
        .batchSize(10)
        .epochs(2);
  }

  @Test
  void aFactorHoldsFromTheNextStepOnAndIsInTheRecords() {
    List<Float> rates = new ArrayList<>();
    Callback act =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            for (int i = 0; i < steps.size(); i++) {
              rates.add(steps.record(i).learningRate());
            }
            if (fit.steps() == 3) {
              assertEquals(1, fit.rateFactor());
              fit.rateFactor(0.5);
              assertEquals(0.5, fit.rateFactor());
            }
            if (fit.steps() == 4) {
              fit.rateFactor(0.25); // after the epoch's last step: holds for the next epoch
            }
          }

          @Override
          public void epochEnd(Fit fit, EpochRecord epoch) {
            if (epoch.epoch() == 1) {
              fit.rateFactor(0.125);
            }
          }
        };
    History history = run(SmallTask.model()).syncEvery(1).callbacks(act).fit();
    assertEquals(List.of(0.1f, 0.1f, 0.1f, 0.05f, 0.0125f, 0.0125f, 0.0125f, 0.0125f), rates);
    assertEquals(0.05f, history.epochs().get(0).learningRate());
    assertEquals(0.0125f, history.epochs().get(1).learningRate());
    assertEquals(List.of(new RunChange(3, 0.5, 0), new RunChange(4, 0.125, 0)), history.changes());
  }

  @Test
  void anotherBatchInMidEpochGivesTheBitsOfALoopOfOnesOwn() {
    Model model = SmallTask.model();
    List<Integer> sizes = new ArrayList<>();
    Callback act =
        afterSteps(
            fit -> {
              if (fit.steps() == 2) {
                fit.batchSize(8);
              }
              sizes.add(fit.batchSize());
            });
    // Epoch 1: 10 + 10 + 8 + 8 + 4 samples, epoch 2: 5 x 8; the rate follows the batch.
    History history =
        run(model).syncEvery(1).scaling(LearningRateScaling.LINEAR, 10).callbacks(act).fit();
    assertEquals(List.of(10, 8, 8, 8, 8, 8, 8, 8, 8, 8), sizes);
    assertEquals(List.of(new RunChange(2, 1, 8)), history.changes());
    assertEquals(5, history.epochs().get(0).steps());
    assertEquals(SAMPLES, history.epochs().get(0).train().rows());
    assertEquals(8, history.epochs().get(0).batchSize());

    Model expected = SmallTask.model();
    try (TrainingSession session =
        TrainingSession.builder(expected)
            .device(TestDevice.ID)
            .optimizer(Optimizer.sgd(0.1).withMomentum(0.9))
            .seed(3)
            .batchSize(10)
            .open()) {
      session.data(new SmallTask(SAMPLES).data);
      session.order(Order.permutation(3, 0, SAMPLES));
      session.learningRate(0.1);
      session.run(10, 2);
      session.learningRate((float) (0.1f * 0.8));
      session.run(8, 2);
      session.runShort(4);
      session.order(Order.permutation(3, 1, SAMPLES));
      session.run(8, 5);
      session.drain();
      session.store();
    }
    assertEquals(2, history.bestEpoch());
    assertArrayEquals(expected.weights(), model.weights());
  }

  @Test
  void schedulesSeeHowFarTheEpochIsWhateverItsBatches() {
    List<Double> epochs = new ArrayList<>();
    Schedule seen =
        progress -> {
          if (epochs.isEmpty() || epochs.get(epochs.size() - 1) < progress.epoch()) {
            epochs.add(progress.epoch());
          }
          return 1;
        };
    Callback act =
        afterSteps(
            fit -> {
              if (fit.steps() == 2) {
                fit.batchSize(5);
              }
            });
    run(SmallTask.model()).epochs(1).syncEvery(1).schedule(seen).callbacks(act).fit();
    assertEquals(List.of(0.0, 0.25, 0.5, 0.625, 0.75, 0.875), epochs);
  }

  /**
   * Lowers learning rate and batch size if the last loss is above the one before, and raises them
   * otherwise.
   */
  private static final Callback CAREFUL =
      new Callback() {
        @Override
        public void stepsEnd(Fit fit, StepBlock steps) {
          int now = fit.steps();
          if (now >= 2 && fit.stepLoss(now - 1) > fit.stepLoss(now - 2)) {
            fit.rateFactor(fit.rateFactor() * 0.75);
            fit.batchSize(Math.max(3, fit.batchSize() - 1));
          }
        }

        @Override
        public void epochEnd(Fit fit, EpochRecord epoch) {
          fit.rateFactor(fit.rateFactor() * 1.25);
          fit.batchSize(Math.min(16, fit.batchSize() + 2));
        }
      };

  private TrainerBuilder careful(Model model, Path folder) {
    return run(model)
        .optimizer(Optimizer.sgd(0.3).withMomentum(0.9))
        .batchSize(5)
        .epochs(6)
        .syncEvery(3)
        .largestBatch(16)
        .schedule(Schedule.cosine())
        .checkpoints(Checkpoints.in(folder, 4));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 5, 7, 8, 12, 13, 16, 20})
  void aResumedRunActsAsOneThatWasNotInterrupted(int updates) throws IOException {
    Model expected = SmallTask.model();
    History whole = careful(expected, folder.resolve("whole")).callbacks(CAREFUL).fit();
    assertTrue(whole.changes().size() > 10, whole.changes().toString());
    Callback stop =
        afterSteps(
            fit -> {
              if (fit.updates() >= updates) {
                fit.stop("enough");
              }
            });
    Path part = folder.resolve("part");
    careful(SmallTask.model(), part).callbacks(CAREFUL, stop).fit();
    same(whole, expected, part);
  }

  /** A callback that throws ends the run like a kill: the last due checkpoint is on disk. */
  @ParameterizedTest
  @ValueSource(ints = {5, 9, 14, 21})
  void aKilledRunActsLikewise(int updates) throws IOException {
    Model expected = SmallTask.model();
    History whole = careful(expected, folder.resolve("whole")).callbacks(CAREFUL).fit();
    Callback kill =
        afterSteps(
            fit -> {
              if (fit.updates() >= updates) {
                throw new IllegalStateException("killed");
              }
            });
    Path part = folder.resolve("part");
    Trainer killed = careful(SmallTask.model(), part).callbacks(CAREFUL, kill).build();
    assertThrows(IllegalStateException.class, killed::fit);
    same(whole, expected, part);
  }

  private void same(History whole, Model expected, Path part) throws IOException {
    Safetensors.Contents checkpoint = Checkpoints.newest(part);
    Model model = SmallTask.model();
    History resumed = careful(model, part).callbacks(CAREFUL).resume(checkpoint).fit();
    assertArrayEquals(expected.weights(), model.weights());
    assertArrayEquals(whole.stepLosses(), resumed.stepLosses());
    assertEquals(whole.changes(), resumed.changes());
    for (int i = 0; i < 6; i++) {
      assertEquals(whole.epochs().get(i).learningRate(), resumed.epochs().get(i).learningRate());
      assertEquals(whole.epochs().get(i).batchSize(), resumed.epochs().get(i).batchSize());
    }
  }

  @Test
  void whatCannotBeIsRefusedAndChangesNothing() {
    List<String> refused = new ArrayList<>();
    Callback act =
        afterSteps(
            fit -> {
              for (double factor : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
                assertThrows(IllegalArgumentException.class, () -> fit.rateFactor(factor));
              }
              for (int size : new int[] {0, -1, 11}) {
                refused.add(
                    assertThrows(IllegalArgumentException.class, () -> fit.batchSize(size))
                        .getMessage());
              }
              assertThrows(IndexOutOfBoundsException.class, () -> fit.stepLoss(fit.steps()));
              assertEquals(10, fit.batchSize());
            });
    History history = run(SmallTask.model()).callbacks(act).fit();
    assertEquals(List.of(), history.changes());
    assertTrue(refused.get(2).contains("batch size 11"), refused.get(2));
    assertTrue(refused.get(2).contains("1 to 10"), refused.get(2));
    assertTrue(refused.get(2).contains("largestBatch"), refused.get(2));
  }

  @Test
  void aBatchThatLeavesOneSampleToBatchNormIsRefused() {
    Model model =
        Model.of(
                Shape.of(SmallTask.FEATURES),
                Sequential.of(new BatchNorm(), new Linear(SmallTask.CLASSES)))
            .initialize(1);
    Callback act =
        afterSteps(
            fit -> {
              // An epoch would have 39 and 1 samples; the first, with 30 samples left, 29 and 1.
              assertThrows(IllegalArgumentException.class, () -> fit.batchSize(39));
              if (fit.steps() == 1) {
                assertThrows(IllegalArgumentException.class, () -> fit.batchSize(29));
              }
            });
    run(model).syncEvery(1).largestBatch(40).callbacks(act).fit();
  }

  @Test
  void aRunIsChangedInTwoPlacesAlone() {
    Callback act =
        new Callback() {
          @Override
          public void epochBegin(Fit fit) {
            assertThrows(IllegalStateException.class, () -> fit.rateFactor(0.5));
            assertThrows(IllegalStateException.class, () -> fit.batchSize(5));
          }
        };
    assertEquals(2, run(SmallTask.model()).callbacks(act).fit().epochs().size());
  }
}
