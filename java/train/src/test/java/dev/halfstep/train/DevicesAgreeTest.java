package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Order;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Small networks reach the same losses on the device under test as on the CPU. */
@Tag("sim")
class DevicesAgreeTest {
  private static final int SAMPLES = 80;
  private static final int BATCH = 16;
  private static final int EPOCHS = 3;
  private static final int SIDE = 8;

  @BeforeEach
  void compareWithAnotherDevice() {
    assumeFalse(TestDevice.ID.equals("cpu"), "there is nothing but the CPU to compare it with");
  }

  private static Model mlp() {
    return SmallTask.model();
  }

  /** Convolution, batch normalisation, pooling: NHWC images of 8 x 8 pixels. */
  private static Model cnn() {
    return Model.of(
            Shape.of(SIDE, SIDE, 1),
            Sequential.of(
                new Conv2d(6, 3).padding(1).withoutBias(),
                new BatchNorm(),
                new ReLU(),
                new MaxPool2d(2),
                new Conv2d(8, 3).padding(1),
                new BatchNorm(),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(2)))
        .initialize(3);
  }

  /** Noise with a bright row or a bright column. */
  private static Dataset images() {
    Random random = new Random(8);
    float[] x = new float[SAMPLES * SIDE * SIDE];
    int[] y = new int[SAMPLES];
    for (int i = 0; i < x.length; i++) {
      x[i] = 0.3f * (float) random.nextGaussian();
    }
    for (int i = 0; i < SAMPLES; i++) {
      y[i] = random.nextInt(2);
      int at = random.nextInt(SIDE);
      for (int j = 0; j < SIDE; j++) {
        x[(i * SIDE + (y[i] == 0 ? at : j)) * SIDE + (y[i] == 0 ? j : at)] += 2;
      }
    }
    return ArrayDataset.of("images", Features.of(x, Shape.of(SIDE, SIDE, 1)), Labels.of(y, 2));
  }

  private static SessionBuilder options(Model model, String device, DType storage) {
    return TrainingSession.builder(model)
        .device(device)
        .storage(storage)
        .batchSize(BATCH)
        .optimizer(Optimizer.adamW(0.01))
        .clipNorm(5);
  }

  /** The losses of all steps, and the loss of an evaluation at the end. */
  private static double[] losses(SessionBuilder options, Dataset data) {
    int steps = SAMPLES / BATCH;
    double[] losses = new double[EPOCHS * steps + 1];
    try (TrainingSession session = options.open()) {
      session.data(data);
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        session.order(Order.permutation(5, epoch, SAMPLES));
        session.run(steps);
        StepBlock block = session.drain();
        for (int step = 0; step < steps; step++) {
          losses[epoch * steps + step] = block.loss(step);
        }
      }
      losses[losses.length - 1] = session.evaluate(data).loss();
    }
    return losses;
  }

  /** Asserts that the losses fall, and differ by less than {@code bound} times the first loss. */
  private static void assertAgree(Model model, Dataset data, DType storage, double bound) {
    double[] cpu = losses(options(model, "cpu", storage), data);
    double[] other = losses(options(model, TestDevice.ID, storage), data);
    for (int step = 0; step < cpu.length; step++) {
      assertEquals(
          cpu[step], other[step], bound * cpu[0], "step " + step + ": " + Arrays.toString(other));
    }
    assertTrue(other[other.length - 1] < 0.8 * other[0], Arrays.toString(other));
  }

  private static double bound(DType storage) {
    return storage == DType.F32 ? 1e-3 : storage == DType.F16 ? 1e-2 : 5e-2;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void anMlpTrainsToTheLossesOfTheCpu(DType storage) {
    assertAgree(mlp(), new SmallTask(SAMPLES).data, storage, bound(storage));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void aCnnWithBatchNormTrainsToTheLossesOfTheCpu(DType storage) {
    assertAgree(cnn(), images(), storage, bound(storage));
  }

  @Test
  void theSameRunGivesTheSameBitsAgain() {
    Dataset data = images();
    assertArrayEquals(
        losses(options(cnn(), TestDevice.ID, DType.F32), data),
        losses(options(cnn(), TestDevice.ID, DType.F32), data));
  }
}
