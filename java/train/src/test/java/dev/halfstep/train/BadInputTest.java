package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.graph.Ops;
import dev.halfstep.metric.Confusion;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Labels and tokens out of range change nothing, and the message names their position. */
@Tag("sim")
final class BadInputTest {
  private static final float[] X = {1, 2, 3, 4};

  private static Model linear(int classes) {
    return Model.of(Shape.of(2), Sequential.of(new Linear(classes))).initialize(3);
  }

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model).device(TestDevice.ID).batchSize(2);
  }

  private static String refused(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  private static SessionBuilder mixed(DType storage, double clip) {
    return options(linear(3)).optimizer(Optimizer.adamW(0.1)).storage(storage).clipNorm(clip);
  }

  @ParameterizedTest
  @CsvSource({"F32, 0", "F32, 1", "BF16, 0", "F16, 0"})
  void aStepWithALabelThatIsNoClassIsAsIfItHadNotBeen(DType storage, double clip) {
    try (TrainingSession expected = mixed(storage, clip).open();
        TrainingSession session = mixed(storage, clip).open()) {
      expected.step(X, new int[] {0, 2});
      session.step(X, new int[] {0, 2});
      float[] before = session.weights();
      assertEquals(
          "label 3 of row 1 is outside the model's classes, [0, 3)",
          refused(() -> session.step(X, new int[] {1, 3})));
      assertEquals(
          "label -1 of row 0 is outside the model's classes, [0, 3)",
          refused(() -> session.step(X, new int[] {-1, 3})));
      assertArrayEquals(before, session.weights());
      assertEquals(expected.step(X, new int[] {1, 1}), session.step(X, new int[] {1, 1}));
      assertArrayEquals(expected.weights(), session.weights());
    }
  }

  @Test
  void labelsInBuffersAreLookedAtFromTheirPosition() {
    FloatBuffer x =
        ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder()).asFloatBuffer().put(X).flip();
    IntBuffer y =
        ByteBuffer.allocateDirect(12)
            .order(ByteOrder.nativeOrder())
            .asIntBuffer()
            .put(new int[] {9, 1, 3})
            .flip()
            .position(1);
    try (TrainingSession session = options(linear(3)).open()) {
      float[] before = session.weights();
      assertEquals(
          "label 3 of row 1 is outside the model's classes, [0, 3)",
          refused(() -> session.step(x, y)));
      assertArrayEquals(before, session.weights());
      y.put(2, 2);
      assertTrue(session.step(x, y) > 0);
    }
  }

  @Test
  void theIgnoredLabelIsNoMistake() {
    SessionBuilder options = options(linear(3)).loss(Loss.crossEntropy().ignoreLabel(-100));
    try (TrainingSession session = options.open()) {
      assertTrue(session.step(X, new int[] {-100, 2}) > 0);
      assertEquals(1, session.lastStep().rows());
      assertEquals(
          "label -7 of row 1 is outside the model's classes, [0, 3), and not the ignored -100",
          refused(() -> session.step(X, new int[] {-100, -7})));
    }
  }

  private static Dataset labelled(int classes, OptionalInt ignored, int... labels) {
    float[] x = new float[2 * labels.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = i % 5;
    }
    return ArrayDataset.of(
        "letters", Features.of(x, Shape.of(2)), Labels.of(labels, Shape.of(), classes, ignored));
  }

  @Test
  void labelsOfDataThatHaveNoOutputAreFoundWhenTheyAreGiven() {
    Dataset wrong = labelled(27, OptionalInt.empty(), 0, 25, 26, 1);
    Dataset right = labelled(27, OptionalInt.empty(), 0, 25, 3, 1);
    String expected =
        "letters: label 26 of sample 2 is outside the model's 26 outputs: the data have 27 classes,"
            + " and the model's last layer needs an output for each";
    TrainerBuilder trainer = Trainer.builder(linear(26), right).batchSize(2).epochs(1);
    assertEquals(expected, refused(Trainer.builder(linear(26), wrong).batchSize(2)::build));
    assertEquals(expected, refused(trainer.validation(wrong)::build));
    assertEquals(expected, refused(trainer.test(wrong)::build));
    try (TrainingSession session = options(linear(26)).open()) {
      assertEquals(expected, refused(() -> session.data(wrong)));
      assertEquals(expected, refused(() -> session.evaluate(wrong)));
      assertEquals(expected, refused(() -> session.confusion(wrong)));
      session.data(right);
      session.run(2);
      assertEquals(4, session.drain().metrics().rows());
    }
  }

  @Test
  void classesAreCountedWhateverOutputsTheModelHasBesides() {
    Dataset two = labelled(2, OptionalInt.empty(), 0, 1, 1, 0, 1);
    try (TrainingSession session = options(linear(40)).open()) {
      Confusion confusion = session.confusion(two);
      int counted = 0;
      for (int label = 0; label < 40; label++) {
        for (int predicted = 0; predicted < 40; predicted++) {
          counted += (int) confusion.count(label, predicted);
        }
      }
      assertEquals(5, counted);
    }
  }

  @Test
  void theLossTakesOverTheLabelThatTheDataIgnore() {
    Dataset data = labelled(3, OptionalInt.of(-100), 0, -100, 2, 1);
    History taken = Trainer.builder(linear(3), data).batchSize(2).epochs(2).fit();
    History said =
        Trainer.builder(linear(3), data)
            .loss(Loss.crossEntropy().ignoreLabel(-100))
            .batchSize(2)
            .epochs(2)
            .fit();
    assertEquals(3, taken.epochs().get(0).train().rows());
    assertArrayEquals(said.stepLosses(), taken.stepLosses());
    TrainerBuilder other =
        Trainer.builder(linear(3), data).loss(Loss.crossEntropy().ignoreLabel(255)).batchSize(2);
    assertEquals(
        "letters: label -100 of sample 1 is the one that the data ignore, but the loss ignores 255:"
            + " give both the same",
        refused(other::build));
    Dataset minusOne = labelled(3, OptionalInt.of(-1), 0, -1, 2, 1);
    assertTrue(
        refused(Trainer.builder(linear(3), minusOne).batchSize(2)::build).contains("label -1"));
  }

  private static Model tokens() {
    return Model.ofTokens(
            Shape.of(3), Sequential.of(new Embedding(10, 4), new Flatten(), new Linear(2)))
        .initialize(0);
  }

  private static Dataset text(int... tokens) {
    return ArrayDataset.of(
        "text", Features.of(tokens, Shape.of(3)), Labels.of(new int[tokens.length / 3], 2));
  }

  @Test
  void tokensOfDataThatNoEmbeddingHasAreFoundWhenTheyAreGiven() {
    Dataset wrong = text(1, 2, 3, 4, 10, 6);
    String expected =
        "token 10 at place 1 of sample (text) 1 is outside [0, 10), the tokens that the model's"
            + " embedding has";
    assertEquals(expected, refused(Trainer.builder(tokens(), wrong).batchSize(2)::build));
    try (TrainingSession session = options(tokens()).open()) {
      assertEquals(expected, refused(() -> session.data(wrong)));
      assertEquals(expected, refused(() -> session.evaluate(wrong)));
    }
  }

  /** Embeds only the first token of a sample, which the host cannot check beforehand. */
  private static Model firstToken() {
    Layer first =
        (scope, x) -> scope.apply("e", new Embedding(10, 4), Ops.split(x, 1, 1, 2).get(0));
    return Model.ofTokens(Shape.of(3), Sequential.of(first, new Flatten(), new Linear(2)))
        .initialize(0);
  }

  @Test
  void aTokenThatOnlyTheDeviceFindsIsNotLearnedFromAndEndsNothing() {
    Dataset wrong = text(1, 2, 3, 10, 5, 6, 2, 50, 50);
    Dataset right = text(1, 2, 3, 2, 5, 6, 2, 50, 50);
    try (TrainingSession session =
            options(firstToken()).batchSize(1).optimizer(Optimizer.adam(0.1)).open();
        TrainingSession expected =
            options(firstToken()).batchSize(1).optimizer(Optimizer.adam(0.1)).open()) {
      session.data(wrong);
      session.run(3);
      assertTrue(refused(session::drain).contains("token"));
      expected.data(right);
      expected.run(1);
      expected.drain();
      assertArrayEquals(expected.weights(), session.weights()); // the step before it counts
      assertTrue(refused(() -> session.evaluate(wrong)).contains("token"));
      assertTrue(refused(() -> session.confusion(wrong)).contains("token"));
      session.data(right);
      session.run(1);
      assertFalse(session.drain().skipped(0));
      expected.position(0);
      expected.run(1);
      expected.drain();
      assertArrayEquals(expected.weights(), session.weights());
    }
  }
}
