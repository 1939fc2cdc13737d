package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Normalization;
import dev.halfstep.data.OwnData;
import dev.halfstep.data.Values;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Training of models with several inputs and outputs, each with a name. */
@Tag("sim")
class NamedTrainingTest {
  private static final int SAMPLES = 61;
  private static final NamedTask TASK = new NamedTask(SAMPLES);

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .loss(NamedTask.loss())
        .optimizer(Optimizer.sgd(0.05))
        .evaluationBatch(13)
        .batchSize(8);
  }

  private static TrainerBuilder trainer(Model model, Dataset train, Dataset validation) {
    return Trainer.builder(model, train)
        .session(options -> options.device(TestDevice.ID).evaluationBatch(13))
        .loss(NamedTask.loss())
        .validation(validation)
        .optimizer(Optimizer.adam(0.01))
        .gradientNoise(true)
        .batchSize(8)
        .syncEvery(3)
        .epochs(3)
        .seed(1);
  }

  @Test
  void lossAndGradientsAreThoseOfTheReference() {
    Model model = NamedTask.model();
    float[] before = model.weights();
    float[] gradients;
    try (TrainingSession session = options(model).open()) {
      session.data(TASK.data);
      assertEquals(TASK.reference(model, 0, SAMPLES), session.evaluate(TASK.data).loss(), 1e-6);
      assertEquals(SAMPLES, session.evaluate(TASK.data).rows());
      session.run(1);
      assertEquals(TASK.reference(model, 0, 8), session.drain().metrics().loss(), 1e-6);
      gradients = session.gradients();
    }
    double step = 1e-3;
    for (Parameter parameter : model.parameters().list()) {
      int offset = (int) model.parameters().offset(parameter);
      for (int i = 0; i < parameter.shape().elements(); i++) {
        double up = shifted(model, before, offset + i, (float) step);
        double down = shifted(model, before, offset + i, (float) -step);
        double expected = (up - down) / (2 * step);
        assertEquals(expected, gradients[offset + i], 1e-4, parameter.name() + " " + i);
      }
    }
  }

  private static double shifted(Model model, float[] weights, int index, float by) {
    float[] other = weights.clone();
    other[index] += by;
    model.weights(other);
    double loss = TASK.reference(model, 0, 8);
    model.weights(weights);
    return loss;
  }

  @Test
  void microBatchesGiveTheSameStepButForRounding() {
    Model whole = NamedTask.model();
    Model parts = NamedTask.model();
    for (Model model : List.of(whole, parts)) {
      SessionBuilder options = options(model);
      try (TrainingSession session = (model == parts ? options.microBatch(3) : options).open()) {
        session.data(TASK.data);
        session.run(20);
        session.drain();
        session.store();
      }
    }
    assertArrayEquals(whole.weights(), parts.weights(), 1e-5f);
  }

  @Test
  void streamedRunsAreThoseInMemoryToTheBitAlsoWhenResumed(@TempDir Path folder)
      throws IOException {
    ArrayDataset train = TASK.data.slice(0, 45);
    ArrayDataset validation = TASK.data.slice(45, SAMPLES);
    Model expected = NamedTask.model();
    History inMemory = trainer(expected, train, validation).fit();
    Model streamed = NamedTask.model();
    History fromElsewhere = trainer(streamed, new OwnData(train), new OwnData(validation)).fit();
    assertArrayEquals(expected.weights(), streamed.weights());
    assertArrayEquals(inMemory.stepLosses(), fromElsewhere.stepLosses());
    for (int i = 0; i < 3; i++) {
      assertEquals(
          inMemory.epochs().get(i).validation(), fromElsewhere.epochs().get(i).validation());
      assertEquals(inMemory.epochs().get(i).noise(), fromElsewhere.epochs().get(i).noise());
    }
    double first = inMemory.epochs().get(0).train().loss();
    assertTrue(inMemory.epochs().get(2).train().loss() < first);

    Callback stop =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() >= 9) {
              fit.stop("enough");
            }
          }
        };
    trainer(NamedTask.model(), new OwnData(train), new OwnData(validation))
        .checkpoints(Checkpoints.in(folder, 4))
        .callbacks(stop)
        .fit();
    Model resumed = NamedTask.model();
    trainer(resumed, train, validation).resume(Checkpoints.newest(folder)).fit();
    assertArrayEquals(expected.weights(), resumed.weights());
  }

  @Test
  void eachInputHasItsOwnNormalization() {
    double[] mean = {1, 0, -1, 0, 0.5, 0, 2};
    double[] std = {2, 0.5, 1, 4, 1, 1, 8};
    float[] raw = TASK.item.clone();
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (float) (raw[i] * std[i % std.length] + mean[i % mean.length]);
    }
    ArrayDataset data =
        ArrayDataset.builder("raw ratings")
            .input("user", Features.of(TASK.user, Shape.of(NamedTask.USER)))
            .input(
                "item",
                Features.of(raw, Shape.of(NamedTask.ITEM))
                    .withNormalization(Normalization.of(mean, std)))
            .target("kind", Labels.of(TASK.kinds, NamedTask.KINDS))
            .target("score", Values.of(TASK.scores, Shape.of(1)))
            .build();
    Model model = NamedTask.model();
    try (TrainingSession session = options(model).open()) {
      session.data(data);
      assertEquals(TASK.reference(model, 0, SAMPLES), session.evaluate(data).loss(), 1e-5);
      assertEquals(
          TASK.reference(model, 0, SAMPLES), session.evaluate(new OwnData(data)).loss(), 1e-5);
    }
  }

  @Test
  void outputsAreThoseOfPredictionAndMetricsSeeThemByName() {
    Model model = NamedTask.model();
    Map<String, float[]> predicted = model.predict(Map.of("user", TASK.user, "item", TASK.item));
    try (TrainingSession session = options(model).open()) {
      Map<String, float[]> outputs = session.namedOutputs(TASK.data);
      assertEquals("[score, kind]", outputs.keySet().toString());
      outputs.forEach((name, values) -> assertArrayEquals(predicted.get(name), values, 1e-5f));
      assertThrows(IllegalStateException.class, () -> session.outputs(TASK.data));
    }
    Metric first = Metric.ofNamed("first", false, (outputs, data) -> outputs.get("kind")[2]);
    History history = trainer(model, TASK.data, TASK.data).metrics(first).epochs(1).fit();
    float last = model.predict(Map.of("user", TASK.user, "item", TASK.item)).get("kind")[2];
    assertEquals(last, history.epochs().get(0).own().get("first"), 1e-5);
  }

  @Test
  void severalInputsOfOneOutputTakeAnOrdinaryLossAndTokensAreChecked() {
    Model model =
        Model.of(
            List.of(ModelInput.ofTokens("word", Shape.of(2)), ModelInput.of("x", Shape.of(3))),
            (scope, inputs) -> {
              Value word = scope.apply("embed", new Embedding(9, 4), inputs.get("word"));
              Value flat = scope.apply("flat", new Flatten(), word);
              Value all = Ops.concat(List.of(flat, inputs.get("x")), 1);
              return Map.of("y", scope.apply("head", new Linear(2), all));
            });
    int[] words = {0, 1, 8, 2, 3, 4};
    ArrayDataset right = words(words);
    words[5] = 9;
    ArrayDataset wrong = words(words);
    try (TrainingSession session =
        TrainingSession.builder(model).device(TestDevice.ID).batchSize(3).open()) {
      float[] before = session.weights();
      refused(() -> session.data(wrong), "token 9 at place 1 of input word of sample (words) 2");
      assertArrayEquals(before, session.weights());
      session.data(right);
      session.learningRate(0.1);
      session.run(30);
      StepBlock steps = session.drain();
      assertTrue(steps.loss(29) < 0.5 * steps.loss(0), steps.loss(0) + " to " + steps.loss(29));
    }
  }

  private static ArrayDataset words(int[] words) {
    return ArrayDataset.builder("words")
        .input("x", Features.of(new float[9], Shape.of(3)))
        .input("word", Features.of(words.clone(), Shape.of(2)))
        .target("y", Labels.of(new int[] {0, 1, 1}, 2))
        .build();
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnyEffect() {
    Features wide = Features.of(new float[SAMPLES * 6], Shape.of(6));
    Labels kinds = Labels.of(TASK.kinds, NamedTask.KINDS);
    refusedData(TASK.data(wide, kinds), "of input user F32[5], but those of ratings are F32[6]");
    ArrayDataset other =
        ArrayDataset.builder("ratings")
            .input("users", Features.of(TASK.user, Shape.of(NamedTask.USER)))
            .input("item", Features.of(TASK.item, Shape.of(NamedTask.ITEM)))
            .target("score", Values.of(TASK.scores, Shape.of(1)))
            .target("kind", kinds)
            .build();
    refusedData(other, "the model takes inputs [item, user], but the samples of ratings have");
    Features users = Features.of(TASK.user, Shape.of(NamedTask.USER));
    int[] more = TASK.kinds.clone();
    more[40] = 3;
    refusedData(
        TASK.data(users, Labels.of(more, 4)), "label 3 (kind) of sample 40 is outside the model's");
    more[40] = -100;
    refusedData(
        TASK.data(users, Labels.of(more, Shape.of(), NamedTask.KINDS, OptionalInt.of(-100))),
        "the data ignore, but the loss takes the cross-entropy");

    SessionBuilder options = options(NamedTask.model());
    refused(
        () -> options.loss(Loss.meanSquaredError()).requireFitting(TASK.data),
        "mean squared error is a loss of one output and one target, but the model has outputs"
            + " [score, kind] and the data have targets [score, kind]: write one over all of them"
            + " with Loss.ofNamed");
    Loss misspelt = Loss.ofNamed("misspelt", (outputs, targets) -> outputs.get("scor"));
    refused(
        () -> options.loss(misspelt).requireFitting(TASK.data),
        "the loss misspelt asks for the output scor, but there are [score, kind]");
    Loss whole = Loss.ofNamed("whole", (outputs, targets) -> Ops.mean(outputs.get("score"), 0));
    refused(() -> options.loss(whole).requireFitting(TASK.data), "it must give a loss for each");
    Metric single = Metric.of("single", false, (outputs, data) -> outputs[0]);
    refused(
        () -> trainer(NamedTask.model(), TASK.data, TASK.data).metrics(single).build(),
        "make it with Metric.ofNamed");
    refused(
        () -> trainer(NamedTask.model(), TASK.data, TASK.data).monitor(Metric.VAL_F1).build(),
        "val_f1 needs class labels");
    try (TrainingSession session = options.open()) {
      refused(() -> session.step(new float[40], new int[8]), "train such models with data(...)");
      refused(() -> session.confusion(TASK.data), "no class labels");
    }
  }

  private static void refusedData(Dataset data, String part) {
    Model model = NamedTask.model();
    try (TrainingSession session = options(model).open()) {
      refused(() -> session.data(data), part);
      assertArrayEquals(model.weights(), session.weights());
      session.data(TASK.data);
      session.run(1);
      assertEquals(TASK.reference(model, 0, 8), session.drain().metrics().loss(), 1e-6);
    }
    refused(() -> trainer(model, data, TASK.data).build(), part);
  }

  private static void refused(Executable call, String part) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(part), message);
  }
}
