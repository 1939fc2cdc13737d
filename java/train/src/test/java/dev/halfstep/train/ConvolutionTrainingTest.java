package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Order;
import dev.halfstep.graph.Parameter;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.AveragePool2d;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.GlobalAveragePool;
import dev.halfstep.nn.GroupNorm;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trains convolutional networks. */
class ConvolutionTrainingTest {
  private static final int SAMPLES = 96;
  private static final int BATCH = 16;
  private static final int SIDE = 9;
  private static final Shape IMAGE = Shape.of(SIDE, SIDE, 2);

  private final Dataset data = bars();

  /**
   * Noise with a bright row, column or diagonal at a random place: three classes that no single
   * pixel reveals.
   */
  private static Dataset bars() {
    Random random = new Random(4);
    float[] x = new float[SAMPLES * SIDE * SIDE * 2];
    int[] y = new int[SAMPLES];
    for (int i = 0; i < x.length; i++) {
      x[i] = 0.3f * (float) random.nextGaussian();
    }
    for (int i = 0; i < SAMPLES; i++) {
      y[i] = random.nextInt(3);
      int at = random.nextInt(SIDE);
      for (int j = 0; j < SIDE; j++) {
        int row = y[i] == 0 ? at : j;
        int column = y[i] == 1 ? at : y[i] == 0 ? j : (j + at) % SIDE;
        x[((i * SIDE + row) * SIDE + column) * 2 + j % 2] += 2;
      }
    }
    return ArrayDataset.of("bars", Features.of(x, IMAGE), Labels.of(y, 3));
  }

  /** Two residual blocks, the second with a stride and a shortcut of 1 x 1. */
  private static Model residualNet() {
    Layer first =
        Sequential.of()
            .then("conv1", new Conv2d(8, 3).padding(1).withoutBias())
            .then("bn1", new BatchNorm())
            .then("relu", new ReLU())
            .then("conv2", new Conv2d(8, 3).padding(1).withoutBias())
            .then("bn2", new BatchNorm());
    Layer second =
        Sequential.of()
            .then("conv1", new Conv2d(12, 3).padding(1).stride(2).groups(2))
            .then("bn1", new BatchNorm());
    Layer shortcut = Sequential.of(new Conv2d(12, 1).stride(2), new GroupNorm(3));
    return Model.of(
            IMAGE,
            Sequential.of()
                .then("stem", new Conv2d(8, 3).padding(1))
                .then("relu", new ReLU())
                .then("layer1", new Residual(first))
                .then("relu1", new ReLU())
                .then("layer2", new Residual(second, shortcut))
                .then("relu2", new ReLU())
                .then("pool", new GlobalAveragePool())
                .then("fc", new Linear(3)))
        .initialize(1);
  }

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .optimizer(Optimizer.adamW(0.01));
  }

  private void train(TrainingSession session, int epochs) {
    session.data(data);
    for (int epoch = 0; epoch < epochs; epoch++) {
      session.order(Order.permutation(1, epoch, SAMPLES));
      session.run(SAMPLES / BATCH);
      session.drain();
    }
  }

  @Test
  void parametersAreNamedAsPyTorchDoesAndStoredByItsLayout() {
    List<Parameter> parameters = residualNet().parameters().list();
    assertEquals(
        List.of(
            "stem.weight[8, 2, 3, 3]",
            "stem.bias[8]",
            "layer1.conv1.weight[8, 8, 3, 3]",
            "layer1.bn1.weight[8]",
            "layer1.bn1.bias[8]",
            "layer1.bn1.running_mean[8]",
            "layer1.bn1.running_var[8]",
            "layer1.conv2.weight[8, 8, 3, 3]",
            "layer1.bn2.weight[8]",
            "layer1.bn2.bias[8]",
            "layer1.bn2.running_mean[8]",
            "layer1.bn2.running_var[8]",
            "layer2.shortcut.0.weight[12, 8, 1, 1]",
            "layer2.shortcut.0.bias[12]",
            "layer2.shortcut.1.weight[12]",
            "layer2.shortcut.1.bias[12]",
            "layer2.conv1.weight[12, 4, 3, 3]",
            "layer2.conv1.bias[12]",
            "layer2.bn1.weight[12]",
            "layer2.bn1.bias[12]",
            "layer2.bn1.running_mean[12]",
            "layer2.bn1.running_var[12]",
            "fc.weight[3, 12]",
            "fc.bias[3]"),
        parameters.stream().map(p -> p.name() + p.fileLayout().shape()).toList());
    double bound = 1 / Math.sqrt(9 * 4);
    double most = 0;
    for (float weight : residualNet().get("layer2.conv1.weight")) {
      most = Math.max(most, Math.abs(weight));
    }
    assertTrue(most <= bound && most > 0.95 * bound, most + " of " + bound);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void aResidualNetOfConvolutionsLearns(DType storage) {
    try (TrainingSession session = options(residualNet()).storage(storage).open()) {
      train(session, 15);
      Metrics metrics = session.evaluate(data);
      assertTrue(metrics.accuracy() > 0.95, "accuracy " + metrics.accuracy());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void poolsAndFlattenedImagesLearn(DType storage) {
    Model model =
        Model.of(
                IMAGE,
                Sequential.of(
                    new Conv2d(8, 3),
                    new ReLU(),
                    new MaxPool2d(3).stride(2).padding(1),
                    new Conv2d(8, 3).padding(1),
                    new ReLU(),
                    new AveragePool2d(2),
                    new Flatten(),
                    new Linear(3)))
            .initialize(3);
    assertEquals(Shape.of(3, 2 * 2 * 8), model.parameters().get("7.weight").shape());
    try (TrainingSession session = options(model).storage(storage).open()) {
      train(session, 15);
      Metrics metrics = session.evaluate(data);
      assertTrue(metrics.accuracy() > 0.95, "accuracy " + metrics.accuracy());
    }
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    int threads = Device.threads();
    try {
      float[][] weights = new float[3][];
      for (int count = 1; count <= 3; count++) {
        Device.threads(count);
        try (TrainingSession session = options(residualNet()).open()) {
          train(session, 2);
          weights[count - 1] = session.weights();
        }
      }
      assertArrayEquals(weights[0], weights[1]);
      assertArrayEquals(weights[0], weights[2]);
    } finally {
      Device.threads(threads);
    }
  }
}
