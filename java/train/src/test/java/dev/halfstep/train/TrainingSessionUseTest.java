package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Plan;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.MemoryUse;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Wrong uses that a session refuses, and closing it. */
@Tag("sim")
class TrainingSessionUseTest {
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

  @Test
  void aLabelOutsideTheClassesIsAnErrorThatSaysSo() {
    int[] y = batchY(0, BATCH);
    y[3] = SmallTask.CLASSES;
    try (TrainingSession session = options(SmallTask.model()).open()) {
      IllegalArgumentException failure =
          assertThrows(IllegalArgumentException.class, () -> session.step(batchX(0, BATCH), y));
      assertTrue(failure.getMessage().contains("label"), failure.getMessage());
    }
    Dataset wide =
        ArrayDataset.of(
            "wide", ArrayDataset.copyOf(task.data).features(), Labels.of(new int[SAMPLES], 9));
    int[] labels = new int[SAMPLES];
    labels[40] = 8;
    Dataset wrong =
        ArrayDataset.of("wrong", ArrayDataset.copyOf(task.data).features(), Labels.of(labels, 9));
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.evaluate(wide);
      assertThrows(IllegalArgumentException.class, () -> session.evaluate(wrong));
      assertThrows(IllegalArgumentException.class, () -> session.data(wrong));
    }
  }

  @Test
  void dataThatDoNotFitAreRefused() {
    try (TrainingSession session = options(SmallTask.model()).open()) {
      assertThrows(IllegalStateException.class, () -> session.run(1));
      assertThrows(IllegalStateException.class, session::lastStep);
      Dataset other =
          ArrayDataset.of(
              "other", Features.of(new float[30], Shape.of(3)), Labels.of(new int[10], 2));
      String message =
          assertThrows(IllegalArgumentException.class, () -> session.data(other)).getMessage();
      assertTrue(message.contains("[19]") && message.contains("[3]"), message);
      assertThrows(IllegalStateException.class, () -> session.run(1));
      assertThrows(IllegalArgumentException.class, () -> session.step(new float[20], new int[1]));
      assertThrows(
          IllegalArgumentException.class,
          () -> session.step(batchX(0, BATCH + 1), batchY(0, BATCH + 1)));
      session.data(task.data);
      assertThrows(IllegalArgumentException.class, () -> session.order(new int[] {0, SAMPLES}));
      assertThrows(IllegalArgumentException.class, () -> session.order(new int[0]));
      assertThrows(IllegalArgumentException.class, () -> session.runShort(BATCH + 1));
      assertThrows(IllegalArgumentException.class, () -> session.run(-1));
      assertThrows(
          IllegalArgumentException.class,
          () -> session.schedule(new float[] {Float.NaN}, new float[] {0}));
      assertThrows(IllegalArgumentException.class, () -> session.learningRate(-1));
    }
  }

  @Test
  void impossibleOptionsAreRefused() {
    SessionBuilder options = options(SmallTask.model());
    assertThrows(IllegalArgumentException.class, () -> options.batchSize(0));
    assertThrows(IllegalArgumentException.class, () -> options.microBatch(-1));
    assertThrows(IllegalArgumentException.class, () -> options.clipNorm(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.sgd(-0.1));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.sgd(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.sgd(0.1).withMomentum(1));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.adamW(0.1).withBetas(0.9, 1));
    assertThrows(IllegalArgumentException.class, () -> Loss.crossEntropy().labelSmoothing(1));
    assertThrows(IllegalArgumentException.class, () -> Loss.crossEntropy().classWeights(1, -1));
    Model model = SmallTask.model();
    assertThrows(
        IllegalArgumentException.class,
        () -> options(model).loss(Loss.crossEntropy().classWeights(1, 2)).plan(task.data));
  }

  @Test
  void aScheduledMomentumNeedsAMomentum() {
    try (TrainingSession session =
        options(SmallTask.model()).optimizer(Optimizer.sgd(0.1)).open()) {
      session.data(task.data);
      session.schedule(new float[] {0.2f}, new float[] {0});
      session.run(1);
      assertThrows(
          IllegalArgumentException.class,
          () -> session.schedule(new float[] {0.2f}, new float[] {0.9f}));
    }
  }

  @Test
  void storedWeightsGoOnFromWhereTheyWere() {
    Model model = SmallTask.model();
    float[] before = model.weights();
    try (TrainingSession session = options(model).open()) {
      session.data(task.data);
      session.run(3);
      assertArrayEquals(before, model.weights());
      session.store();
      assertFalse(Arrays.equals(before, model.weights()));
      assertArrayEquals(session.weights(), model.weights());
      session.weights(before);
      assertArrayEquals(before, session.weights());
    }
  }

  @Test
  void theGradientsAreThoseOfTheLastStep() {
    Model model = SmallTask.model();
    ReferenceMlp reference = SmallTask.reference(model);
    reference.begin();
    for (int i = 0; i < BATCH; i++) {
      reference.add(task.x, i * SmallTask.FEATURES, task.y[i]);
    }
    try (TrainingSession session = options(model).open()) {
      session.step(batchX(0, BATCH), batchY(0, BATCH));
      double sum = 0;
      for (float gradient : session.gradients()) {
        sum += gradient * gradient;
      }
      assertEquals(reference.gradientNorm(), Math.sqrt(sum), 1e-6);
    }
  }

  @Test
  void closingWhileAnotherThreadTrainsWaitsForItsCall() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      TrainingSession[] opened = new TrainingSession[1];
      CountDownLatch running = new CountDownLatch(1);
      String[] end = new String[1];
      Thread trainer =
          new Thread(
              () -> {
                opened[0] = options(SmallTask.model()).open();
                opened[0].data(task.data);
                try {
                  while (true) {
                    opened[0].run(5);
                    opened[0].drain();
                    running.countDown();
                  }
                } catch (IllegalStateException closed) {
                  end[0] = closed.getMessage();
                }
              });
      trainer.start();
      running.await();
      opened[0].close();
      trainer.join();
      assertTrue(end[0].contains("closed"), end[0]);
    }
  }

  @Test
  void closingTwiceAndFromAnotherThreadIsAllowed() throws InterruptedException {
    TrainingSession session = options(SmallTask.model()).open();
    session.data(task.data);
    session.run(2);
    Thread closer = new Thread(session::close);
    closer.start();
    closer.join();
    session.close();
    assertThrows(IllegalStateException.class, () -> session.run(1));
    assertThrows(IllegalStateException.class, session::drain);
    assertThrows(IllegalStateException.class, session::weights);
    assertThrows(IllegalStateException.class, () -> session.evaluate(task.data));
  }

  @Test
  void aDeviceMayBeClosedBeforeItsSession() {
    Device device = TestDevice.open();
    TrainingSession session = options(SmallTask.model()).device(device).open();
    session.data(task.data);
    session.run(1);
    device.close();
    assertThrows(IllegalStateException.class, () -> session.run(1));
    session.close();
  }

  @Test
  void aSessionGivesAllItsMemoryBack() {
    try (Device device = TestDevice.open()) {
      long before = device.info().memoryUsed();
      try (TrainingSession session = options(SmallTask.model()).device(device).open()) {
        session.data(task.data);
        session.run(1);
        session.evaluate(task.data);
        session.step(batchX(0, BATCH), batchY(0, BATCH));
        assertTrue(device.info().memoryUsed() > before);
      }
      assertEquals(before, device.info().memoryUsed());
    }
  }

  @Test
  void thePlanIsKnownBeforeThereIsADevice() {
    Plan plan = options(SmallTask.model()).plan(task.data);
    long products = 2L * SmallTask.FEATURES * SmallTask.HIDDEN * 2;
    products += 2L * SmallTask.HIDDEN * SmallTask.CLASSES * 3;
    assertTrue(plan.flops() >= BATCH * products && plan.flops() < 2 * BATCH * products);
    assertTrue(plan.toString().contains("0 linear dW"), plan.toString());
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () ->
                    Model.of(
                        Shape.of(4),
                        Sequential.of(new Linear(3), (scope, x) -> Ops.reshape(x, Shape.of(7)))))
            .getMessage();
    assertTrue(message.contains("layer 1"), message);
  }

  @Test
  void memoryIsWhatTheSessionTakes() {
    SessionBuilder options = options(SmallTask.model()).evaluationBatch(BATCH);
    MemoryUse use = options.memory(task.data);
    try (Device device = TestDevice.open();
        TrainingSession session = options.device(device).open()) {
      session.data(task.data);
      session.run(1);
      long segments = device.info().memoryUsed() - use.total();
      // On a GPU, command lists hold additional memory.
      long most = TestDevice.ID.startsWith("cuda") ? 64 << 20 : 4096;
      assertTrue(segments >= 0 && segments < most, "beside " + use + ": " + segments);
    }
  }
}
