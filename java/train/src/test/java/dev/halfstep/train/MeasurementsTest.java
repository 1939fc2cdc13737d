package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.study.GradientProbe;
import dev.halfstep.study.NoiseScale;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Gradient statistics, gradient noise, traces of weights and counts of classes in a run. */
final class MeasurementsTest {
  private static final int SAMPLES = 96;
  private static final int BATCH = 16;

  private final SmallTask task = new SmallTask(SAMPLES, true);

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .loss(Loss.crossEntropy().ignoreLabel(-100))
        .optimizer(Optimizer.sgd(0.05).withMomentum(0.9));
  }

  private static Model normalized() {
    return Model.of(
            Shape.of(SmallTask.FEATURES),
            Sequential.of(new Linear(12), new BatchNorm(), new ReLU(), new Linear(5)))
        .initialize(5);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void statisticsAreOfTheUnscaledGradientBeforeClipping(DType storage) {
    SessionBuilder options = options(SmallTask.model()).storage(storage).clipNorm(1e-3);
    try (TrainingSession session = options.open()) {
      session.data(task.data);
      session.run(2);
      StepBlock steps = session.drain();
      float[] gradients = session.gradients();
      int count = (SmallTask.FEATURES + 1) * SmallTask.HIDDEN + (SmallTask.HIDDEN + 1) * 5;
      double sum = 0;
      double magnitudes = 0;
      double squares = 0;
      double minimum = 0;
      double maximum = 0;
      for (float value : gradients) { // the padding is 0
        sum += value;
        magnitudes += Math.abs(value);
        squares += (double) value * value;
        minimum = Math.min(minimum, value);
        maximum = Math.max(maximum, value);
      }
      GradientStatistics found = session.gradientStatistics();
      assertEquals(count, found.count());
      assertEquals(0, found.nonfinite());
      assertEquals(sum / count, found.mean(), 1e-7);
      assertEquals(magnitudes / count, found.meanMagnitude(), 1e-7);
      assertEquals(Math.sqrt(squares), found.norm(), 1e-5);
      assertEquals(steps.gradientNorm(1), found.norm(), 1e-5);
      double mean = sum / count;
      assertEquals(Math.sqrt(squares / count - mean * mean), found.deviation(), 1e-6);
      assertEquals(minimum, found.minimum(), 1e-6);
      assertEquals(maximum, found.maximum(), 1e-6);
    }
  }

  @Test
  void theNoiseIsThatOfTheDefinition() {
    Model model = SmallTask.model();
    int[] samples = IntStream.range(0, 48).map(i -> (i * 7) % SAMPLES).toArray();
    List<float[]> gradients = new ArrayList<>();
    try (GradientProbe probe = new GradientProbe(options(model), task.data)) {
      for (int batch = 0; batch < 6; batch++) {
        gradients.add(probe.gradient(Arrays.copyOfRange(samples, 8 * batch, 8 * batch + 8)));
      }
    }
    try (TrainingSession session = options(model).open()) {
      session.data(task.data);
      GradientNoise found = session.gradientNoise(8, samples);
      // A probe divides by the rows, the session by the weights; both are equal if no row is
      // ignored.
      NoiseScale expected = NoiseScale.withDecay(0).add(8, gradients);
      assertEquals(1, found.variance() / expected.variance(), 1e-3);
      assertEquals(
          Math.sqrt(BATCH / found.scale().orElseThrow()),
          found.signalToNoise(BATCH).orElseThrow(),
          1e-12);
      assertThrows(
          IllegalArgumentException.class,
          () -> session.gradientNoise(8, Arrays.copyOf(samples, 8)));
    }
    assertTrue(new GradientNoise(1, -1).signalToNoise(3).isEmpty());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void measuringMovesNothing(DType storage) {
    List<float[]> weights = new ArrayList<>();
    List<double[]> losses = new ArrayList<>();
    for (boolean measured : new boolean[] {false, true}) {
      Model model = normalized();
      History history =
          Trainer.builder(model, task.data)
              .session(
                  options ->
                      options
                          .device(TestDevice.ID)
                          .storage(storage)
                          .loss(Loss.crossEntropy().ignoreLabel(-100)))
              .optimizer(Optimizer.adamW(0.01))
              .batchSize(BATCH)
              .epochs(3)
              .gradientNoise(measured)
              .fit();
      assertEquals(measured, history.epochs().get(2).noise().isPresent());
      assertEquals(measured, history.epochs().get(0).noiseScale().isPresent());
      weights.add(model.weights());
      losses.add(history.stepLosses());
    }
    assertArrayEquals(losses.get(0), losses.get(1));
    assertArrayEquals(weights.get(0), weights.get(1));
  }

  @Test
  void tracesAreTheWeightsAfterEachBlock() {
    Model model = SmallTask.model();
    float first = model.get("2.weight")[4];
    List<Integer> ends = new ArrayList<>(List.of(0));
    Callback blocks =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            ends.add(fit.steps());
          }
        };
    History history =
        Trainer.builder(model, task.data)
            .session(
                options ->
                    options.device(TestDevice.ID).loss(Loss.crossEntropy().ignoreLabel(-100)))
            .batchSize(BATCH)
            .epochs(2)
            .syncEvery(4)
            .trace("2.weight", 4)
            .trace("0.bias", 0)
            .callbacks(blocks)
            .fit();
    assertEquals(2, history.traces().size());
    WeightTrace trace = history.traces().get(0);
    assertEquals("2.weight", trace.parameter());
    assertEquals(ends, trace.steps());
    assertEquals(first, trace.values().get(0));
    assertEquals(2, history.bestEpoch());
    assertEquals(model.get("2.weight")[4], trace.values().get(ends.size() - 1));
    TrainerBuilder builder = Trainer.builder(model, task.data);
    assertThrows(IllegalArgumentException.class, () -> builder.trace("9.weight", 0));
    assertThrows(IllegalArgumentException.class, () -> builder.trace("0.bias", 99));
  }

  @Test
  void normsAndScalesOfTheStepsAreKept() {
    History history =
        Trainer.builder(SmallTask.model(), new SmallTask(SAMPLES).data)
            .session(options -> options.device(TestDevice.ID).gradientNorm(true))
            .batchSize(BATCH)
            .epochs(2)
            .fit();
    assertEquals(12, history.gradientNorms().length);
    assertEquals(history.gradientNorms()[11], history.epochs().get(1).gradients().norm(), 1e-6);
    float[] ones = new float[12];
    Arrays.fill(ones, 1);
    assertArrayEquals(ones, history.lossScales());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void classesAreCountedAsTheModelPredicts(DType storage) {
    Model model = SmallTask.model();
    try (TrainingSession session = options(model).storage(storage).evaluationBatch(20).open()) {
      session.data(task.data);
      session.run(12);
      session.drain();
      session.store();
      Confusion found = session.confusion(task.data);
      Metrics metrics = session.evaluate(task.data);
      double hits = 0;
      long all = 0;
      for (int label = 0; label < 5; label++) {
        hits += found.count(label, label);
        for (int predicted = 0; predicted < 5; predicted++) {
          all += found.count(label, predicted);
        }
      }
      assertEquals(metrics.correct(), hits);
      assertEquals(metrics.rows(), (double) all);
      assertTrue(all < SAMPLES, "some labels are ignored");
      if (storage == DType.F32) {
        float[] said = model.predict(task.x);
        long[] counts = new long[25];
        for (int i = 0; i < SAMPLES; i++) {
          int best = 0;
          for (int c = 1; c < 5; c++) {
            best = said[5 * i + c] > said[5 * i + best] ? c : best;
          }
          if (task.y[i] >= 0) {
            counts[5 * task.y[i] + best]++;
          }
        }
        for (int i = 0; i < 25; i++) {
          assertEquals(counts[i], found.count(i / 5, i % 5));
        }
      }
    }
  }

  @Test
  void precisionRecallAndF1AreMeansOverTheClassesThatOccur() {
    // Labels 0, 0, 0, 1, 1 are predicted as 0, 0, 1, 1, 1; class 2 does not occur.
    Confusion found = new Confusion(3, 2, 1, 0, 0, 2, 0, 0, 0, 0);
    assertEquals((1 + 2 / 3.0) / 2, found.precision(), 1e-12);
    assertEquals((2 / 3.0 + 1) / 2, found.recall(), 1e-12);
    assertEquals((0.8 + 0.8) / 2, found.f1(), 1e-12);
    // One class is never predicted, and the other never a label.
    Confusion missed = new Confusion(2, 0, 3, 0, 0);
    assertEquals(0, missed.precision());
    assertEquals(0, missed.f1());
    assertThrows(IllegalArgumentException.class, () -> new Confusion(2, 1, 2, 3));
  }

  @Test
  void f1ChoosesTheBestEpochAndStopsEarly() {
    SmallTask all = new SmallTask(SAMPLES);
    TrainerBuilder builder =
        Trainer.builder(SmallTask.model(), all.data.slice(0, 64))
            .session(options -> options.device(TestDevice.ID))
            .validation(all.data.slice(64, SAMPLES))
            .batchSize(BATCH)
            .epochs(30)
            .monitor(Metric.VAL_F1)
            .earlyStopping(EarlyStopping.on(Metric.VAL_F1, 3));
    History history = builder.fit();
    EpochRecord best = history.epochs().get(history.bestEpoch() - 1);
    for (EpochRecord epoch : history.epochs()) {
      assertTrue(Metric.VAL_F1.of(epoch) <= Metric.VAL_F1.of(best));
      Confusion confusion = epoch.confusion().orElseThrow();
      assertEquals(confusion.f1(), Metric.VAL_F1.of(epoch));
      assertEquals(confusion.recall(), Metric.VAL_RECALL.of(epoch));
      assertEquals(confusion.precision(), Metric.VAL_PRECISION.of(epoch));
    }
    assertTrue(Metric.VAL_F1.of(best) > 0);
    TrainerBuilder values = builder.loss(Loss.meanSquaredError());
    assertTrue(
        assertThrows(IllegalArgumentException.class, values::build)
            .getMessage()
            .contains("val_f1 needs class labels"));
    TrainerBuilder accuracy =
        Trainer.builder(SmallTask.model(), all.data.slice(0, 64))
            .validation(all.data.slice(64, SAMPLES))
            .loss(Loss.meanSquaredError())
            .earlyStopping(EarlyStopping.on(Metric.VAL_ACCURACY, 3));
    assertTrue(
        assertThrows(IllegalArgumentException.class, accuracy::build)
            .getMessage()
            .contains("val_accuracy counts what is right, which mean squared error does not say"));
  }

  @Test
  void aLoopOfItsOwnKnowsHowLongItsDeviceWaited() throws InterruptedException {
    try (TrainingSession session = options(SmallTask.model()).open()) {
      float[] x = Arrays.copyOf(task.x, BATCH * SmallTask.FEATURES);
      int[] y = Arrays.copyOf(task.y, BATCH);
      session.step(x, y);
      assertEquals(0, session.waiting());
      for (int i = 0; i < 3; i++) {
        Thread.sleep(20);
        session.step(x, y);
      }
      assertTrue(session.waiting() > 0.3 && session.waiting() < 1, "" + session.waiting());
    }
  }
}
