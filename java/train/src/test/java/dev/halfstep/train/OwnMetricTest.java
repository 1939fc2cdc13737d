package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.data.Dataset;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** User-defined metrics, as functions of the model's outputs and the validation data. */
final class OwnMetricTest {
  private static final SmallTask TASK = new SmallTask(60);
  private static final Dataset TRAIN = TASK.data.slice(0, 40);
  private static final Dataset HELD_OUT = TASK.data.slice(40, 60);

  /** The share of samples whose largest output is that of the label, counted by the test. */
  private static final Metric SHARE =
      Metric.of(
          "share",
          true,
          (outputs, data) -> {
            assertEquals(data.size() * SmallTask.CLASSES, outputs.length);
            int right = 0;
            for (int i = 0; i < data.size(); i++) {
              int best = 0;
              for (int c = 1; c < SmallTask.CLASSES; c++) {
                int row = i * SmallTask.CLASSES;
                best = outputs[row + c] > outputs[row + best] ? c : best;
              }
              right += best == TASK.y[40 + i] ? 1 : 0;
            }
            return (double) right / data.size();
          });

  private static TrainerBuilder run(Model model) {
    return Trainer.builder(model, TRAIN)
        .session(options -> options.device(TestDevice.ID).evaluationBatch(7))
        .validation(HELD_OUT)
        .optimizer(Optimizer.adam(0.02))
        .batchSize(10)
        .epochs(8);
  }

  @Test
  void outputsAreThoseOfPrediction() {
    Model model = SmallTask.model();
    float[] x = new float[20 * SmallTask.FEATURES];
    System.arraycopy(TASK.x, 40 * SmallTask.FEATURES, x, 0, x.length);
    try (TrainingSession session =
        TrainingSession.builder(model).device(TestDevice.ID).evaluationBatch(7).open()) {
      assertArrayEquals(model.predict(x), session.outputs(HELD_OUT), 1e-5f);
    }
  }

  @Test
  void itsValuesAreInTheRecordsAndItIsWatchedLikeABuiltInOne() {
    Model own = SmallTask.model();
    Model builtIn = SmallTask.model();
    History ofOwn =
        run(own)
            .monitor(SHARE)
            .plateau(Plateau.of(SHARE, 0.5, 0))
            .earlyStopping(EarlyStopping.on(SHARE, 3))
            .fit();
    History ofBuiltIn =
        run(builtIn)
            .monitor(Metric.VAL_ACCURACY)
            .plateau(Plateau.of(Metric.VAL_ACCURACY, 0.5, 0))
            .earlyStopping(EarlyStopping.on(Metric.VAL_ACCURACY, 3))
            .fit();
    assertArrayEquals(builtIn.weights(), own.weights());
    assertEquals(ofBuiltIn.bestEpoch(), ofOwn.bestEpoch());
    assertEquals(ofBuiltIn.epochs().size(), ofOwn.epochs().size());
    for (EpochRecord epoch : ofOwn.epochs()) {
      assertEquals(epoch.validation().orElseThrow().accuracy(), SHARE.of(epoch));
      assertEquals(SHARE.of(epoch), epoch.own().get("share"));
    }
    assertThrows(IllegalArgumentException.class, () -> SHARE.of(ofBuiltIn.epochs().get(0)));
  }

  @Test
  void itIsMeasuredBesideWhatIsWatchedAndKeptInCheckpoints(@TempDir Path folder)
      throws IOException {
    Metric[] metrics = {
      SHARE,
      Metric.of("calls", false, (outputs, data) -> outputs[0]),
      Metric.of("b", false, (outputs, data) -> outputs[1]),
      Metric.of("a", false, (outputs, data) -> outputs[2]),
    };
    TrainerBuilder run = run(SmallTask.model()).metrics(metrics);
    History whole = run.fit();
    Callback stop =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() >= 18) {
              fit.stop("enough");
            }
          }
        };
    run(SmallTask.model())
        .metrics(metrics)
        .checkpoints(Checkpoints.in(folder, 5))
        .callbacks(stop)
        .fit();
    History resumed =
        run(SmallTask.model()).metrics(metrics).resume(Checkpoints.newest(folder)).fit();
    assertEquals(values(whole), values(resumed));
    assertEquals(
        List.of("share", "calls", "b", "a"), List.copyOf(whole.epochs().get(7).own().keySet()));
  }

  private static List<Object> values(History history) {
    List<Object> values = new ArrayList<>();
    // Compared as lists, because the order of the metrics must be equal too.
    history.epochs().forEach(epoch -> values.add(List.copyOf(epoch.own().entrySet())));
    return values;
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Metric.of(" ", true, (o, d) -> 0));
    IllegalArgumentException taken =
        assertThrows(
            IllegalArgumentException.class, () -> Metric.of("val_loss", true, (o, d) -> 0));
    assertTrue(taken.getMessage().contains("val_loss"), taken.getMessage());
    Metric other = Metric.of("share", true, (o, d) -> 0);
    IllegalArgumentException twice =
        assertThrows(
            IllegalArgumentException.class,
            () -> run(SmallTask.model()).metrics(SHARE, other).build());
    assertTrue(twice.getMessage().contains("two metrics are named share"), twice.getMessage());
    TrainerBuilder without = Trainer.builder(SmallTask.model(), TRAIN).batchSize(10).metrics(SHARE);
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, without::build);
    assertTrue(e.getMessage().contains("share needs validation data"), e.getMessage());
  }
}
