package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import dev.halfstep.train.TestDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("sim")
class ModelTest {
  private static final Shape PIXELS = Shape.of(4, 3, 1);
  private static final Shape PLACES = Shape.of(3);

  private static Model mlp() {
    return Model.of(PIXELS, Sequential.of(new Flatten(), new Linear(8), new ReLU(), new Linear(5)));
  }

  private static List<String> names(Model model) {
    return model.parameters().list().stream().map(Parameter::name).toList();
  }

  @Test
  void parametersAreNamedAndShapedAsPyTorchDoes() {
    Model model = mlp();
    assertEquals(List.of("1.weight", "1.bias", "3.weight", "3.bias"), names(model));
    assertEquals(Shape.of(8, 12), model.parameters().get("1.weight").shape());
    assertEquals(Shape.of(5), model.parameters().get("3.bias").shape());
    assertEquals(12 * 8 + 8 + 8 * 5 + 5, model.parameters().count());
    assertEquals(Shape.of(5), model.outputShape());
  }

  @Test
  void layersMayHaveNamesOfTheirOwn() {
    Sequential inner = Sequential.of(new Linear(6), new GELU());
    Model model =
        Model.of(
            PIXELS,
            Sequential.of(new Flatten()).then("body", inner).then("head", new Linear(2, false)));
    assertEquals(List.of("body.0.weight", "body.0.bias", "head.weight"), names(model));
    assertThrows(IllegalArgumentException.class, () -> Sequential.of(inner).then("0", new ReLU()));
  }

  @Test
  void segmentsBeginAtMultiplesOfSixteen() {
    Model model = mlp();
    for (Parameter parameter : model.parameters().list()) {
      assertEquals(0, model.parameters().offset(parameter) % 16, parameter.name());
    }
    assertEquals(96 + 16 + 48 + 16, model.parameters().arenaSize());
  }

  @Test
  void firstWeightsAreUniformInOneOverTheRootOfTheFanIn() {
    Model model = Model.of(Shape.of(400), Sequential.of(new Linear(300))).initialize(42);
    float[] weights = model.get("0.weight");
    double sum = 0;
    double squares = 0;
    for (float weight : weights) {
      assertTrue(Math.abs(weight) <= 0.05);
      sum += weight;
      squares += weight * weight;
    }
    // n uniform numbers in +-b have mean 0 within b / sqrt(3 n), and mean square b^2 / 3.
    assertEquals(0, sum / weights.length, 4 * 0.05 / Math.sqrt(3.0 * weights.length));
    assertEquals(0.05 * 0.05 / 3, squares / weights.length, 0.05 * 0.05 / 100);
  }

  @Test
  void firstWeightsAreAFunctionOfTheSeedAndOfNothingElse() {
    float[] weights = mlp().initialize(1).weights();
    assertArrayEquals(weights, mlp().initialize(1).weights());
    assertFalse(Arrays.equals(weights, mlp().initialize(2).weights()));
    Model longer =
        Model.of(
            PIXELS,
            Sequential.of(new Flatten(), new Linear(8), new ReLU(), new Linear(5), new Linear(2)));
    assertArrayEquals(mlp().initialize(1).get("3.weight"), longer.initialize(1).get("3.weight"));
  }

