package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.graph.Ops;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.LayerNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.MultiHeadAttention;
import dev.halfstep.nn.PositionEmbedding;
import dev.halfstep.nn.Predictor;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Padded sequences give the same outputs as sequences without padding. */
@Tag("sim")
class PaddingTest {
  private static final int WORDS = 7;
  private static final int WIDTH = 8;
  private static final int CLASSES = 3;
  private static final int LENGTH = 5;
  private static final int FILLED = 9;
  private static final int[] SEQUENCE = {3, 1, 6, 2, 1};

  private static Model model(int positions, boolean causal) {
    Layer attention = Sequential.of(new LayerNorm(), new MultiHeadAttention(2, causal));
    return Model.ofTokens(
            Shape.of(positions),
            Sequential.of(
                new Embedding(WORDS, WIDTH).padding(0),
                new PositionEmbedding(FILLED),
                new Residual(attention),
                new Residual(attention),
                new Linear(CLASSES)))
        .initialize(3);
  }

  private static float[] predict(Model model, int... tokens) {
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(4).open()) {
      return predictor.predict(tokens);
    }
  }

  private static int[] filled(int... tokens) {
    return Arrays.copyOf(tokens, FILLED);
  }

  private static float[] own(float[] outputs) {
    return Arrays.copyOf(outputs, LENGTH * CLASSES);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSequenceSaysWithPaddingWhatItSaysAlone(boolean causal) {
    float[] alone = predict(model(LENGTH, causal), SEQUENCE);
    float[] padded = own(predict(model(FILLED, causal), filled(SEQUENCE)));
    assertArrayEquals(alone, padded, TestDevice.ID.equals("cpu") ? 0 : 1e-6f);
  }

  @Test
  void whatStandsInThePaddedPlacesTouchesNoOther() {
    Model model = model(FILLED, false);
    float[] before = own(predict(model, filled(SEQUENCE)));
    float[] table = model.get("0.weight");
    Arrays.fill(table, 0, WIDTH, 1e3f); // the row of token 0
    model.set("0.weight", table);
    assertArrayEquals(before, own(predict(model, filled(SEQUENCE))));
  }

  @Test
  void paddingMayStandInFrontAndEverywhere() {
    Layer layer =
        Sequential.of(new Embedding(WORDS, WIDTH).padding(0), new MultiHeadAttention(2, true));
    Model three = Model.ofTokens(Shape.of(3), layer).initialize(5);
    Model six = Model.ofTokens(Shape.of(6), layer).initialize(5);
    float[] alone = predict(three, 4, 5, 6);
    float[] outputs = predict(six, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0);
    assertArrayEquals(alone, Arrays.copyOfRange(outputs, 3 * WIDTH, 6 * WIDTH), 1e-6f);
    float[] bias = three.get("1.out_proj.bias");
    for (int place : new int[] {0, 1, 2, 6, 7, 11}) {
      assertArrayEquals(
          bias,
          Arrays.copyOfRange(outputs, place * WIDTH, (place + 1) * WIDTH),
          "place " + place + " sees padding alone");
    }
  }

  private static float[] gradients(Model model, int positions, int[] tokens, int[] labels) {
    Dataset data =
        ArrayDataset.of(
            "sequences",
            Features.of(tokens, Shape.of(positions)),
            Labels.of(labels, Shape.of(positions), CLASSES, OptionalInt.of(-100)));
    try (TrainingSession session =
        TrainingSession.builder(model)
            .device(TestDevice.ID)
            .loss(Loss.crossEntropy().ignoreLabel(-100))
            .optimizer(Optimizer.sgd(0))
            .batchSize(1)
            .open()) {
      session.data(data);
      session.order(new int[] {0});
      session.run(1);
      session.drain();
      return unit(session.gradients());
    }
  }

  /** The gradient's direction only, because its length depends on how the loss weighs samples. */
  private static float[] unit(float[] gradient) {
    double squares = 0;
    for (float value : gradient) {
      squares += (double) value * value;
    }
    assertTrue(squares > 1e-4, "|g|^2 = " + squares);
    float[] unit = new float[gradient.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (gradient[i] / Math.sqrt(squares));
    }
    return unit;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsPointWhereThoseOfTheSequenceAlonePoint(boolean causal) {
    int[] labels = {2, 0, 1, 1, 0};
    int[] more = filled(labels);
    Arrays.fill(more, LENGTH, FILLED, -100);
    float[] alone = gradients(model(LENGTH, causal), LENGTH, SEQUENCE, labels);
    float[] padded = gradients(model(FILLED, causal), FILLED, filled(SEQUENCE), more);
    assertArrayEquals(alone, padded, 1e-6f);
  }

  @Test
  void paddingThatDoesNotFitIsRefused() {
    Embedding words = new Embedding(WORDS, WIDTH);
    assertThrows(IllegalArgumentException.class, () -> words.padding(WORDS));
    assertThrows(IllegalArgumentException.class, () -> words.padding(-1));
    assertEquals("Embedding(7, 8, padding 0)", words.padding(0).toString());
    Layer half = (scope, x) -> Ops.split(x, 1, 2, FILLED - 2).get(0);
    Layer attention = new MultiHeadAttention(2, false);
    refused("other positions", Sequential.of(words.padding(0), half, attention));
    Layer two =
        (scope, x) -> {
          scope.apply("first", words.padding(0), x);
          return scope.apply("second", words.padding(1), x);
        };
    refused("a model has one", two);
    Model.ofTokens(Shape.of(FILLED), Sequential.of(words, half, attention));
  }

  private static void refused(String why, Layer layer) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Model.ofTokens(Shape.of(FILLED), layer))
            .getMessage();
    assertTrue(message.contains(why), message);
  }
}
