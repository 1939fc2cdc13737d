package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Batches, epochs and validations in which no row counts do not end a run as diverged. */
@Tag("sim")
final class NoRowsTest {
  /** Samples of two features; the first {@code ignored} ones have the ignored label. */
  private static Dataset data(int samples, int ignored) {
    float[] x = new float[2 * samples];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 7 % 5) - 2;
    }
    int[] y = new int[samples];
    Arrays.setAll(y, i -> i < ignored ? -100 : i % 2);
    return ArrayDataset.of(
        "some ignored",
        Features.of(x, Shape.of(2)),
        Labels.of(y, Shape.of(), 2, OptionalInt.of(-100)));
  }

  private static Model model() {
    return Model.of(Shape.of(2), Sequential.of(new Linear(2))).initialize(1);
  }

  private static SessionBuilder options() {
    return TrainingSession.builder(model()).device(TestDevice.ID).batchSize(4);
  }

  @Test
  void anEpochsLossIsThatOfTheRowsThatCount() {
    Dataset data = data(24, 16);
    for (int batch : new int[] {1, 4}) {
      History history =
          Trainer.builder(model(), data)
              .session(session -> session.device(TestDevice.ID))
              .optimizer(Optimizer.sgd(0))
              .batchSize(batch)
              .epochs(3)
              .fit();
      assertEquals(StopReason.Kind.COMPLETED, history.stopReason().kind());
      assertEquals(3, history.epochs().size());
      double loss;
      try (TrainingSession session = options().open()) {
        loss = session.evaluate(data.slice(16, 24)).loss();
      }
      assertEquals(8, history.epochs().get(1).train().rows());
      assertEquals(loss, history.epochs().get(1).train().loss(), 1e-6);
      assertTrue(Arrays.stream(history.stepLosses()).allMatch(Double::isFinite));
      assertTrue(Arrays.stream(history.stepLosses()).anyMatch(step -> step == 0));
    }
  }

  @Test
  void aStepWithoutARowHasLossZeroAndMovesNothing() {
    Loss loss = Loss.crossEntropy().ignoreLabel(-100);
    try (TrainingSession session = options().loss(loss).open()) {
      float[] before = session.weights();
      assertEquals(0, session.step(new float[8], new int[] {-100, -100, -100, -100}));
      assertEquals(0, session.lastStep().loss());
      assertEquals(0, session.lastStep().accuracy());
      assertFalse(session.lastStep().skipped());
      assertArrayEquals(before, session.weights());
      assertArrayEquals(new float[before.length], session.gradients());
      assertEquals(0, session.gradientStatistics().norm());
      assertTrue(session.step(new float[8], new int[] {0, -100, -100, -100}) > 0);
    }
    Loss weighted = Loss.crossEntropy().classWeights(0, 1);
    try (TrainingSession session = options().loss(weighted).open()) {
      assertEquals(0, session.step(new float[8], new int[4]));
    }
  }

  @Test
  void aLossThatIsNaNIsNotTakenForOneOfNoRows() {
    assertTrue(Double.isNaN(new Metrics(Double.NaN, 0, 0, 0).loss()));
    assertFalse(new Metrics(Double.NaN, 0, 0, 0).isEmpty());
    assertEquals(0, new Metrics(0, 0, 0, 0).loss());
    assertTrue(new Metrics(0, 0, 0, 0).isEmpty());
  }

  @Test
  void dataWithoutARowThatCountsAreJudgedByNobody() {
    Dataset none = data(8, 8);
    History history =
        Trainer.builder(model(), data(24, 0))
            .session(session -> session.device(TestDevice.ID))
            .validation(none)
            .earlyStopping(
                EarlyStopping.any(
                    EarlyStopping.on(Metric.VAL_LOSS, 1), EarlyStopping.on(Metric.VAL_F1, 1)))
            .plateau(Plateau.of(Metric.VAL_LOSS, 0.5, 0))
            .batchSize(4)
            .epochs(3)
            .fit();
    assertEquals(StopReason.Kind.COMPLETED, history.stopReason().kind());
    assertEquals(3, history.epochs().size());
    assertEquals(0, history.bestEpoch());
    Metrics validation = history.epochs().get(0).validation().orElseThrow();
    assertTrue(validation.isEmpty());
    assertEquals(0, validation.loss());
    assertEquals(0, validation.accuracy());
    assertEquals(0, history.epochs().get(0).confusion().orElseThrow().f1());
    assertEquals(history.epochs().get(0).learningRate(), history.epochs().get(2).learningRate());

    History all = Trainer.builder(model(), none).batchSize(4).epochs(2).fit();
    assertEquals(StopReason.Kind.COMPLETED, all.stopReason().kind());
    assertEquals(2, all.epochs().size());
    assertEquals(0, all.bestEpoch());
  }
}
