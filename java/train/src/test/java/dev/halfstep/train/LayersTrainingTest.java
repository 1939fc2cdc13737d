package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Order;
import dev.halfstep.data.Values;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Dropout;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.GELU;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.LayerNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.MultiHeadAttention;
import dev.halfstep.nn.PositionEmbedding;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trains networks with all layers. */
class LayersTrainingTest {
  private static final int SAMPLES = 96;
  private static final int BATCH = 16;

  private final SmallTask task = new SmallTask(SAMPLES);

  private static Model model(Layer layer) {
    return Model.of(Shape.of(SmallTask.FEATURES), layer).initialize(5);
  }

  @Test
  void runningStatisticsMoveByTheMomentum() {
    Model model =
        Model.of(Shape.of(1), Sequential.of(new BatchNorm().momentum(0.25), new Linear(2)))
            .initialize(1);
    try (TrainingSession session =
        TrainingSession.builder(model)
            .device(TestDevice.ID)
            .optimizer(Optimizer.sgd(0.1))
            .batchSize(2)
            .open()) {
      session.step(new float[] {1, 5}, new int[] {0, 1}); // mean 3, unbiased variance 8
      session.store();
    }
    assertEquals(0.75f, model.get("0.running_mean")[0], 1e-6);
    assertEquals(0.75f + 2, model.get("0.running_var")[0], 1e-6);
  }

