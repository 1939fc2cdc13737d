package dev.halfstep.study;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.session.MemoryUse;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.train.Budget;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class StudyTest {
  private static final Split DATA = RandomData.learnable(400, 200, 12, 3);

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
            DATA.train().sampleShape(), Sequential.of(new Linear(16), new ReLU(), new Linear(2)))
        .initialize(3);
  }

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(device)
        .batchSize(20)
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.9));
  }

  private static TrainerBuilder trainer(Model model) {
    return Trainer.builder(model, DATA.train())
        .device(device)
        .optimizer(Optimizer.sgd(0.05))
        .test(DATA.heldOut())
        .epochs(2)
        .batchSize(20);
  }

  @Test
  void theFinderStopsAtTenTimesTheFirstLossAndSuggestsARateBelowIt() {
    LearningRateFinder.Result found =
        LearningRateFinder.DEFAULT.withRange(1e-6, 1e6).find(options(model()), DATA.train());
    assertTrue(found.diverged());
    double first = found.points().get(0).loss();
    int last = found.points().size() - 1;
    assertFalse(found.points().get(last).loss() <= 10 * first);
    for (int i = 0; i < last; i++) {
      LearningRateFinder.Point point = found.points().get(i);
      assertEquals(
          1e-6 * Math.pow(1e12, i / 199.0), point.learningRate(), 1e-6 * point.learningRate());
      assertTrue(point.loss() <= 10 * first);
    }
    double suggestion = found.suggestion().orElseThrow();
    assertTrue(suggestion > 1e-4 && suggestion < found.points().get(last).learningRate());
  }

  /** Losses with the noise of batches, smoothed as in the finder. */
  private static List<LearningRateFinder.Point> points(DoubleUnaryOperator loss) {
    Random random = new Random(3);
    List<LearningRateFinder.Point> points = new ArrayList<>();
    double average = 0;
    for (int i = 0; i < 200; i++) {
      double value = loss.applyAsDouble(i / 199.0) + 0.05 * random.nextGaussian();
      average = 0.9 * average + 0.1 * value;
      points.add(
          new LearningRateFinder.Point(
              1e-8 * Math.pow(1e9, i / 199.0), value, average / (1 - Math.pow(0.9, i + 1))));
    }
    return points;
  }

  @Test
  void theFinderSuggestsNothingWhereNoRateLowersTheLoss() {
    LearningRateFinder finder = LearningRateFinder.DEFAULT;
    assertTrue(finder.steepest(points(x -> 0.7)).isEmpty());
    assertTrue(finder.steepest(points(x -> x < 0.8 ? 0.7 : 0.7 + 20 * (x - 0.8))).isEmpty());
    OptionalDouble found = finder.steepest(points(x -> x < 0.5 ? 0.7 : Math.max(0.4, 1.2 - x)));
    assertTrue(found.orElseThrow() > 1e-4 && found.orElseThrow() < 1e-1, "" + found);
  }

  @Test
  void theFinderLeavesWeightsAndRunsAsTheyWere() {
    Model probed = model();
    float[] before = probed.weights();
    LearningRateFinder.DEFAULT.withSteps(30).find(options(probed), DATA.train());
    assertArrayEquals(before, probed.weights());
    History after = trainer(probed).fit();
    Model untouched = model();
    assertArrayEquals(trainer(untouched).fit().stepLosses(), after.stepLosses());
    assertArrayEquals(untouched.weights(), probed.weights());
  }

  @Test
  void aStudySaysWhichRunHasNoEpochToCompare() {
    Callback sleeper =
        new Callback() {
          @Override
          public void fitBegin(Fit fit) {
            try {
              Thread.sleep(20);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    BatchSizeStudy timed = new BatchSizeStudy(List.of(20), Budget.ofSeconds(0.01), 1);
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () -> timed.run(seed -> trainer(model()).callbacks(sleeper)));
    assertEquals(
        "the run with batch size 20 and seed 1 has no complete epoch to compare: ended after 0.01 s,"
            + " before the first step",
        e.getMessage());
    e =
        assertThrows(
            IllegalStateException.class,
            () ->
                BatchSizeStudy.ofEpochs(2, 20)
                    .run(seed -> trainer(model()).optimizer(Optimizer.sgd(1e30))));
    assertTrue(e.getMessage().contains("the training loss became "), e.getMessage());
  }

  @Test
  void theGapIsThatOfTheTrainedWeights() {
    Split random = RandomData.unlearnable(3);
    Dataset few = random.train().slice(0, 64);
    Sequential layers = Sequential.of(new Linear(64), new ReLU(), new Linear(2));
    Model model = Model.of(few.sampleShape(), layers);
    BatchSizeStudy.Row row =
        BatchSizeStudy.ofEpochs(30, 8)
            .run(
                seed ->
                    Trainer.builder(model.initialize(seed), few)
                        .device(device)
                        .optimizer(Optimizer.adamW(0.003))
                        .test(random.heldOut())
                        .seed(seed))
            .rows()
            .get(0);
    try (TrainingSession session = TrainingSession.builder(model).batchSize(8).open()) {
      assertEquals(
          session.evaluate(few).accuracy(), row.trainAccuracy().mean(), "of the weights it has");
    }
    // The model memorises the training data and does not generalise.
    assertEquals(1, row.trainAccuracy().mean());
    assertEquals(0.5, row.testAccuracy().mean(), 0.15);
    assertEquals(1 - row.testAccuracy().mean(), row.gap().mean(), 1e-12);
  }

  @Test
  void theFinderTouchesNoSessionThatIsOpen() {
    Model model = model();
    try (TrainingSession one = options(model).open();
        TrainingSession other = options(model()).open()) {
      one.data(DATA.train());
      other.data(DATA.train());
      one.run(7);
      other.run(7);
      one.drain();
      other.drain();
      LearningRateFinder.DEFAULT.withSteps(20).find(options(model), DATA.train());
      one.run(9);
      other.run(9);
      assertEquals(one.drain().loss(8), other.drain().loss(8));
      assertArrayEquals(other.weights(), one.weights());
    }
  }

  @Test
  void impossibleRangeTestsAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> LearningRateFinder.DEFAULT.withRange(1, 0.1));
    assertThrows(IllegalArgumentException.class, () -> LearningRateFinder.DEFAULT.withSteps(1));
    assertThrows(
        IllegalArgumentException.class,
        () -> LearningRateFinder.DEFAULT.find(options(model()).batchSize(401), DATA.train()));
  }

  @Test
  void theLargestBatchFitsAndTheNextDoesNot() {
    SessionBuilder options = options(model());
    long limit = options.batchSize(200).memory(DATA.train()).total() * 10 / 9;
    LargestBatch found = LargestBatch.find(options, DATA.train(), device, limit);
    assertTrue(found.batchSize() >= 100 && found.batchSize() < 400, found.toString());
    assertEquals(options.batchSize(found.batchSize()).memory(DATA.train()).total(), found.bytes());
    assertTrue(found.bytes() <= found.usable() && found.usable() < limit);
    assertTrue(found.nextBytes() > found.usable(), found.toString());
    assertEquals(
        400, LargestBatch.find(options, DATA.train(), device, Long.MAX_VALUE / 2).batchSize());
    HalfstepException none =
        assertThrows(
            HalfstepException.class,
            () -> LargestBatch.find(options, DATA.train(), device, 10_000));
    assertTrue(none.getMessage().contains("not even a batch of 1 fits"), none.getMessage());
  }

  @Test
  void dataThatLeaveNoRoomForASampleStreamBesideTheLargestBatch() {
    SessionBuilder options = options(model()).evaluationBatch(4);
    MemoryUse use = options.batchSize(8).memory(DATA.train());
    long limit = (use.total() - use.data() / 2) * 10 / 9 + 10;
    assertTrue(options.batchSize(1).memory(DATA.train()).total() > limit * 9 / 10);
    LargestBatch found = LargestBatch.find(options, DATA.train(), device, limit);
    assertTrue(found.batchSize() >= 8 && found.batchSize() < 400, found.toString());
    assertTrue(found.bytes() <= found.usable() && found.nextBytes() > found.usable());
  }

  @Test
  void theLargestBatchStaysUnderTheDevicesLimit() {
    try (Device limited = TestDevice.open()) {
      SessionBuilder options =
          TrainingSession.builder(model()).device(limited).optimizer(Optimizer.adamW(0.01));
      long limit = options.batchSize(250).memory(DATA.train()).total();
      limited.memoryLimit(limit);
      LargestBatch found = LargestBatch.find(options, DATA.train(), limited);
      assertTrue(found.batchSize() > 20 && found.batchSize() < 250, found.toString());
      assertTrue(limited.info().memoryPeak() <= limit);
      assertTrue(found.nextBytes() > found.usable());
    }
  }

  @Test
  void aProbesGradientIsTheMeanOfItsSamplesAndMovesNothing() {
    Model model = model();
    float[] before = model.weights();
    try (GradientProbe probe = new GradientProbe(options(model), DATA.train())) {
      float[] both = probe.gradient(4, 9);
      float[] one = probe.gradient(4);
      float[] other = probe.gradient(9);
      for (int i = 0; i < both.length; i++) {
        assertEquals((one[i] + other[i]) / 2, both[i], 1e-6);
      }
      assertArrayEquals(one, probe.gradient(4));
    }
    assertArrayEquals(before, model.weights());
  }

  @Test
  void theVarianceOfABatchTimesItsSizeIsConstant() {
    Model model = model();
    try (GradientProbe probe = new GradientProbe(options(model).batchSize(128), DATA.train())) {
      double one = GradientProbe.variance(probe.gradients(600, 1, 5));
      for (int batch : new int[] {2, 8, 32, 128}) {
        // The relative error of a variance over n batches is about sqrt(2 / n): 0.07 for 400, and
        // less over many parameters; four times that error is allowed.
        assertEquals(
            1,
            GradientProbe.variance(probe.gradients(400, batch, batch)) * batch / one,
            0.28,
            "batch " + batch);
      }
    }
  }

  @Test
  void theNoiseScaleOfAKnownProblemIsWithinTenPercent() {
    // Gradients G + sigma noise in 200 dimensions: tr(S) = 200 sigma^2, |G|^2 = 4: scale 450.
    Random random = new Random(2);
    int dimensions = 200;
    double sigma = 3;
    int small = 16;
    NoiseScale scale = NoiseScale.withDecay(0.99);
    assertTrue(scale.value().isEmpty());
    for (int measurement = 0; measurement < 400; measurement++) {
      List<float[]> gradients = new ArrayList<>();
      for (int b = 0; b < 32; b++) {
        float[] gradient = new float[dimensions];
        for (int i = 0; i < dimensions; i++) {
          double noise = random.nextGaussian() * sigma / Math.sqrt(small);
          gradient[i] = (float) (noise + (i == 0 ? 2 : 0));
        }
        gradients.add(gradient);
      }
      scale = scale.add(small, gradients);
    }
    assertEquals(450, scale.value().orElseThrow(), 45);
    assertEquals(dimensions * sigma * sigma, scale.variance(), 90);
    assertEquals(4, scale.squaredGradient(), 0.4);
  }

  @Test
  void noiseWithoutASignalIsUnmeasured() {
    // Bs = 1, mean |gs|^2 = 4, Bb = 4, |gb|^2 = 0.5: |G|^2 = (2 - 4) / 3 < 0.
    NoiseScale noise = NoiseScale.withDecay(0).add(1, 4, 4, 0.5);
    assertTrue(noise.value().isEmpty());
    assertEquals(-2 / 3.0, noise.squaredGradient(), 1e-12);
    NoiseScale some = NoiseScale.withDecay(0).add(1, 4, 4, 2);
    assertEquals(4 / 3.0, some.squaredGradient(), 1e-12);
    assertEquals(2 / 0.75, some.variance(), 1e-12);
    assertEquals(2, some.value().orElseThrow(), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> some.add(4, 1, 4, 1));
  }

  @Test
  void aStudyComparesBatchSizesAtEqualEpochsOrUpdates() {
    BatchSizeStudy.Result epochs =
        BatchSizeStudy.ofEpochs(3, 10, 64, 400)
            .withSeeds(2)
            .run(seed -> trainer(model().initialize(seed)).seed(seed));
    assertEquals(3, epochs.rows().size());
    BatchSizeStudy.Row small = epochs.rows().get(0);
    assertEquals(40, small.updatesPerEpoch());
    assertEquals(120, small.updates());
    assertEquals(7, epochs.rows().get(1).updatesPerEpoch());
    assertEquals(3, epochs.rows().get(2).updates());
    assertTrue(small.testAccuracy().mean() > 0.7, epochs.toString());
    assertTrue(small.testAccuracy().deviation() > 0);
    assertEquals(
        small.trainAccuracy().mean() - small.testAccuracy().mean(), small.gap().mean(), 1e-12);
    assertTrue(
        small.gradientVariance().mean() > 3 * epochs.rows().get(2).gradientVariance().mean());
    assertEquals(5, epochs.toString().lines().count()); // names, rows, and the learning rates

    BatchSizeStudy.Result updates =
        BatchSizeStudy.ofUpdates(25, 10, 100).run(seed -> trainer(model()).seed(seed));
    for (BatchSizeStudy.Row row : updates.rows()) {
      assertEquals(25, row.updates());
      assertEquals(0, row.testAccuracy().deviation());
    }
    assertTrue(updates.toString().contains("not scaled with them"), updates.toString());
    BatchSizeStudy.Result scaled =
        BatchSizeStudy.ofEpochs(1, 16, 64)
            .run(seed -> trainer(model()).scaling(LearningRateScaling.LINEAR, 32).seed(seed));
    double rate = updates.rows().get(0).learningRate();
    assertEquals(rate, updates.rows().get(1).learningRate());
    assertEquals(rate / 2, scaled.rows().get(0).learningRate(), 1e-9);
    assertEquals(2 * rate, scaled.rows().get(1).learningRate(), 1e-9);
    assertTrue(scaled.toString().contains("is scaled with the batch size"), scaled.toString());
    assertThrows(IllegalArgumentException.class, () -> BatchSizeStudy.ofEpochs(1));
    assertThrows(IllegalArgumentException.class, () -> BatchSizeStudy.ofEpochs(1, 0));
  }
}