  @Test
  void weightsAreReadAndSetByName() {
    Model model = mlp();
    assertThrows(IllegalStateException.class, model::weights);
    assertThrows(IllegalStateException.class, () -> model.get("1.bias"));
    model.set("1.bias", new float[] {1, 2, 3, 4, 5, 6, 7, 8});
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, model.get("1.bias"));
    assertArrayEquals(new float[5], model.get("3.bias"));
    IllegalArgumentException unknown =
        assertThrows(IllegalArgumentException.class, () -> model.get("fc.weight"));
    assertTrue(unknown.getMessage().contains("1.weight"), unknown.getMessage());
    assertThrows(IllegalArgumentException.class, () -> model.set("1.bias", new float[7]));
    assertThrows(IllegalArgumentException.class, () -> model.weights(new float[7]));
  }

  @Test
  void predictionIsTheFormulaForAnyNumberOfRows() {
    Model model = mlp().initialize(3);
    int rows = 11;
    float[] x = new float[rows * 12];
    Random random = new Random(1);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    double[] expected = formula(model, x, rows);
    try (Device device = TestDevice.open()) {
      for (int batch : new int[] {1, 4, 11, 64}) {
        try (Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(batch).open()) {
          assertNear(expected, predictor.predict(x));
        }
      }
    }
    assertNear(expected, model.predict(x));
    assertEquals(0, model.predict(new float[0]).length);
    assertThrows(IllegalArgumentException.class, () -> model.predict(new float[13]));
  }

  private static double[] formula(Model model, float[] x, int rows) {
    float[] w1 = model.get("1.weight");
    float[] b1 = model.get("1.bias");
    float[] w2 = model.get("3.weight");
    float[] b2 = model.get("3.bias");
    double[] result = new double[rows * 5];
    for (int r = 0; r < rows; r++) {
      double[] h = new double[8];
      for (int o = 0; o < 8; o++) {
        h[o] = b1[o];
        for (int i = 0; i < 12; i++) {
          h[o] += (double) w1[o * 12 + i] * x[r * 12 + i];
        }
      }
      for (int o = 0; o < 5; o++) {
        result[r * 5 + o] = b2[o];
        for (int i = 0; i < 8; i++) {
          result[r * 5 + o] += w2[o * 8 + i] * Math.max(h[i], 0);
        }
      }
    }
    return result;
  }

  private static void assertNear(double[] expected, float[] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < actual.length; i++) {
      assertEquals(expected[i], actual[i], 1e-5);
    }
  }

  @Test
  void aModelWithoutParametersPredictsToo() {
    Model model = Model.of(Shape.of(3), Sequential.of(new Flatten(), new Tanh())).initialize(0);
    assertArrayEquals(
        new float[] {0, (float) Math.tanh(1), (float) Math.tanh(-2)},
        model.predict(new float[] {0, 1, -2}),
        1e-6f);
  }

  @Test
  void aLayerOfOnesOwnIsAFunctionAndMayTieWeights() {
    Layer twice =
        (scope, x) -> {
          Shape square = Shape.of(x.shape().dim(-1), x.shape().dim(-1));
          Initializer initializer = Initializer.fanIn(x.shape().dim(-1));
          dev.halfstep.graph.Value w = scope.parameter("weight", square, initializer);
          Value h = Ops.linear(x, w, null, Activation.GELU);
          return Ops.activation(
              Ops.linear(h, scope.parameter("weight", square, initializer), null), Activation.TANH);
        };
    Model model = Model.of(Shape.of(6), Sequential.of(twice, new Linear(2)));
    assertEquals(List.of("0.weight", "1.weight", "1.bias"), names(model));
  }

  @Test
  void errorsNameTheLayer() {
    Layer wrong = (scope, x) -> scope.apply("fc", new Linear(3), dropBatch(x));
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> Model.of(Shape.of(4), Sequential.of(new Linear(4), wrong)))
            .getMessage();
    assertTrue(message.startsWith("layer 1.fc:"), message);
    assertThrows(IllegalArgumentException.class, () -> new Linear(0));
  }

  private static Value dropBatch(Value x) {
    return Ops.reshape(x, Shape.of(x.shape().elements()));
  }

  @Test
  void aLayerMustCreateTheSameParametersEveryTime() {
    int[] calls = {0};
    Layer fickle = (scope, x) -> scope.apply("call" + calls[0]++, new Linear(2), x);
    Model model = Model.of(Shape.of(4), fickle).initialize(0);
    String message =
        assertThrows(IllegalArgumentException.class, () -> model.predict(new float[4]))
            .getMessage();
    assertTrue(message.contains("call1.weight"), message);
  }

  @Test
  void aModelOfTokensIsGivenTokens() {
    Model tokens = Model.ofTokens(Shape.of(2), new Embedding(3, 2));
    tokens.set("weight", new float[] {0, 1, 10, 11, 20, 21});
    assertArrayEquals(
        new float[] {20, 21, 0, 1, 10, 11, 10, 11}, tokens.predict(new int[] {2, 0, 1, 1}));
    assertThrows(IllegalArgumentException.class, () -> tokens.predict(new int[3]));
    assertThrows(IllegalArgumentException.class, () -> tokens.predict(new float[2]));
    Model numbers = mlp().initialize(0);
    assertThrows(IllegalArgumentException.class, () -> numbers.predict(new int[12]));
  }

  @Test
  void closedPredictorsAreRefused() {
    try (Device device = TestDevice.open()) {
      Predictor predictor =
          Predictor.builder(mlp().initialize(0)).device(device).batchSizes(2).open();
      predictor.close();
      assertThrows(IllegalStateException.class, () -> predictor.predict(new float[12]));
    }
  }

  @Test
  void tokensOutsideTheVocabularyAreNamedWithTheirPlace() {
    Model model =
        Model.ofTokens(PLACES, Sequential.of(new Embedding(10, 4), new Flatten(), new Linear(2)))
            .initialize(0);
    assertEquals(10, model.vocabulary());
    assertEquals(0, mlp().vocabulary());
    float[] known = model.predict(new int[] {1, 2, 9});
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(4).open()) {
      for (int token : new int[] {10, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        int[] tokens = {1, 2, 3, 4, 5, token};
        String expected =
            "token "
                + token
                + " at place 2 of row 1 is outside [0, 10), the tokens that the model's embedding"
                + " has";
        assertEquals(
            expected,
            assertThrows(IllegalArgumentException.class, () -> model.predict(tokens)).getMessage());
        assertEquals(
            expected,
            assertThrows(IllegalArgumentException.class, () -> predictor.predict(tokens))
                .getMessage());
      }
      assertArrayEquals(known, predictor.predict(new int[] {1, 2, 9}), 1e-6f);
    }
    assertArrayEquals(known, model.predict(new int[] {1, 2, 9}));
  }

  @Test
  void aTokenThatOnlyTheDeviceFindsIsAnErrorOfPredictionToo() {
    Layer first =
        (scope, x) -> scope.apply("e", new Embedding(10, 4), Ops.split(x, 1, 1, 2).get(0));
    Model model = Model.ofTokens(PLACES, Sequential.of(first, new Flatten())).initialize(0);
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(4).open()) {
      float[] known = predictor.predict(new int[] {9, 50, 50});
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> predictor.predict(new int[] {10, 0, 0}));
      assertTrue(e.getMessage().contains("outside an embedding's table"), e.getMessage());
      assertArrayEquals(known, predictor.predict(new int[] {9, 50, 50}));
    }
  }

  @Test
  void weightsThatChangeAfterAPredictionAreSeenByTheNext() {
    Model model = mlp().initialize(3);
    float[] x = new float[12];
    Arrays.fill(x, 0.5f);
    float[] before = model.predict(x);
    assertArrayEquals(before, model.predict(x));
    model.set("3.bias", new float[] {1, 2, 3, 4, 5});
    assertNear(formula(model, x, 1), model.predict(x));
    model.initialize(3);
    assertArrayEquals(before, model.predict(x));
    Model frozen = model.freeze("1");
    assertArrayEquals(before, frozen.predict(x));
    float[] other = model.weights();
    other[0] += 1;
    frozen.weights(other); // the same weights
    assertNear(formula(model, x, 1), model.predict(x));
    assertNear(formula(model, x, 1), frozen.predict(x));
  }

  @Test
  void aModelPredictsOnWhicheverThreadAndOnSeveralAtOnce() throws Exception {
    Model model = mlp().initialize(3);
    float[] x = new float[12 * 300];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i % 17) * 0.1f;
    }
    float[] one = Arrays.copyOf(x, 12);
    double[] all = formula(model, x, 300);
    double[] first = Arrays.copyOf(all, 5);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> calls = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        boolean few = i % 4 != 0;
        calls.add(pool.submit(() -> assertNear(few ? first : all, model.predict(few ? one : x))));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    } finally {
      pool.shutdownNow();
    }
    assertNear(first, model.predict(one));
  }

  @Test
  void twoModelsInOneGraphMustNotShareANameOfAParameter() {
    Model teacher = Model.of(Shape.of(4), Sequential.of(new Linear(4))).initialize(1);
    Layer both =
        (scope, x) -> Ops.add(scope.apply("0", new Linear(4), x), teacher.build(scope.graph(), x));
    String message =
        assertThrows(IllegalArgumentException.class, () -> Model.of(Shape.of(4), both))
            .getMessage();
    assertTrue(
        message.contains("two models in one graph have a parameter named 0.weight"), message);
  }
}
