package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Order;
import dev.halfstep.data.Values;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("sim")
class MixedPrecisionTest {
  private static final int SAMPLES = 128;
  private static final int BATCH = 16;

  private final SmallTask task = new SmallTask(SAMPLES);

  private SessionBuilder options(DType storage) {
    return TrainingSession.builder(SmallTask.model())
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .storage(storage)
        .optimizer(Optimizer.sgd(0.05).withMomentum(0.9));
  }

  private double trainedLoss(SessionBuilder options) {
    try (TrainingSession session = options.open()) {
      session.data(task.data);
      for (int epoch = 0; epoch < 10; epoch++) {
        session.order(Order.permutation(1, epoch, SAMPLES));
        session.run(SAMPLES / BATCH);
        session.drain();
      }
      return session.evaluate(task.data).loss();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void halfStorageLearnsAsF32Does(DType storage) {
    double full = trainedLoss(options(DType.F32));
    double half = trainedLoss(options(storage));
    assertTrue(full < 0.5, "F32 does not learn: " + full);
    assertEquals(full, half, storage == DType.BF16 ? 0.05 : 0.01);
    assertNotEquals(full, half);
  }

  @Test
  void tf32LearnsAsF32DoesAndLeavesTheStreamAsItWas() {
    double full = trainedLoss(options(DType.F32));
    double rounded = trainedLoss(options(DType.F32).tf32(true));
    assertEquals(full, rounded, TestDevice.ID.equals("cpu") ? 0 : 0.01);
    if (!TestDevice.ID.equals("cpu")) {
      assertNotEquals(full, rounded);
    }
    try (Device device = TestDevice.open()) {
      device.stream().allowTf32(true);
      assertEquals(full, trainedLoss(options(DType.F32).device(device)));
      assertTrue(device.stream().allowsTf32());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void uploadedBatchesAndDataOnTheDeviceGiveTheSameBits(DType storage) {
    try (TrainingSession device = options(storage).open();
        TrainingSession uploads = options(storage).open()) {
      device.data(task.data);
      device.run(3);
      StepBlock block = device.drain();
      for (int step = 0; step < 3; step++) {
        int from = step * BATCH;
        float[] x =
            java.util.Arrays.copyOfRange(
                task.x, from * SmallTask.FEATURES, (from + BATCH) * SmallTask.FEATURES);
        int[] y = java.util.Arrays.copyOfRange(task.y, from, from + BATCH);
        assertEquals(block.loss(step), uploads.step(x, y));
      }
      assertArrayEquals(device.weights(), uploads.weights());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void theLossScaleDoesNotChangeTheUpdate(DType storage) {
    LossScaling scaling = new LossScaling(1024, 2, 0.5f, 1000, 1, 10);
    LossScaling other = new LossScaling(128, 2, 0.5f, 1000, 1, 10);
    try (TrainingSession a = options(storage).lossScaling(scaling).open();
        TrainingSession b = options(storage).lossScaling(other).open()) {
      a.data(task.data);
      b.data(task.data);
      a.run(4);
      b.run(4);
      assertEquals(1024, a.drain().lossScale(3));
      assertEquals(128, b.drain().lossScale(3));
      assertArrayEquals(a.weights(), b.weights(), storage == DType.F32 ? 0 : 1e-5f);
    }
  }

  @Test
  void anOverflowSkipsTheStepAndHalvesTheScale() {
    LossScaling scaling = new LossScaling(0x1p40f, 2, 0.5f, 3, 1, 100);
    try (TrainingSession session = options(DType.F16).lossScaling(scaling).open()) {
      float[] before = session.weights();
      session.data(task.data);
      session.schedule(new float[] {0.5f, 0.25f, 0.125f}, new float[] {0.9f, 0.9f, 0.9f});
      session.run(2);
      StepBlock block = session.drain();
      assertTrue(block.skipped(0) && block.skipped(1));
      assertEquals(0x1p40f, block.lossScale(0));
      assertEquals(0x1p39f, block.lossScale(1));
      assertArrayEquals(before, session.weights());
      assertEquals(0.5f, block.learningRate(1), "the schedule waits");
    }
  }

  @Test
  void theScaleFollowsGradScalersRule() {
    // The scale falls until the gradients fit, then grows after every second finite step.
    LossScaling scaling = new LossScaling(0x1p30f, 2, 0.5f, 2, 1, 100);
    try (TrainingSession session = options(DType.F16).lossScaling(scaling).open()) {
      session.data(task.data);
      session.run(40);
      StepBlock block = session.drain();
      float scale = 0x1p30f;
      int finite = 0;
      boolean grew = false;
      for (int i = 0; i < block.size(); i++) {
        assertEquals(scale, block.lossScale(i), "step " + i);
        finite = block.skipped(i) ? 0 : finite + 1;
        if (block.skipped(i)) {
          scale /= 2;
        } else if (finite == 2) {
          scale *= 2;
          finite = 0;
          grew = true;
        }
      }
      assertTrue(block.skipped(0) && grew);
    }
  }

  /**
   * The targets are so small that the gradients of the outputs are below the smallest number of
   * F16.
   */
  @Test
  void tinyGradientsAreLearnedFromOnlyWithTheScaler() {
    int samples = 1024;
    float[] x = new float[samples * 4];
    float[] y = new float[samples];
    java.util.Random random = new java.util.Random(4);
    for (int i = 0; i < samples; i++) {
      for (int j = 0; j < 4; j++) {
        x[4 * i + j] = (float) random.nextGaussian();
      }
      y[i] = 4e-6f * (x[4 * i] - 0.5f * x[4 * i + 2]);
    }
    Dataset data = ArrayDataset.of("tiny", Features.of(x, Shape.of(4)), Values.of(y, Shape.of(1)));
    double[] after = new double[2];
    double before = 0;
    for (int i = 0; i < 2; i++) {
      LossScaling scaling = i == 0 ? LossScaling.DEFAULT : new LossScaling(1, 2, 0.5f, 9999, 1, 9);
      Model model = Model.of(Shape.of(4), Sequential.of(new Linear(1)));
      model.weights(new float[(int) model.parameters().arenaSize()]);
      SessionBuilder options =
          TrainingSession.builder(model)
              .device(TestDevice.ID)
              .storage(DType.F16)
              .loss(Loss.meanSquaredError())
              .optimizer(Optimizer.sgd(0.1))
              .lossScaling(scaling)
              .batchSize(samples);
      try (TrainingSession session = options.open()) {
        session.data(data);
        before = session.evaluate(data).loss();
        for (int step = 0; step < 20; step++) {
          session.position(0);
          session.run(1);
          session.drain();
        }
        after[i] = session.evaluate(data).loss();
      }
    }
    assertTrue(after[0] < 0.05 * before, before + " to " + after[0]);
    assertEquals(before, after[1], 1e-6 * before, "without a scale nothing moves");
  }

  @Test
  void tooManySkipsInARowEndTheRun() {
    LossScaling scaling = new LossScaling(0x1p60f, 2, 0.5f, 3, 1, 5);
    try (TrainingSession session = options(DType.F16).lossScaling(scaling).open()) {
      session.data(task.data);
      session.run(4);
      session.drain();
      session.run(1);
      HalfstepException end = assertThrows(HalfstepException.class, session::drain);
      assertTrue(end.getMessage().contains("5 steps in a row"), end.getMessage());
    }
  }

  @Test
  void onlyF16ScalesTheLossUnasked() {
    assertEquals(LossScaling.DEFAULT, options(DType.F16).lossScaling());
    assertEquals(null, options(DType.BF16).lossScaling());
    assertEquals(null, options(DType.F32).lossScaling());
    assertFalse(options(DType.BF16).checksGradients());
  }

  @Test
  void halfStorageHalvesTheActivations() {
    long full = options(DType.F32).batchSize(256).memory(task.data).activations();
    long half = options(DType.BF16).batchSize(256).memory(task.data).activations();
    assertTrue(half < 0.6 * full, half + " of " + full);
  }
}