  private static Model residualNet() {
    Layer block =
        Sequential.of(new Linear(12), new BatchNorm(), new ReLU(), new Linear(12), new BatchNorm());
    return model(
        Sequential.of()
            .then("in", new Linear(12))
            .then("block", new Residual(block))
            .then("act", new ReLU())
            .then("drop", new Dropout(0.1))
            .then("head", new Linear(SmallTask.CLASSES)));
  }

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .optimizer(Optimizer.sgd(0.05).withMomentum(0.9).withWeightDecay(0.01));
  }

  private static void train(TrainingSession session, Dataset data, int epochs) {
    session.data(data);
    for (int epoch = 0; epoch < epochs; epoch++) {
      session.order(Order.permutation(1, epoch, data.size()));
      session.run(data.size() / BATCH);
      session.drain();
    }
  }

  private float[] trained(SessionBuilder options, int epochs) {
    try (TrainingSession session = options.open()) {
      train(session, task.data, epochs);
      return session.weights();
    }
  }

  @Test
  void aReluLearnsTheSameInFrontOfMaximaAndBehindThem() {
    Shape image = Shape.of(4, 4, 1);
    float[] x = Arrays.copyOf(task.x, SAMPLES * 16);
    Dataset images =
        ArrayDataset.of("images", Features.of(x, image), Labels.of(task.y, SmallTask.CLASSES));
    Layer fused = Sequential.of(new Conv2d(SmallTask.CLASSES, 2), new ReLU());
    Layer inFront =
        (scope, in) ->
            new Flatten().apply(scope, new MaxPool2d(2).apply(scope, fused.apply(scope, in)));
    Layer swapped =
        Sequential.of(
            new Conv2d(SmallTask.CLASSES, 2), new ReLU(), new MaxPool2d(2), new Flatten());
    List<float[]> weights = new ArrayList<>();
    for (Layer layer : List.of(inFront, swapped)) {
      Model model = Model.of(image, layer).initialize(5);
      try (TrainingSession session = options(model).open()) {
        train(session, images, 3);
        weights.add(session.weights());
      }
    }
    assertArrayEquals(weights.get(0), weights.get(1));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void aResidualNetWithBatchNormLearns(DType storage) {
    Model model = residualNet();
    try (TrainingSession session = options(model).storage(storage).open()) {
      double before = session.evaluate(task.data).loss();
      train(session, task.data, 30);
      Metrics after = session.evaluate(task.data);
      assertTrue(after.loss() < 0.25 * before, before + " to " + after.loss());
      assertTrue(after.accuracy() > 0.95, "accuracy " + after.accuracy());
    }
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    int threads = Device.threads();
    try {
      Device.threads(1);
      float[] expected = trained(options(residualNet()).seed(3), 3);
      for (int count = 2; count <= 3; count++) {
        Device.threads(count);
        assertArrayEquals(expected, trained(options(residualNet()).seed(3), 3), count + " threads");
      }
    } finally {
      Device.threads(threads);
    }
  }

  @Test
  void whatDropoutDropsFollowsFromTheSeed() {
    float[] expected = trained(options(residualNet()).seed(3), 1);
    assertArrayEquals(expected, trained(options(residualNet()).seed(3), 1));
    assertFalse(Arrays.equals(expected, trained(options(residualNet()).seed(4), 1)));
  }

  @Test
  void dropoutDropsOthersInEachMicroBatchAndNoneInEvaluation() {
    Model model = model(Sequential.of(new Dropout(0.5), new Linear(SmallTask.CLASSES)));
    float[] x = Arrays.copyOf(task.x, BATCH * SmallTask.FEATURES);
    int[] y = Arrays.copyOf(task.y, BATCH);
    try (TrainingSession session = options(model).optimizer(Optimizer.sgd(0)).open()) {
      double loss = session.evaluate(task.data).loss();
      double first = session.step(x, y);
      assertNotEquals(first, session.step(x, y));
      assertEquals(loss, session.evaluate(task.data).loss());
    }
  }

  @Test
  void runningStatisticsAreKeptWithTheModelAndEvaluationLeavesThem() {
    Model model = residualNet();
    try (TrainingSession session = options(model).open()) {
      train(session, task.data, 2);
      float[] weights = session.weights();
      Metrics metrics = session.evaluate(task.data);
      assertArrayEquals(weights, session.weights());
      session.store();
      float[] mean = model.get("block.1.running_mean");
      assertFalse(Arrays.equals(new float[12], mean));
      try (TrainingSession other = options(model).open()) {
        assertEquals(metrics.loss(), other.evaluate(task.data).loss());
      }
      int correct = 0;
      float[] logits = model.predict(task.x);
      for (int i = 0; i < SAMPLES; i++) {
        int best = 0;
        for (int c = 1; c < SmallTask.CLASSES; c++) {
          boolean more = logits[i * SmallTask.CLASSES + c] > logits[i * SmallTask.CLASSES + best];
          best = more ? c : best;
        }
        correct += best == task.y[i] ? 1 : 0;
      }
      assertEquals(metrics.accuracy(), correct / (double) SAMPLES, 1e-9);
    }
  }

  @Test
  void theRunningStatisticsOfOneStepAreATenthOfTheBatchs() {
    Model model = model(Sequential.of(new BatchNorm(), new Linear(SmallTask.CLASSES)));
    float[] x = Arrays.copyOf(task.x, BATCH * SmallTask.FEATURES);
    try (TrainingSession session = options(model).open()) {
      session.step(x, Arrays.copyOf(task.y, BATCH));
      session.store();
    }
    float[] mean = model.get("0.running_mean");
    float[] variance = model.get("0.running_var");
    for (int c = 0; c < SmallTask.FEATURES; c++) {
      double sum = 0;
      double squares = 0;
      for (int i = c; i < x.length; i += SmallTask.FEATURES) {
        sum += x[i];
        squares += x[i] * x[i];
      }
      double unbiased = (squares - sum * sum / BATCH) / (BATCH - 1);
      assertEquals(0.1 * sum / BATCH, mean[c], 1e-6);
      assertEquals(0.9 + 0.1 * unbiased, variance[c], 1e-6);
    }
  }

  @Test
  void aBatchOfOneCannotTrainBatchNorm() {
    try (TrainingSession session = options(residualNet()).open()) {
      session.data(task.data);
      String message =
          assertThrows(IllegalArgumentException.class, () -> session.runShort(1)).getMessage();
      assertTrue(message.startsWith("layer block.1:"), message);
    }
  }

  @Test
  void aLastBatchOfOneIsRefusedBeforeTrainingBegins() {
    TrainerBuilder trainer =
        Trainer.builder(residualNet(), new SmallTask(33).data)
            .session(options -> options.device(TestDevice.ID));
    assertRefused(trainer.batchSize(16));
    assertRefused(trainer.batchSize(32).session(options -> options.microBatch(1)));
    assertRefused(
        trainer.batchSize(11).batchSchedule((epoch, epochs, size) -> epoch == 3 ? 16 : size));
    assertRefused(trainer.batchSize(11).responsiveBatch(ResponsiveBatch.between(2, 11)));
    assertEquals(2, trainer.batchSize(16).dropLast(true).build().plan().updatesPerEpoch());
    assertEquals(3, trainer.batchSize(11).build().plan().updatesPerEpoch());
  }

  private static void assertRefused(TrainerBuilder trainer) {
    String message = assertThrows(IllegalArgumentException.class, trainer::build).getMessage();
    assertTrue(message.startsWith("layer block.1:"), message);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void whatIsFrozenKeepsEveryBitAndTheRestLearns(DType storage) {
    for (Optimizer optimizer :
        new Optimizer[] {
          Optimizer.sgd(0.05).withMomentum(0.9).withWeightDecay(0.1),
          Optimizer.adamW(0.01).withWeightDecay(0.1)
        }) {
      Model model = residualNet();
      Model frozen = model.freeze("in.weight", "block.1", "block.3.bias", "head.bias");
      float[] before = model.weights();
      SessionBuilder options = options(frozen).storage(storage).optimizer(optimizer).clipNorm(1);
      try (TrainingSession session = options.open()) {
        train(session, task.data, 2);
        session.store();
      }
      for (String name :
          new String[] {"in.weight", "block.1.weight", "block.3.bias", "head.bias"}) {
        assertArrayEquals(part(model, before, name), model.get(name), name);
      }
      for (String name : new String[] {"in.bias", "head.weight", "block.1.running_mean"}) {
        assertFalse(Arrays.equals(part(model, before, name), model.get(name)), name);
      }
    }
  }

  @Test
  void noGradientIsComputedBelowWhatIsFrozen() {
    Model model = residualNet();
    String all = options(model).plan(task.data).toString();
    String some = options(model.freeze("in", "block")).plan(task.data).toString();
    assertTrue(all.contains("block.0 linear dW") && all.contains("batch_norm dx"), all);
    assertFalse(some.contains("block.0 linear d") || some.contains("batch_norm dx"), some);
    assertTrue(some.contains("head linear dW") && !some.contains("head linear dx"), some);
  }

  private static float[] part(Model model, float[] weights, String name) {
    int offset = (int) model.parameters().offset(model.parameters().get(name));
    return Arrays.copyOfRange(weights, offset, offset + model.get(name).length);
  }

  /**
   * Sequences in which each token is the previous one plus the first one, modulo the number of
   * tokens.
   */
  private static Dataset sequences(int samples, int length, int tokens) {
    int[] x = new int[samples * length];
    int[] y = new int[x.length];
    Random random = new Random(6);
    for (int i = 0; i < samples; i++) {
      int step = random.nextInt(tokens);
      int token = step;
      for (int t = 0; t < length; t++) {
        x[i * length + t] = token;
        token = (token + step) % tokens;
        y[i * length + t] = token;
      }
    }
    return ArrayDataset.of(
        "sequences",
        Features.of(x, Shape.of(length)),
        Labels.of(y, Shape.of(length), tokens, OptionalInt.empty()));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aSmallTransformerLearnsWhatComesNext(DType storage) {
    int width = 16;
    int length = 6;
    int tokens = 7;
    Layer attention = new Residual(Sequential.of(new LayerNorm(), new MultiHeadAttention(2, true)));
    Layer mlp =
        new Residual(
            Sequential.of(
                new LayerNorm(), new Linear(32), new GELU(), new Linear(width), new Dropout(0.05)));
    Model model =
        Model.ofTokens(
                Shape.of(length),
                Sequential.of()
                    .then("tok", new Embedding(tokens, width))
                    .then("pos", new PositionEmbedding(length))
                    .then("attn", attention)
                    .then("mlp", mlp)
                    .then("ln", new LayerNorm())
                    .then("head", new Linear(tokens)))
            .initialize(2);
    Dataset data = sequences(64, length, tokens);
    SessionBuilder options =
        options(model).optimizer(Optimizer.adamW(0.01)).storage(storage).clipNorm(1);
    try (TrainingSession session = options.open()) {
      assertEquals(Math.log(tokens), session.evaluate(data).loss(), 0.7);
      train(session, data, 40);
      Metrics metrics = session.evaluate(data);
      assertEquals(64 * length, metrics.rows());
      assertTrue(metrics.accuracy() > 0.99, "accuracy " + metrics.accuracy());
    }
  }

  @Test
  void regressionFindsTheLineThatMadeTheData() {
    int samples = 64;
    float[] x = new float[samples * 3];
    float[] y = new float[samples * 2];
    Random random = new Random(8);
    for (int i = 0; i < samples; i++) {
      for (int j = 0; j < 3; j++) {
        x[i * 3 + j] = (float) random.nextGaussian();
      }
      y[i * 2] = 2 * x[i * 3] - x[i * 3 + 1] + 0.5f;
      y[i * 2 + 1] = x[i * 3 + 2];
    }
    Model model = Model.of(Shape.of(3), Sequential.of(new Linear(2))).initialize(1);
    SessionBuilder options =
        options(model).loss(Loss.meanSquaredError()).optimizer(Optimizer.sgd(0.1));
    Dataset data = ArrayDataset.of("line", Features.of(x, Shape.of(3)), Values.of(y, Shape.of(2)));
    try (TrainingSession session = options.open()) {
      double expected = 0;
      float[] said = model.predict(x);
      for (int i = 0; i < y.length; i++) {
        expected += (said[i] - y[i]) * (said[i] - y[i]) / y.length;
      }
      assertEquals(expected, session.evaluate(data).loss(), 1e-6 * expected);
      train(session, data, 60);
      assertTrue(session.evaluate(data).loss() < 1e-6);
      session.store();
      assertArrayEquals(new float[] {2, -1, 0, 0, 0, 1}, model.get("0.weight"), 1e-3f);
      assertArrayEquals(new float[] {0.5f, 0}, model.get("0.bias"), 1e-3f);
      double loss = session.step(Arrays.copyOf(x, 9), Arrays.copyOf(y, 6));
      assertTrue(loss < 1e-6);
      int[] labels = {1, 0, 1, 0, 1, 0};
      assertThrows(IllegalArgumentException.class, () -> session.step(Arrays.copyOf(x, 9), labels));
      assertThrows(IllegalArgumentException.class, () -> session.data(task.data));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "F16"})
  void binaryCrossEntropyLearnsClassesThatDoNotExcludeEachOther(DType storage) {
    int samples = 64;
    float[] x = new float[samples * 2];
    float[] y = new float[samples * 2];
    Random random = new Random(8);
    for (int i = 0; i < samples; i++) {
      x[2 * i] = (float) random.nextGaussian();
      x[2 * i + 1] = (float) random.nextGaussian();
      y[2 * i] = x[2 * i] > 0 ? 1 : 0;
      y[2 * i + 1] = x[2 * i] + x[2 * i + 1] > 0.5 ? 1 : 0;
    }
    Model model = Model.of(Shape.of(2), Sequential.of(new Linear(2))).initialize(1);
    SessionBuilder options =
        options(model).loss(Loss.binaryCrossEntropy()).optimizer(Optimizer.sgd(1)).storage(storage);
    Dataset data = ArrayDataset.of("sides", Features.of(x, Shape.of(2)), Values.of(y, Shape.of(2)));
    try (TrainingSession session = options.open()) {
      train(session, data, 60);
      Metrics metrics = session.evaluate(data);
      assertEquals(samples, metrics.rows());
      assertTrue(metrics.accuracy() > 0.95, "accuracy " + metrics.accuracy());
      assertTrue(metrics.loss() < 0.2, "loss " + metrics.loss());
    }
  }
}
