package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Calls;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LayersTest {
  private static List<String> described(Model model) {
    return model.parameters().list().stream().map(p -> p.name() + p.shape()).toList();
  }

  private static float[] normal(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Test
  void normalisationLayersBeginAsTheIdentityDoes() {
    Model model =
        Model.of(
                Shape.of(7, 4),
                Sequential.of()
                    .then("bn1", new BatchNorm())
                    .then("ln", new LayerNorm())
                    .then("gn", new GroupNorm(2)))
            .initialize(1);
    assertEquals(
        List.of(
            "bn1.weight[4]",
            "bn1.bias[4]",
            "bn1.running_mean[4]",
            "bn1.running_var[4]",
            "ln.weight[4]",
            "ln.bias[4]",
            "gn.weight[4]",
            "gn.bias[4]"),
        described(model));
    float[] ones = {1, 1, 1, 1};
    for (String name : List.of("bn1.weight", "bn1.running_var", "ln.weight", "gn.weight")) {
      assertArrayEquals(ones, model.get(name), name);
    }
    for (String name : List.of("bn1.bias", "bn1.running_mean", "ln.bias", "gn.bias")) {
      assertArrayEquals(new float[4], model.get(name), name);
    }
    assertEquals(24, model.parameters().count(), "running statistics are no parameters");
    assertEquals(Parameter.Role.STATE, model.parameters().get("bn1.running_mean").role());
    assertEquals(Parameter.Role.TRAINED, model.parameters().get("bn1.weight").role());
  }

  @Test
  void normalisationAddsItsEpsToTheVariance() {
    float[] x = {1, 3}; // mean 2, variance 1
    float[] y = {-0.5f, 0.5f}; // with eps 3
    assertArrayEquals(y, predict(new LayerNorm().eps(3), x), 1e-6f);
    assertArrayEquals(y, predict(new GroupNorm(1).eps(3), x), 1e-6f);
    assertArrayEquals(new float[] {0.5f, 1.5f}, predict(new BatchNorm().eps(3), x), 1e-6f);
    assertEquals("LayerNorm(eps 3.0)", new LayerNorm().eps(3).toString());
    assertEquals("GroupNorm(2, eps 3.0)", new GroupNorm(2).eps(3).toString());
    assertEquals(
        "BatchNorm(eps 3.0, momentum 0.25)", new BatchNorm().momentum(0.25).eps(3).toString());
    assertEquals("BatchNorm", new BatchNorm().toString());
    for (double eps : new double[] {0, -1, Double.NaN, 1e-60, Double.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> new LayerNorm().eps(eps));
      assertThrows(IllegalArgumentException.class, () -> new GroupNorm(1).eps(eps));
      assertThrows(IllegalArgumentException.class, () -> new BatchNorm().eps(eps));
    }
    for (double momentum : new double[] {0, 1.5, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> new BatchNorm().momentum(momentum));
    }
  }

  /** The prediction for one sample by a layer with its initial weights. */
  private static float[] predict(Layer layer, float... x) {
    return Model.of(Shape.of(x.length), layer).initialize(1).predict(x);
  }

  @Test
  void averagesCountThePaddingWhereTheyAreToldTo() {
    Shape square = Shape.of(2, 2, 1);
    AveragePool2d layer = new AveragePool2d(2).stride(1).padding(1);
    float[] x = {1, 2, 3, 4};
    assertArrayEquals(
        new float[] {1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4},
        Model.of(square, layer).initialize(1).predict(x));
    assertArrayEquals( // PyTorch's AvgPool2d(2, 1, 1)
        new float[] {0.25f, 0.75f, 0.5f, 1, 2.5f, 1.5f, 0.75f, 1.75f, 1},
        Model.of(square, layer.countPadding()).initialize(1).predict(x));
    assertArrayEquals(
        new float[] {0.25f, 0.5f, 0.75f, 1},
        Model.of(square, new AveragePool2d(2).countPadding().padding(1)).initialize(1).predict(x));
  }

  @Test
  void attentionHasTheParametersOfPyTorchs() {
    Model model =
        Model.of(Shape.of(5, 8), Sequential.of().then("attn", new MultiHeadAttention(2, true)))
            .initialize(3);
    assertEquals(
        List.of(
            "attn.in_proj_weight[24, 8]",
            "attn.in_proj_bias[24]",
            "attn.out_proj.weight[8, 8]",
            "attn.out_proj.bias[8]"),
        described(model));
    double bound = Math.sqrt(6.0 / 32);
    double most = 0;
    for (float weight : model.get("attn.in_proj_weight")) {
      most = Math.max(most, Math.abs(weight));
    }
    assertTrue(most <= bound && most > 0.9 * bound, most + " of " + bound);
    assertArrayEquals(new float[24], model.get("attn.in_proj_bias"));
    assertArrayEquals(new float[8], model.get("attn.out_proj.bias"));
  }

  @Test
  void attentionIsItsFormula() {
    int t = 5;
    int width = 6;
    int heads = 2;
    for (boolean causal : new boolean[] {false, true}) {
      Model model = Model.of(Shape.of(t, width), new MultiHeadAttention(heads, causal));
      model.initialize(4);
      model.set("in_proj_bias", normal(3 * width, 1));
      model.set("out_proj.bias", normal(width, 2));
      float[] x = normal(2 * t * width, 3);
      double[] expected = attention(model, x, 2, t, width, heads, causal);
      float[] actual = model.predict(x);
      for (int i = 0; i < actual.length; i++) {
        assertEquals(expected[i], actual[i], 1e-5, "causal " + causal + ", " + i);
      }
    }
  }

  private static double[] attention(
      Model model, float[] x, int batch, int t, int width, int heads, boolean causal) {
    double[] projected =
        linear(x, model.get("in_proj_weight"), model.get("in_proj_bias"), batch * t);
    int head = width / heads;
    float[] joined = new float[batch * t * width];
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < heads; h++) {
        for (int q = 0; q < t; q++) {
          double[] share = new double[causal ? q + 1 : t];
          double sum = 0;
          for (int k = 0; k < share.length; k++) {
            double dot = 0;
            for (int d = 0; d < head; d++) {
              dot +=
                  projected[(b * t + q) * 3 * width + h * head + d]
                      * projected[(b * t + k) * 3 * width + width + h * head + d];
            }
            share[k] = Math.exp(dot / Math.sqrt(head));
            sum += share[k];
          }
          for (int d = 0; d < head; d++) {
            double seen = 0;
            for (int k = 0; k < share.length; k++) {
              seen +=
                  share[k] / sum * projected[(b * t + k) * 3 * width + 2 * width + h * head + d];
            }
            joined[(b * t + q) * width + h * head + d] = (float) seen;
          }
        }
      }
    }
    return linear(joined, model.get("out_proj.weight"), model.get("out_proj.bias"), batch * t);
  }

  private static double[] linear(float[] x, float[] weight, float[] bias, int rows) {
    int out = bias.length;
    int in = weight.length / out;
    double[] y = new double[rows * out];
    for (int i = 0; i < y.length; i++) {
      y[i] = bias[i % out];
      for (int j = 0; j < in; j++) {
        y[i] += (double) x[i / out * in + j] * weight[i % out * in + j];
      }
    }
    return y;
  }

  @Test
  void aLaterPositionDoesNotChangeWhatAnEarlierOneSays() {
    int t = 6;
    int width = 4;
    Layer block =
        Sequential.of(
            new PositionEmbedding(t),
            new Residual(Sequential.of(new LayerNorm(), new MultiHeadAttention(2, true))),
            new Residual(
                Sequential.of(new LayerNorm(), new Linear(8), new GELU(), new Linear(width))));
    Model model = Model.of(Shape.of(t, width), block).initialize(9);
    float[] x = normal(t * width, 5);
    float[] before = model.predict(x);
    for (int changed = 1; changed < t; changed++) {
      float[] other = x.clone();
      other[changed * width] += 1;
      float[] after = model.predict(other);
      assertArrayEquals(
          Arrays.copyOf(before, changed * width), Arrays.copyOf(after, changed * width));
      assertNotEquals(before[changed * width], after[changed * width]);
    }
  }

  @Test
  void positionsAreAddedForAsManyAsThereAre() {
    PositionEmbedding layer = new PositionEmbedding(5);
    Model whole = Model.of(Shape.of(5, 3), layer).initialize(2);
    Model part = Model.of(Shape.of(4, 3), layer).initialize(2);
    float[] weight = whole.get("weight");
    assertArrayEquals(weight, part.get("weight"));
    assertArrayEquals(weight, whole.predict(new float[15]));
    assertArrayEquals(Arrays.copyOf(weight, 12), part.predict(new float[12]));
    String message =
        assertThrows(IllegalArgumentException.class, () -> Model.of(Shape.of(6, 3), layer))
            .getMessage();
    assertTrue(message.contains("up to 5"), message);
  }

  @Test
  void anEmbeddingIsNormalAndTakesTokens() {
    Model model = Model.ofTokens(Shape.of(7), Sequential.of(new Embedding(50, 40))).initialize(8);
    assertEquals(List.of("0.weight[50, 40]"), described(model));
    assertEquals(Shape.of(7, 40), model.outputShape());
    double squares = 0;
    for (float value : model.get("0.weight")) {
      squares += value * value;
    }
    assertEquals(1, squares / 2000, 0.15);
    assertThrows(
        IllegalArgumentException.class,
        () -> Model.of(Shape.of(7), Sequential.of(new Embedding(50, 40))));
  }

  private static List<String> calls(Layer layer, Shape sample, boolean training) {
    Model model = Model.of(sample, layer);
    Graph graph = new Graph(DType.F32, training);
    model.build(graph, graph.input("x", DType.F32, sample.prepend(4)));
    Calls calls = new Calls();
    calls.forward(graph);
    return calls.list().stream().map(call -> call.name()).toList();
  }

  @Test
  void anActivationJoinsTheKernelBeforeItAndAShortcutTheNormalisation() {
    Sequential body = Sequential.of(new Linear(6), new BatchNorm(), new ReLU(), new Linear(6));
    Shape sample = Shape.of(6);
    assertEquals(
        List.of("0.0 linear", "0.1 batch_norm", "0.3 linear", "0.4 batch_norm", "2 linear"),
        calls(
            Sequential.of(new Residual(body.then(new BatchNorm())), new ReLU(), new Linear(2)),
            sample,
            true));
    assertEquals(
        List.of("0.0 linear", "0.1 batch_norm", "0.3 linear", "0 add", "1 relu"),
        calls(Sequential.of(new Residual(body), new ReLU()), sample, false));
    assertEquals(
        List.of("0.0 linear", "0.1 tanh", "0.2 linear"),
        calls(
            Sequential.of(Sequential.of(new Linear(6), new Tanh(), new Linear(6)), new ReLU()),
            sample,
            false));
    assertEquals(
        List.of("0 batch_norm", "1 gelu"),
        calls(Sequential.of(new BatchNorm(), new GELU()), sample, false));
  }

  @Test
  void aReluInFrontOfMaximaIsTrainedBehindThem() {
    Layer layer = Sequential.of(new Conv2d(3, 3), new ReLU(), new MaxPool2d(2), new Flatten());
    Shape sample = Shape.of(6, 6, 1);
    assertEquals(List.of("0 conv2d", "2 max_pool", "1 relu"), calls(layer, sample, true));
    assertEquals(List.of("0 conv2d", "2 max_pool"), calls(layer, sample, false));
  }

  @Test
  void fusedAndSeparateKernelsSayTheSame() {
    Sequential body =
        Sequential.of(new Linear(6), new BatchNorm(), new ReLU(), new Linear(6), new BatchNorm());
    Layer apart =
        (scope, x) -> {
          Value y = x;
          Layer[] layers = {
            new Linear(6), new BatchNorm(), new ReLU(), new Linear(6), new BatchNorm()
          };
          for (int i = 0; i < layers.length; i++) {
            y = scope.apply(Integer.toString(i), layers[i], y);
          }
          return new ReLU().apply(scope, Ops.add(y, x));
        };
    Layer fused = (scope, x) -> Sequential.of(new Residual(body), new ReLU()).apply(scope, x);
    Model one = Model.of(Shape.of(6), fused).initialize(3);
    Model other = Model.of(Shape.of(6), apart);
    assertEquals(
        one.parameters().list().stream().map(p -> p.name().substring(2)).toList(),
        other.parameters().list().stream().map(Parameter::name).toList());
    other.weights(one.weights());
    float[] x = normal(9 * 6, 4);
    assertArrayEquals(one.predict(x), other.predict(x), 1e-6f);
  }

  @Test
  void frozenParametersAreNamedByWhatTheyAreIn() {
    Model model =
        Model.of(
            Shape.of(4),
            Sequential.of()
                .then("fc1", new Linear(4))
                .then("fc10", new Linear(4))
                .then("bn", new BatchNorm()));
    Model frozen = model.freeze("fc1", "bn.bias");
    assertEquals(List.of("fc1.weight", "fc1.bias", "bn.bias"), frozenNames(frozen));
    assertEquals(List.of(), frozenNames(model));
    assertEquals(
        List.of("fc10.weight", "bn.weight"),
        frozenNames(model.freeze(p -> p.name().matches(".*[0n].weight"))));
    assertEquals(
        List.of("fc1.weight", "fc1.bias", "fc10.bias", "bn.bias"),
        frozenNames(frozen.freeze("fc10.bias")));
    assertEquals(
        Parameter.Role.STATE, model.freeze("bn").parameters().get("bn.running_var").role());
    String message =
        assertThrows(IllegalArgumentException.class, () -> model.freeze("fc")).getMessage();
    assertTrue(message.contains("fc10.weight"), message);
    frozen.initialize(1);
    assertArrayEquals(frozen.weights(), model.weights());
  }

  private static List<String> frozenNames(Model model) {
    return model.parameters().list().stream()
        .filter(parameter -> parameter.role() == Parameter.Role.FROZEN)
        .map(Parameter::name)
        .toList();
  }

  @Test
  void impossibleLayersAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Dropout(1));
    assertThrows(IllegalArgumentException.class, () -> new Embedding(0, 3));
    assertThrows(IllegalArgumentException.class, () -> new PositionEmbedding(0));
    assertThrows(IllegalArgumentException.class, () -> new MultiHeadAttention(0, false));
    for (Layer layer :
        List.of(
            new MultiHeadAttention(3, false),
            new GroupNorm(3),
            new PositionEmbedding(2),
            new Residual(new Linear(3)))) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Model.of(Shape.of(5, 4), Sequential.of(layer)))
              .getMessage();
      assertTrue(message.startsWith("layer 0"), message);
    }
  }
}
