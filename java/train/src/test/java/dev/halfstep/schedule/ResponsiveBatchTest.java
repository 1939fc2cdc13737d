package dev.halfstep.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.SmallTask;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import dev.halfstep.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ResponsiveBatchTest {
  private static final ResponsiveBatch RULE = ResponsiveBatch.between(4, 64).withSmoothing(0);

  @TempDir Path folder;

  /** The batch size after each of these measured noise scales; 0: not measured. */
  private static List<Integer> sizes(ResponsiveBatch rule, int first, double... scales) {
    ResponsiveBatch.State state = rule.begin(first);
    List<Integer> sizes = new ArrayList<>();
    for (double scale : scales) {
      state = rule.next(state, new GradientNoise(scale, scale == 0 ? -1 : 1));
      sizes.add(state.batchSize());
    }
    return sizes;
  }

  @Test
  void theBatchDoublesOrHalvesAfterMeasurementsInARow() {
    assertEquals(List.of(16, 32, 32, 64), sizes(RULE, 16, 100, 100, 200, 200));
    assertEquals(List.of(16, 8, 8, 4), sizes(RULE, 16, 5, 5, 1, 1));
    assertEquals(List.of(16, 16, 16, 16, 16, 32), sizes(RULE, 16, 100, 20, 100, 5, 100, 100));
    assertEquals(List.of(32, 64), sizes(RULE.withPatience(1), 16, 100, 200));
  }

  @Test
  void withinTheBandItRests() {
    for (double scale = 16; scale <= 64; scale *= 1.1) {
      assertEquals(List.of(32, 32, 32), sizes(RULE.withPatience(1), 32, scale, scale, scale));
    }
    // A batch that doubled because of a scale is not halved by the same scale.
    for (double scale = 1; scale < 5000; scale *= 1.13) {
      double[] same = new double[20];
      java.util.Arrays.fill(same, scale);
      List<Integer> sizes = sizes(RULE.withPatience(1), 16, same);
      assertEquals(sizes.get(10), sizes.get(19), "scale " + scale);
    }
  }

  @Test
  void itKeepsToItsBoundsAndWhatIsUnmeasuredChangesNothing() {
    assertEquals(List.of(64, 64, 64), sizes(RULE.withPatience(1), 40, 1e9, 1e9, 1e9));
    assertEquals(List.of(4, 4), sizes(RULE.withPatience(1), 7, 0.1, 0.1));
    assertEquals(64, RULE.begin(1000).batchSize());
    assertEquals(List.of(16, 16, 16, 32), sizes(RULE, 16, 100, 0, 100, 100));
    ResponsiveBatch.State state = RULE.begin(16);
    assertEquals(16, RULE.next(state, new GradientNoise(Double.NaN, 1)).batchSize());
  }

  @Test
  void impossibleRulesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> ResponsiveBatch.between(0, 4));
    assertThrows(IllegalArgumentException.class, () -> ResponsiveBatch.between(8, 4));
    assertThrows(IllegalArgumentException.class, () -> RULE.withBand(1.4));
    assertThrows(IllegalArgumentException.class, () -> RULE.withPatience(0));
    assertThrows(IllegalArgumentException.class, () -> RULE.withSmoothing(1));
    TrainerBuilder both =
        trainer(SmallTask.model(), folder).batchSchedule(BatchSchedule.warmUp(2, 1));
    assertThrows(IllegalArgumentException.class, both::build);
  }

  private static TrainerBuilder trainer(Model model, Path folder) {
    SmallTask task = new SmallTask(140);
    return Trainer.builder(model, task.data.slice(0, 120))
        .session(options -> options.device(TestDevice.ID))
        .optimizer(Optimizer.sgd(0.05).withMomentum(0.9))
        .scaling(LearningRateScaling.LINEAR, 4)
        .batchSize(4)
        .responsiveBatch(ResponsiveBatch.between(4, 32).withPatience(1))
        .trace("0.weight", 3)
        .epochs(8)
        .syncEvery(5)
        .checkpoints(Checkpoints.in(folder, 6));
  }

  @Test
  void aRunFollowsWhatItMeasuresAndItsRateFollowsTheBatch() {
    TrainerBuilder builder = trainer(SmallTask.model(), folder);
    TrainingPlan plan = builder.build().plan();
    assertEquals(Long.MAX_VALUE, plan.totalUpdates());
    assertEquals(8, plan.length());
    assertEquals(32, plan.largestBatch());
    assertEquals(30, plan.updatesPerEpoch());
    History history = builder.fit();
    ResponsiveBatch.State state = ResponsiveBatch.between(4, 32).withPatience(1).begin(4);
    int steps = 0;
    for (EpochRecord epoch : history.epochs()) {
      assertEquals(state.batchSize(), epoch.batchSize());
      assertEquals((119 + epoch.batchSize()) / epoch.batchSize(), epoch.steps());
      assertEquals((float) (0.05f * (epoch.batchSize() / 4.0)), epoch.learningRate());
      steps += epoch.steps();
      state =
          ResponsiveBatch.between(4, 32).withPatience(1).next(state, epoch.noise().orElseThrow());
    }
    assertEquals(steps, history.stepLosses().length);
    assertTrue(state.batchSize() > 4, "the noise is far above 4: " + history.epochs());
  }

  @Test
  void aResumedRunMeasuresAndEndsAsOneThatWasNotInterrupted() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    Model expected = SmallTask.model();
    History whole = trainer(expected, other).fit();
    for (int updates : new int[] {8, 30, 61}) { // an epoch ends with update 30
      Path killed = Files.createDirectory(folder.resolve("killed" + updates));
      Callback stopper =
          new Callback() {
            @Override
            public void stepsEnd(Fit fit, StepBlock steps) {
              if (fit.updates() >= updates) {
                fit.stop("enough");
              }
            }
          };
      trainer(SmallTask.model(), killed).callbacks(stopper).fit();
      Model actual = SmallTask.model();
      History resumed = trainer(actual, killed).resume(Checkpoints.newest(killed)).fit();
      assertArrayEquals(expected.weights(), actual.weights());
      assertArrayEquals(whole.stepLosses(), resumed.stepLosses());
      assertEquals(whole.epochs().size(), resumed.epochs().size());
      for (int i = 0; i < whole.epochs().size(); i++) {
        assertEquals(whole.epochs().get(i).batchSize(), resumed.epochs().get(i).batchSize());
        assertEquals(whole.epochs().get(i).noise(), resumed.epochs().get(i).noise());
        assertEquals(whole.epochs().get(i).gradients(), resumed.epochs().get(i).gradients());
      }
      assertEquals(whole.traces(), resumed.traces());
    }
  }
}
