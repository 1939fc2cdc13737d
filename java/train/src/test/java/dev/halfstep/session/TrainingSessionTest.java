package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Normalization;
import dev.halfstep.data.Order;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.ReferenceMlp;
import dev.halfstep.train.SmallTask;
import dev.halfstep.train.TestDevice;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("sim")
class TrainingSessionTest {
  private static final int SAMPLES = 100;
  private static final int BATCH = 16;

  private final SmallTask task = new SmallTask(SAMPLES);

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.9));
  }

  private float[] batchX(int from, int rows) {
    int width = SmallTask.FEATURES;
    return Arrays.copyOfRange(task.x, from * width, (from + rows) * width);
  }

  private int[] batchY(int from, int rows) {
    return Arrays.copyOfRange(task.y, from, from + rows);
  }

  /** The weights after epochs with full batches and a short last one. */
  private float[] train(SessionBuilder options, int epochs) {
    try (TrainingSession session = options.open()) {
      session.data(task.data);
      for (int epoch = 0; epoch < epochs; epoch++) {
        session.order(Order.permutation(7, epoch, SAMPLES));
        session.run(SAMPLES / BATCH);
        session.runShort(SAMPLES % BATCH);
        session.drain();
      }
      return session.weights();
    }
  }

  @Test
  void uploadedBatchesAndDataOnTheDeviceGiveTheSameBits() {
    float[] expected = train(options(SmallTask.model()), 1);
    int[] order = Order.permutation(7, 0, SAMPLES);
    try (TrainingSession session = options(SmallTask.model()).open()) {
      for (int from = 0; from < SAMPLES; from += BATCH) {
        int rows = Math.min(BATCH, SAMPLES - from);
        float[] x = new float[rows * SmallTask.FEATURES];
        int[] y = new int[rows];
        for (int i = 0; i < rows; i++) {
          y[i] = task.y[order[from + i]];
          System.arraycopy(
              batchX(order[from + i], 1), 0, x, i * SmallTask.FEATURES, x.length / rows);
        }
        assertTrue(session.step(x, y) > 0);
      }
      assertArrayEquals(expected, session.weights());
    }
  }

  @Test
  void manyStepsInOneCallAreTheStepsOneByOne() {
    float[] expected = train(options(SmallTask.model()), 2);
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(task.data);
      for (int epoch = 0; epoch < 2; epoch++) {
        session.order(Order.permutation(7, epoch, SAMPLES));
        for (int step = 0; step < SAMPLES / BATCH; step++) {
          session.run(1);
        }
        session.runShort(SAMPLES % BATCH);
      }
      assertArrayEquals(expected, session.weights());
    }
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    int before = Device.threads();
    try {
      Device.threads(1);
      float[] expected = train(options(SmallTask.model()), 3);
      for (int threads = 2; threads <= 3; threads++) {
        Device.threads(threads);
        assertArrayEquals(expected, train(options(SmallTask.model()), 3), threads + " threads");
      }
    } finally {
      Device.threads(before);
    }
  }

  @Test
  void theShortBatchCountsForWhatItHolds() {
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(task.data);
      session.run(SAMPLES / BATCH);
      session.runShort(SAMPLES % BATCH);
      StepBlock block = session.drain();
      assertEquals(7, block.size());
      assertEquals(4, block.rows(6));
      assertEquals(SAMPLES, block.metrics().rows());
      assertEquals(SAMPLES, block.metrics().weight());
    }
  }

  @Test
  void aBlockIsUsedAgainAndOneThatIsTooSmallLosesNothing() {
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(task.data);
      StepBlock block = new StepBlock(4);
      session.run(4);
      session.drain(block);
      assertEquals(4, block.size());
      session.run(2);
      assertThrows(IllegalArgumentException.class, () -> session.drain(new StepBlock(1)));
      session.drain(block);
      assertEquals(4, block.firstStep());
      assertEquals(2, block.size());
      assertEquals(2 * BATCH, block.metrics().rows());
    }
  }

  @Test
  void aStepOfFewerRowsIsAveragedOverThem() {
    Model model = SmallTask.model();
    ReferenceMlp reference = SmallTask.reference(model);
    reference.begin();
    for (int i = 0; i < 3; i++) {
      reference.add(task.x, i * SmallTask.FEATURES, task.y[i]);
    }
    try (TrainingSession session = options(model).open()) {
      assertEquals(reference.loss(), session.step(batchX(0, 3), batchY(0, 3)), 1e-6);
      assertEquals(reference.correct, session.lastStep().correct());
    }
  }

  @Test
  void directBuffersAreReadFromTheirPositions() {
    float[] x = batchX(0, BATCH);
    FloatBuffer floats =
        ByteBuffer.allocateDirect(4 * (x.length + 3))
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    IntBuffer labels =
        ByteBuffer.allocateDirect(4 * (BATCH + 1)).order(ByteOrder.nativeOrder()).asIntBuffer();
    floats.position(3).put(x).position(3);
    labels.position(1).put(batchY(0, BATCH)).position(1);
    for (int micro : new int[] {Integer.MAX_VALUE, 7}) {
      bufferAndArraysAgree(micro, x, floats, labels);
    }
  }

  private void bufferAndArraysAgree(int micro, float[] x, FloatBuffer floats, IntBuffer labels) {
    try (TrainingSession arrays = options(SmallTask.model()).microBatch(micro).open();
        TrainingSession buffers = options(SmallTask.model()).microBatch(micro).open()) {
      assertEquals(arrays.step(x, batchY(0, BATCH)), buffers.step(floats, labels));
      assertArrayEquals(arrays.weights(), buffers.weights());
      assertThrows(IllegalArgumentException.class, () -> buffers.step(FloatBuffer.wrap(x), labels));
    }
  }

  @Test
  void evaluationDoesNotDisturbTraining() {
    float[] expected = train(options(SmallTask.model()), 2);
    Dataset part = task.data.slice(10, 63);
    try (TrainingSession session = options(SmallTask.model()).evaluationBatch(20).open()) {
      session.data(task.data);
      for (int epoch = 0; epoch < 2; epoch++) {
        session.order(Order.permutation(7, epoch, SAMPLES));
        session.run(2);
        session.evaluate(part);
        session.run(SAMPLES / BATCH - 2);
        session.evaluate(task.data);
        session.runShort(SAMPLES % BATCH);
      }
      assertArrayEquals(expected, session.weights());
    }
  }

  @Test
  void evaluationIsTheReferencesWhateverItsBatch() {
    Model model = SmallTask.model();
    ReferenceMlp reference = SmallTask.reference(model);
    reference.begin();
    for (int i = 10; i < 63; i++) {
      reference.add(task.x, i * SmallTask.FEATURES, task.y[i]);
    }
    for (int batch : new int[] {1, 20, 53, 500}) {
      try (TrainingSession session = options(model).evaluationBatch(batch).open()) {
        Metrics metrics = session.evaluate(task.data.slice(10, 63));
        assertEquals(reference.loss(), metrics.loss(), 1e-6);
        assertEquals(reference.correct, metrics.correct());
        assertEquals(53, metrics.rows());
      }
    }
  }

  @Test
  void moreDataSetsThanAreKeptOnTheDeviceAreEvaluatedAlike() {
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(task.data);
      Dataset[] parts = new Dataset[7];
      double[] losses = new double[parts.length];
      for (int i = 0; i < parts.length; i++) {
        parts[i] = task.data.slice(10 * i, 10 * i + 10);
        losses[i] = session.evaluate(parts[i]).loss();
      }
      for (int i = 0; i < parts.length; i++) {
        assertEquals(losses[i], session.evaluate(parts[i]).loss());
      }
      session.run(1);
      assertEquals(1, session.drain().size());
    }
  }

  @Test
  void pixelsAreNormalizedOnTheWay() {
    byte[] pixels = new byte[SAMPLES * SmallTask.FEATURES];
    float[] scaled = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 37);
      scaled[i] = ((pixels[i] & 0xff) - 100) / 50f;
    }
    Shape shape = Shape.of(SmallTask.FEATURES);
    Normalization normalization = Normalization.of(new double[] {100}, new double[] {50});
    Dataset raw =
        ArrayDataset.of(
            "pixels",
            Features.of(pixels, shape).withNormalization(normalization),
            ArrayDataset.copyOf(task.data).targets());
    Dataset ready =
        ArrayDataset.of(
            "floats", Features.of(scaled, shape), ArrayDataset.copyOf(task.data).targets());
    try (TrainingSession session = options(SmallTask.model()).open()) {
      assertEquals(session.evaluate(ready).loss(), session.evaluate(raw).loss(), 1e-6);
    }
  }

  @Test
  void theOrderMayBeAPartOfTheDataAndBeginsAgainAtItsEnd() {
    int[] part = {5, 3, 8};
    try (TrainingSession session = options(SmallTask.model()).batchSize(2).open();
        TrainingSession uploads = options(SmallTask.model()).batchSize(2).open()) {
      session.data(task.data);
      session.order(part);
      session.run(3);
      StepBlock block = session.drain();
      int[] visited = {5, 3, 8, 5, 3, 8};
      for (int step = 0; step < 3; step++) {
        float[] x = new float[2 * SmallTask.FEATURES];
        int[] y = new int[2];
        for (int i = 0; i < 2; i++) {
          int sample = visited[2 * step + i];
          y[i] = task.y[sample];
          System.arraycopy(batchX(sample, 1), 0, x, i * SmallTask.FEATURES, SmallTask.FEATURES);
        }
        assertEquals(uploads.step(x, y), block.loss(step));
      }
    }
  }

  @Test
  void aPositionInTheOrderCanBeTakenUpAgain() {
    try (TrainingSession whole = options(SmallTask.model()).open();
        TrainingSession resumed = options(SmallTask.model()).open()) {
      whole.data(task.data);
      whole.run(3);
      double third = whole.drain().loss(2);
      resumed.data(task.data);
      resumed.run(2);
      resumed.order(Order.permutation(1, 1, SAMPLES));
      int[] inPlace = new int[SAMPLES];
      Arrays.setAll(inPlace, i -> i);
      resumed.order(inPlace);
      resumed.position(2 * BATCH);
      resumed.run(1);
      assertEquals(third, resumed.drain().loss(2));
    }
  }

  @Test
  void theScheduleAdvancesWithEachStep() {
    try (TrainingSession session = options(SmallTask.model()).pendingSteps(8).open()) {
      session.data(task.data);
      session.run(2);
      session.schedule(new float[] {0.5f, 0.25f, 0.125f}, new float[] {0.9f, 0.9f, 0.8f});
      session.run(2);
      session.run(1);
      IllegalStateException over = assertThrows(IllegalStateException.class, () -> session.run(1));
      assertTrue(over.getMessage().contains("0 more steps"), over.getMessage());
      session.learningRate(0.0625);
      session.run(3);
      StepBlock block = session.drain();
      float[] rates = {0.1f, 0.1f, 0.5f, 0.25f, 0.125f, 0.0625f, 0.0625f, 0.0625f};
      for (int i = 0; i < rates.length; i++) {
        assertEquals(rates[i], block.learningRate(i), "step " + i);
      }
    }
  }

  @Test
  void aLoopOfTheCallersOwnSetsTheRateOfEachStep() {
    try (TrainingSession session = options(SmallTask.model()).pendingSteps(4).open()) {
      for (int step = 0; step < 11; step++) {
        float rate = 0.5f / (1 + step);
        if (step < 6) {
          session.learningRate(rate);
        }
        session.step(batchX(0, BATCH), batchY(0, BATCH));
        assertEquals(step < 6 ? rate : 0.5f / 6, session.lastStep().learningRate(), "step " + step);
      }
    }
  }

  @Test
  void aConstantRateLastsLongerThanTheTable() {
    try (TrainingSession session = options(SmallTask.model()).pendingSteps(4).open()) {
      session.data(task.data);
      for (int block = 0; block < 5; block++) {
        session.run(3);
        StepBlock steps = session.drain();
        assertEquals(3L * block, steps.firstStep());
        for (int i = 0; i < 3; i++) {
          assertEquals(0.1f, steps.learningRate(i));
          assertEquals(3L * block + i, steps.record(i).step());
          assertTrue(steps.loss(i) > 0);
        }
      }
    }
  }

  @Test
  void moreStepsThanAreKeptMustBeDrained() {
    try (TrainingSession session = options(SmallTask.model()).pendingSteps(4).open()) {
      session.data(task.data);
      session.run(3);
      assertThrows(IllegalStateException.class, () -> session.run(2));
      session.drain();
      session.run(4);
      assertEquals(4, session.drain().size());
      assertEquals(0, session.drain().size());
    }
  }

  private static double norm(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16"})
  void gradientsAreThoseThatTheOptimizerApplied(String type) {
    Loss weighted = Loss.crossEntropy().classWeights(0.1f, 3, 0.5f, 1, 2);
    SessionBuilder options =
        options(SmallTask.model())
            .storage(DType.valueOf(type))
            .loss(weighted)
            .optimizer(Optimizer.sgd(0.5));
    try (TrainingSession session = options.open()) {
      for (int rows : new int[] {BATCH, 3}) {
        float[] before = session.weights();
        session.step(batchX(0, rows), batchY(0, rows));
        float[] after = session.weights();
        float[] gradients = session.gradients();
        for (int i = 0; i < after.length; i++) {
          assertEquals(
              before[i] - 0.5f * gradients[i], after[i], 1e-7f + 1e-6f * Math.abs(after[i]));
        }
        assertEquals(norm(gradients), session.gradientStatistics().norm(), 1e-5);
      }
      session.data(task.data);
      session.run(1);
      float[] gradients = session.gradients(); // before drain, too
      assertEquals(norm(gradients), session.gradientStatistics().norm(), 1e-5);
      session.drain();
      assertArrayEquals(gradients, session.gradients());
      session.gradientNoise(4, 0, 1, 2, 3, 4, 5, 6, 7);
      assertEquals(norm(session.gradients()), session.gradientStatistics().norm(), 1e-5);
    }
  }

  @Test
  void gradientsOfMicroBatchesAreThoseOfTheBatch() {
    Loss weighted = Loss.crossEntropy().classWeights(0.1f, 3, 0.5f, 1, 2);
    try (TrainingSession whole = options(SmallTask.model()).loss(weighted).open();
        TrainingSession parts = options(SmallTask.model()).loss(weighted).microBatch(5).open()) {
      // Short batches in between, so that a batch crosses the end of the table.
      for (int rows : new int[] {BATCH, 6, BATCH, 3, 13, BATCH}) {
        double loss = whole.step(batchX(rows, rows), batchY(rows, rows));
        assertEquals(loss, parts.step(batchX(rows, rows), batchY(rows, rows)), 1e-6);
        assertArrayEquals(whole.gradients(), parts.gradients(), 1e-6f);
        assertEquals(rows, parts.lastStep().rows());
      }
      assertArrayEquals(whole.weights(), parts.weights(), 1e-5f);
    }
  }
}
