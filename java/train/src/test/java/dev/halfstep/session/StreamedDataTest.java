package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Normalization;
import dev.halfstep.data.Order;
import dev.halfstep.data.OwnData;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.data.Values;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Dropout;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.Finding;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.SmallTask;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streamed data give the same bits as data that are on the device as a whole. */
@Tag("sim")
class StreamedDataTest {
  private static final int SAMPLES = 103; // not a multiple of a batch or a segment
  private static final int BATCH = 8;
  private static final int EVALUATION_BATCH = 11;

  @TempDir Path folder;

  private final Dataset data = new SmallTask(SAMPLES).data;

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .optimizer(Optimizer.adamW(0.01))
        .evaluationBatch(EVALUATION_BATCH)
        .batchSize(BATCH);
  }

  @Test
  void theRunSaysHowLongTheDeviceWaitedForData() {
    Split wide = RandomData.learnable(400, 10, 4000, 1);
    Model model = Model.of(wide.train().sampleShape(), new Linear(2));
    TrainerBuilder trainer =
        Trainer.builder(model, wide.train())
            .batchSize(BATCH)
            .epochs(2)
            .session(session -> session.device(TestDevice.ID));
    assertEquals(0, trainer.fit().waiting());
    History streamed =
        trainer
            .session(
                session -> session.evaluationBatch(BATCH).dataMemory(memory(wide.train(), BATCH)))
            .fit();
    assertTrue(streamed.waiting() > 0 && streamed.waiting() <= 1, "" + streamed.waiting());
    boolean slow =
        Advisor.of(400, BATCH, 0.01).history(streamed).findings().stream()
            .anyMatch(finding -> finding.code() == Finding.Code.SLOW_LOADER);
    assertEquals(streamed.waiting() > 0.3, slow);
  }

  /** The memory for segments of {@code segmentRows} samples; the data stream if they have more. */
  private static long memory(Dataset data, int segmentRows) {
    long sample = (ResidentData.bytes(data) - 4L * data.size()) / data.size();
    return 2 * sample * Ring.SEGMENTS * segmentRows;
  }

  private static Model withDropout() {
    return Model.of(
            Shape.of(SmallTask.FEATURES),
            Sequential.of(
                new Linear(12),
                new BatchNorm(),
                new ReLU(),
                new Dropout(0.2),
                new Linear(SmallTask.CLASSES)))
        .initialize(5);
  }

  /** The results of a session that uses data in every way. */
  private static List<Object> everything(SessionBuilder options, Dataset data) {
    List<Object> given = new ArrayList<>();
    int n = data.size();
    try (TrainingSession session = options.open()) {
      session.data(data);
      session.run(3);
      add(given, session.drain());
      for (int epoch = 0; epoch < 2; epoch++) {
        session.order(Order.permutation(7, epoch, n));
        session.run(n / BATCH);
        session.runShort(n % BATCH);
        add(given, session.drain());
        given.add(session.evaluate(data));
        given.add(session.gradientNoise(4, Order.permutation(9, epoch, n)));
        if (data.form().hasOneLabel() || data.classes() > 0) {
          given.add(counts(session.confusion(data)));
        }
      }
      // Start within an epoch, change the batch, make single steps, go back, and cross its end
      // repeatedly.
      session.position(41);
      session.run(5, 6);
      session.run(1);
      session.run(3, 1);
      add(given, session.drain());
      session.position(17);
      session.run(BATCH, 20);
      session.run(2, 30);
      add(given, session.drain());
      session.order(Order.permutation(8, 0, n));
      session.order(new int[] {5, 4, 3, 2, 1, 5, 5});
      session.run(BATCH, 5);
      add(given, session.drain());
      given.add(floats(session.weights()));
    }
    return given;
  }

  private static void add(List<Object> given, StepBlock steps) {
    for (int i = 0; i < steps.size(); i++) {
      given.add(steps.loss(i));
    }
  }

  private static List<Long> counts(Confusion confusion) {
    List<Long> counts = new ArrayList<>();
    for (int label = 0; label < confusion.classes(); label++) {
      for (int predicted = 0; predicted < confusion.classes(); predicted++) {
        counts.add(confusion.count(label, predicted));
      }
    }
    return counts;
  }

  private static List<Float> floats(float[] values) {
    List<Float> floats = new ArrayList<>();
    for (float value : values) {
      floats.add(value);
    }
    return floats;
  }

  private static void assertSameBits(SessionBuilder options, Dataset data, int segmentRows) {
    assertTrue(memory(data, segmentRows) < ResidentData.bytes(data), "it would not stream");
    List<Object> expected = everything(options, data);
    assertEquals(expected, everything(options.dataMemory(memory(data, segmentRows)), data));
    assertEquals(expected, everything(options, new OwnData(data)));
    int[] reversed = IntStream.range(0, SAMPLES).map(i -> SAMPLES - 1 - i).toArray();
    Dataset view = ArrayDataset.copyOf(data.subset(reversed)).subset(reversed);
    assertEquals(expected, everything(options, view));
    assertEquals(expected, everything(options.dataMemory(memory(data, segmentRows)), view));
  }

  @ParameterizedTest
  @ValueSource(ints = {EVALUATION_BATCH, 13, 17})
  void trainingAndEvaluationGiveTheSameBits(int segmentRows) {
    assertSameBits(options(withDropout()), data, segmentRows);
  }

  @Test
  void soDoMicroBatches() {
    assertSameBits(options(SmallTask.model()).microBatch(3).clipNorm(1), data, 12);
  }

  @Test
  void soDoNormalizedBytes() {
    byte[] pixels = new byte[SAMPLES * 5 * 3];
    new Random(2).nextBytes(pixels);
    int[] labels = new Random(3).ints(SAMPLES, 0, 3).toArray();
    Features features = Features.of(pixels, Shape.of(5, 1, 3));
    Normalization each = Normalization.of(new double[] {100, 90, 80}, new double[] {50, 60, 70});
    Dataset images =
        ArrayDataset.of("images", features.withNormalization(each), Labels.of(labels, 3));
    Model model = Model.of(Shape.of(5, 1, 3), Sequential.of(new Flatten(), new Linear(3)));
    assertSameBits(options(model.initialize(1)), images, 12);
  }

  @Test
  void soDoTokens() {
    int length = 4;
    int tokens = 6;
    int[] x = new Random(4).ints((long) SAMPLES * length, 0, tokens).toArray();
    int[] y = new Random(5).ints((long) SAMPLES * length, 0, tokens).toArray();
    Dataset sequences =
        ArrayDataset.of(
            "sequences",
            Features.of(x, Shape.of(length)),
            Labels.of(y, Shape.of(length), tokens, OptionalInt.empty()));
    Model model =
        Model.ofTokens(
                Shape.of(length), Sequential.of(new Embedding(tokens, 7), new Linear(tokens)))
            .initialize(1);
    assertSameBits(options(model), sequences, 12);
  }

  @Test
  void soDoValues() {
    float[] x = new float[SAMPLES * 3];
    float[] y = new float[SAMPLES * 2];
    Random random = new Random(6);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < y.length; i++) {
      y[i] = (float) random.nextGaussian();
    }
    Dataset points =
        ArrayDataset.of("points", Features.of(x, Shape.of(3)), Values.of(y, Shape.of(2)));
    Model model = Model.of(Shape.of(3), Sequential.of(new Linear(2))).initialize(1);
    assertSameBits(options(model).loss(Loss.meanSquaredError()), points, 12);
  }

  @Test
  void stepsOnUploadedBatchesBetweenThemMoveThePosition() {
    float[] x = new float[5 * SmallTask.FEATURES];
    int[] y = new int[5];
    List<List<Object>> both = new ArrayList<>();
    for (long bytes : new long[] {Long.MAX_VALUE, memory(data, 12)}) {
      List<Object> given = new ArrayList<>();
      try (TrainingSession session = options(SmallTask.model()).dataMemory(bytes).open()) {
        session.data(data);
        for (int i = 0; i < 12; i++) {
          session.run(2);
          given.add(session.step(x, y));
          add(given, session.drain());
        }
      }
      both.add(given);
    }
    assertEquals(both.get(0), both.get(1));
  }

  /** A run whose batch grows, with validation, confusion and measured noise. */
  private TrainerBuilder trainer(Model model, long dataMemory) {
    return Trainer.builder(model, data.slice(0, 83))
        .session(
            options ->
                options
                    .device(TestDevice.ID)
                    .evaluationBatch(EVALUATION_BATCH)
                    .dataMemory(dataMemory))
        .validation(data.slice(83, SAMPLES))
        .optimizer(Optimizer.sgd(0.05))
        .batchSize(4)
        .batchSchedule(BatchSchedule.doublingInsteadOfDecay(2, 3))
        .monitor(Metric.VAL_F1)
        .gradientNoise(true)
        .syncEvery(5)
        .epochs(4);
  }

  @Test
  void wholeRunsAreTheSameToTheBitAlsoWhenResumedWithinAnEpoch() throws IOException {
    Model resident = SmallTask.model();
    Model streamed = SmallTask.model();
    Model resumed = SmallTask.model();
    // Two rings of three of the largest batches each, less than all training data.
    long bytes = memory(data, 16) / 2 + memory(data, EVALUATION_BATCH) / 2;
    History expected = trainer(resident, Long.MAX_VALUE).fit();
    History actual = trainer(streamed, bytes).fit();
    assertArrayEquals(expected.stepLosses(), actual.stepLosses());
    for (int i = 0; i < expected.epochs().size(); i++) {
      assertEquals(expected.epochs().get(i).validation(), actual.epochs().get(i).validation());
      assertEquals(expected.epochs().get(i).noise(), actual.epochs().get(i).noise());
      assertEquals(
          Metric.VAL_F1.of(expected.epochs().get(i)), Metric.VAL_F1.of(actual.epochs().get(i)));
    }
    assertArrayEquals(resident.weights(), streamed.weights());

    Path saved = Files.createDirectory(folder.resolve("checkpoints"));
    Callback stopper =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() >= 28) {
              fit.stop("enough");
            }
          }
        };
    Checkpoints each = Checkpoints.in(saved, 7);
    trainer(SmallTask.model(), bytes).checkpoints(each).callbacks(stopper).fit();
    trainer(resumed, bytes).checkpoints(each).resume(Checkpoints.newest(saved)).fit();
    assertArrayEquals(resident.weights(), resumed.weights());
  }

  @Test
  void whatDoesNotFitUnderTheDevicesLimitStreamsAndTheRestLiesThere() {
    assumeFalse(TestDevice.ID.startsWith("cuda"), "lists hold memory there: the limit is another");
    Dataset large = new SmallTask(4000).data;
    float[] expected;
    long withoutData;
    try (Device device = TestDevice.open();
        TrainingSession session = options(SmallTask.model()).device(device).open()) {
      session.data(large);
      session.run(500);
      session.drain();
      expected = session.weights();
      withoutData = device.info().memoryPeak() - ResidentData.bytes(large);
    }
    try (Device device = TestDevice.open()) {
      // The limit is one byte less than the data take.
      long limit = withoutData + ResidentData.bytes(large) - 1;
      device.memoryLimit(limit);
      try (TrainingSession session = options(SmallTask.model()).device(device).open()) {
        long before = device.info().memoryUsed();
        session.data(large);
        assertTrue(
            device.info().memoryUsed() - before < 2 * ResidentData.bytes(large) / 3,
            "it lies there as a whole");
        session.run(500);
        session.drain();
        assertArrayEquals(expected, session.weights());
        assertTrue(session.waiting() > 0 && session.waiting() < 1, "" + session.waiting());
        // A small data set beside it is uploaded as a whole.
        long beside = device.info().memoryUsed();
        session.evaluate(data);
        assertTrue(device.info().memoryUsed() - beside >= ResidentData.bytes(data) - 4 * SAMPLES);
        assertTrue(device.info().memoryPeak() <= limit);
      }
      device.memoryLimit(limit + 1);
      try (TrainingSession session = options(SmallTask.model()).device(device).open()) {
        session.data(large);
        session.run(500);
        session.drain();
        assertEquals(0, session.waiting());
        assertTrue(device.info().memoryUsed() > ResidentData.bytes(large));
      }
    }
  }

  @Test
  void dataOfEarlierUseMakeRoomBeforeOthersStream() {
    Dataset other = new SmallTask(SAMPLES + 1).data;
    try (Device device = TestDevice.open();
        TrainingSession session =
            options(SmallTask.model())
                .device(device)
                .dataMemory(ResidentData.bytes(other))
                .open()) {
      Metrics first = session.evaluate(data);
      long used = device.info().memoryUsed();
      session.evaluate(other);
      long more = device.info().memoryUsed() - used;
      assertTrue(more < 200, "both lie there: " + more);
      session.data(data);
      assertTrue(device.info().memoryUsed() <= used + SAMPLES * 4);
      // The training data are kept, but they are streamed, as the other data must be.
      assertEquals(SAMPLES + 1, session.evaluate(other).rows());
      assertEquals(0, session.waiting());
      session.run(3);
      assertTrue(session.waiting() > 0, "it does not stream");
      session.drain();
      assertEquals(first.rows(), session.evaluate(data).rows());
      // Once other data are trained on, the memory of the previous ones is free.
      session.data(other);
      assertEquals(SAMPLES + 1, session.evaluate(other).rows());
    }
  }

  @Test
  void tooLittleMemoryForThreeBatchesIsSaid() {
    SessionBuilder options = options(SmallTask.model()).dataMemory(1000);
    try (TrainingSession session = options.open()) {
      HalfstepException none = assertThrows(HalfstepException.class, () -> session.data(data));
      assertEquals(HalfstepException.Status.OUT_OF_MEMORY, none.status());
      String message = none.getMessage();
      long streamed = 3L * EVALUATION_BATCH * (4 * SmallTask.FEATURES + 4);
      assertTrue(message.contains("small task does not fit on " + TestDevice.ID), message);
      assertTrue(message.contains(ResidentData.bytes(data) + " bytes"), message);
      assertTrue(message.contains(streamed + " to stream it"), message);
      assertTrue(message.contains("three batches of 11 samples, and 1000 are left"), message);
      assertThrows(IllegalStateException.class, () -> session.run(1));
      session.data(data.slice(0, 8));
      session.run(1);
      assertEquals(1, session.drain().size());
    }
    assertEquals(
        memory(data, EVALUATION_BATCH) / 2, options.memory(data).data(), "what it would take");
    assertThrows(IllegalArgumentException.class, () -> options.dataMemory(0));
  }

  @Test
  void aFewStepsCopyNoMoreThanTheyNeedAndOneSegmentAhead() {
    try (Device device = TestDevice.open();
        DataTables tables = new DataTables(device, data, 36);
        Ring ring =
            new Ring(device, data, DataCheck.of(options(SmallTask.model()), data), tables, 12)) {
      Passage passage = new Passage(ring, SAMPLES, BATCH, 12);
      assertEquals(36, passage.tableRows());
      assertEquals(1, passage.prepare(0, BATCH, 1));
      passage.launched();
      assertEquals(2, ring.filled());
      assertEquals(1, passage.prepare(BATCH, BATCH / 2, 1));
      passage.launched();
      assertEquals(2, ring.filled(), "they were there");
      // 12 steps are left to the end of the pass; nothing of the next pass is read.
      int left = 11;
      for (long at = 12; left > 0; ) {
        int ready = passage.prepare(at, BATCH, left);
        passage.launched();
        at += (long) BATCH * ready;
        left -= ready;
      }
      passage.prepare(100, 3, 1);
      passage.launched();
      assertEquals(9, ring.filled());
    }
  }
}
