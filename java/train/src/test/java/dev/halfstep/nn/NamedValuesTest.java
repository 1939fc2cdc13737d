package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.train.TestDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models with several inputs and outputs. */
@Tag("sim")
class NamedValuesTest {
  private static final List<ModelInput> INPUTS =
      List.of(ModelInput.of("user", Shape.of(3)), ModelInput.ofTokens("words", Shape.of(2)));

  /** score = w . (u + mean-free sum of embedded words) and the joined features themselves. */
  private static Wiring wiring() {
    return Wiring.of()
        .then("left", new Linear(4, false), "user")
        .then("table", new Embedding(5, 2), "words")
        .then("right", new Flatten(), "table")
        .join("sum", Wiring.Join.ADD, "left", "right")
        .join("product", Wiring.Join.MULTIPLY, "left", "right", "sum")
        .join("all", Wiring.Join.CONCAT, "sum", "product")
        .then("score", new Linear(1, false), "all")
        .outputs("score", "all");
  }

  private static Map<String, float[]> formula(Model model, float[] user, int[] words) {
    int rows = words.length / 2;
    float[] left = model.get("left.weight");
    float[] table = model.get("table.weight");
    float[] last = model.get("score.weight");
    float[] all = new float[rows * 8];
    float[] score = new float[rows];
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int i = 0; i < 4; i++) {
        double u = 0;
        for (int k = 0; k < 3; k++) {
          u += (double) left[i * 3 + k] * user[r * 3 + k];
        }
        double w = table[words[r * 2 + i / 2] * 2 + i % 2];
        all[r * 8 + i] = (float) (u + w);
        all[r * 8 + 4 + i] = (float) (u * w * (u + w));
        sum += last[i] * (u + w) + last[4 + i] * u * w * (u + w);
      }
      score[r] = (float) sum;
    }
    return Map.of("score", score, "all", all);
  }

  private static void assertNear(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach(
        (name, values) ->
            assertArrayEquals(values, Objects.requireNonNull(actual.get(name)), 1e-5f, name));
  }

  @Test
  void predictionIsTheFormula(@TempDir Path folder) throws IOException {
    Model model = Model.of(INPUTS, wiring()).initialize(1);
    assertEquals("[score, all]", model.outputs().keySet().toString());
    assertEquals(Shape.of(8), model.outputs().get("all"));
    assertEquals(
        List.of("left.weight", "table.weight", "score.weight"),
        model.parameters().list().stream().map(Parameter::name).toList());
    float[] user = {1, 2, 3, -1, 0, 0.5f, 0.1f, 0.2f, 0.3f};
    int[] words = {0, 4, 2, 2, 3, 1};
    Map<String, float[]> expected = formula(model, user, words);
    Map<String, Object> samples = Map.of("user", user, "words", words);
    Map<String, float[]> said = model.predict(samples);
    assertEquals("[score, all]", said.keySet().toString());
    assertNear(expected, said);
    try (Device device = TestDevice.open();
        Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(2).threads(2).open()) {
      assertNear(expected, predictor.predict(samples));
    }
    Path file = folder.resolve("model");
    model.save(file, Map.of());
    Model read = Model.read(file);
    assertEquals(model.toString(), read.toString());
    Map<String, float[]> again = read.predict(samples);
    said.forEach((name, values) -> assertArrayEquals(values, again.get(name), name));
    assertNear(expected, SavedModel.read(file).model().predict(samples));
  }

  @Test
  void aNetworkMayBeAFunction() {
    Network function =
        (scope, inputs) -> {
          var x = scope.apply("fc", new Linear(2), Objects.requireNonNull(inputs.get("x")));
          var y = scope.apply("fc", new Linear(2), Objects.requireNonNull(inputs.get("y")));
          return Map.of("b", Ops.subtract(x, y), "a", x);
        };
    Model model =
        Model.of(
                List.of(ModelInput.of("x", Shape.of(3)), ModelInput.of("y", Shape.of(3))), function)
            .initialize(2);
    assertEquals("[a, b]", model.outputs().keySet().toString());
    assertEquals(List.of("fc.weight", "fc.bias"), names(model)); // one tower for both
    float[] x = {1, 2, 3};
    Map<String, float[]> said = model.predict(Map.of("x", x, "y", x));
    assertArrayEquals(new float[2], said.get("b"));
    assertThrows(UnsupportedOperationException.class, model::architecture);
  }

  private static List<String> names(Model model) {
    return model.parameters().list().stream().map(Parameter::name).toList();
  }

  @Test
  void whatIsNotPossibleIsNamed() {
    Model model = Model.of(INPUTS, wiring()).initialize(1);
    float[] user = new float[6];
    refused(() -> model.predict(Map.of("user", user)), "takes inputs [user, words]");
    refused(
        () -> model.predict(Map.of("user", user, "x", user)), "takes inputs [user, words], not");
    refused(() -> model.predict(Map.of("user", user, "words", user)), "takes samples of I32");
    refused(() -> model.predict(Map.of("user", user, "words", new int[2])), "has 1 rows");
    refused(() -> model.predict(Map.of("user", user, "words", new int[3])), "whole number of");
    refused(
        () -> model.predict(Map.of("user", user, "words", new int[] {0, 1, 2, 5})),
        "token 5 at place 1 of input words, row 1 is outside [0, 5)");
    assertThrows(IllegalStateException.class, model::sampleShape);
    assertThrows(IllegalStateException.class, model::outputShape);
    assertThrows(IllegalStateException.class, () -> model.predict(user));
    refused(() -> Model.of(INPUTS, Wiring.of()), "at least one output");
    refused(() -> Model.of(INPUTS, wiring().outputs("x")), "an output is x, but before it");
    refused(() -> Model.of(INPUTS, Wiring.of().then("a", new ReLU(), "b")), "step a reads b");
    refused(
        () -> Model.of(INPUTS, Wiring.of().then("user", new ReLU(), "user")), "name of an input");
    refused(() -> Wiring.of().join("a", Wiring.Join.ADD, "b"), "at least 2");
    refused(() -> wiring().then("left", new ReLU(), "user"), "two steps are named left");
    refused(() -> Model.of(List.of(), wiring()), "at least one input");
    refused(() -> ModelInput.of("a.b", Shape.of(1)), "without a dot");
  }

  private static void refused(org.junit.jupiter.api.function.Executable call, String reason) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
