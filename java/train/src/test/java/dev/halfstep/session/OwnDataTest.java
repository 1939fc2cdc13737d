package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.GatherException;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Order;
import dev.halfstep.data.OwnData;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleForm;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.GradientProbe;
import dev.halfstep.study.LearningRateFinder;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.SmallTask;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training on data sets that are not in memory: results, and behaviour if reading fails. */
@Tag("sim")
class OwnDataTest {
  private static final int SAMPLES = 103;

  @TempDir Path folder;

  private final Dataset data = new SmallTask(SAMPLES).data;

  private static SessionBuilder options(Model model) {
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .optimizer(Optimizer.adamW(0.01))
        .evaluationBatch(11)
        .batchSize(8);
  }

  private static TrainerBuilder trainer(Model model, Dataset train, Dataset validation) {
    return Trainer.builder(model, train)
        .session(session -> session.device(TestDevice.ID).evaluationBatch(11))
        .validation(validation)
        .optimizer(Optimizer.sgd(0.05))
        .gradientNoise(true)
        .batchSize(8)
        .syncEvery(3)
        .epochs(3)
        .seed(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "records of 2024, 103 samples"})
  void aRunIsTheSameToTheBitAsInMemoryAlsoWhenResumedWithinAnEpoch(String identity)
      throws IOException {
    Model expected = SmallTask.model();
    History inMemory = trainer(expected, data.slice(0, 83), data.slice(83, SAMPLES)).fit();
    OwnData own = new OwnData(data);
    if (!identity.isEmpty()) {
      own.identity(identity);
    }
    Dataset train = own.slice(0, 83);
    Dataset validation = own.slice(83, SAMPLES);
    Model model = SmallTask.model();
    History streamed = trainer(model, train, validation).fit();
    assertArrayEquals(inMemory.stepLosses(), streamed.stepLosses());
    assertArrayEquals(expected.weights(), model.weights());
    for (int i = 0; i < 3; i++) {
      assertEquals(inMemory.epochs().get(i).validation(), streamed.epochs().get(i).validation());
      assertEquals(inMemory.epochs().get(i).noise(), streamed.epochs().get(i).noise());
    }

    Checkpoints each = Checkpoints.in(Files.createDirectory(folder.resolve("run")), 7);
    // Reading fails for a sample that is visited late in the third epoch.
    OwnData failing = new OwnData(data);
    if (!identity.isEmpty()) {
      failing.identity(identity);
    }
    TrainerBuilder broken =
        trainer(SmallTask.model(), failing.slice(0, 83), failing.slice(83, SAMPLES))
            .checkpoints(each)
            .callbacks(
                new Callback() {
                  @Override
                  public void stepsEnd(Fit fit, StepBlock steps) {
                    if (fit.updates() >= 24) {
                      failing.damage(Order.permutation(1, 2, 83)[70], null);
                    }
                  }
                });
    GatherException failure = assertThrows(GatherException.class, broken::fit);
    assertTrue(failure.getMessage().startsWith("small task: samples "), failure.getMessage());
    assertTrue(
        failure.getMessage().endsWith("cannot be read: IOException: the disk is gone"),
        failure.getMessage());
    assertInstanceOf(IOException.class, failure.getCause());

    Model resumed = SmallTask.model();
    trainer(resumed, train, validation)
        .checkpoints(each)
        .resume(Checkpoints.newest(folder.resolve("run")))
        .fit();
    assertArrayEquals(expected.weights(), resumed.weights());
  }

  @Test
  void checkpointsKnowTheDataByTheirIdentityOrTheirBytes() throws IOException {
    Path run = Files.createDirectory(folder.resolve("run"));
    Checkpoints each = Checkpoints.in(run, 7);
    OwnData own = new OwnData(data).identity("first");
    trainer(SmallTask.model(), own, data).checkpoints(each).fit();
    int perEpoch = own.readings() / 3;
    trainer(SmallTask.model(), own, data).resume(Checkpoints.newest(run)).fit();
    assertTrue(own.readings() <= 4 * perEpoch, "it was read for a digest");
    refusedResume("the features of the training samples", new OwnData(data).identity("second"));
    refusedResume("the training samples are not those", new OwnData(data));

    // Without an identity the bytes are compared, so the same data in memory are accepted.
    Path other = Files.createDirectory(folder.resolve("other"));
    trainer(SmallTask.model(), new OwnData(data), data).checkpoints(Checkpoints.in(other, 7)).fit();
    trainer(SmallTask.model(), data, data).resume(Checkpoints.newest(other)).fit();
  }

  private void refusedResume(String part, Dataset now) throws IOException {
    TrainerBuilder resumed =
        trainer(SmallTask.model(), now, data).resume(Checkpoints.newest(folder.resolve("run")));
    String message = assertThrows(IllegalArgumentException.class, resumed::fit).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void aSessionWhoseSamplesCannotBeReadMakesNoMoreSteps() {
    OwnData own = new OwnData(data).damage(97, new IllegalStateException("closed"));
    try (TrainingSession session = options(SmallTask.model()).dataMemory(8000).open()) {
      session.data(own);
      session.learningRate(0.01);
      session.run(3);
      session.drain();
      GatherException failure = assertThrows(GatherException.class, () -> session.run(20));
      assertTrue(
          failure.getMessage().contains("cannot be read: IllegalStateException: closed"),
          failure.getMessage());
      for (Runnable call :
          new Runnable[] {
            () -> session.run(1), session::drain, session::state, session::lastStep
          }) {
        IllegalStateException after = assertThrows(IllegalStateException.class, call::run);
        assertTrue(after.getMessage().contains("cannot go on"), after.getMessage());
        assertSame(failure, after.getCause());
      }
      for (float weight : session.weights()) {
        assertTrue(Float.isFinite(weight));
      }
      assertEquals(SAMPLES, session.evaluate(data).rows());
    }
  }

  @Test
  void anEvaluationThatCannotReadLeavesTrainingAsItWas() {
    OwnData own = new OwnData(data);
    float[] expected;
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(data);
      session.run(20);
      session.drain();
      expected = session.weights();
    }
    try (TrainingSession session = options(SmallTask.model()).open()) {
      session.data(own);
      session.run(9);
      session.drain();
      OwnData other = new OwnData(data).damage(50, null);
      assertThrows(GatherException.class, () -> session.evaluate(other));
      assertThrows(GatherException.class, () -> session.confusion(other));
      own.damage(3, null);
      assertThrows(
          GatherException.class, () -> session.gradientNoise(4, Order.permutation(1, 0, SAMPLES)));
      own.damage(-1, null);
      session.run(11);
      session.drain();
      assertArrayEquals(expected, session.weights());
    }
  }

  /** A data set whose gather runs a given function. */
  private record Told(SampleForm form, int size, Gathering gathering) implements Dataset {
    interface Gathering {
      void run(int sample, SampleBatch batch);
    }

    @Override
    public String name() {
      return "told";
    }

    @Override
    public void gather(int[] samples, SampleBatch batch) {
      for (int sample : samples) {
        gathering.run(sample, batch);
      }
    }
  }

  private static String refused(Class<? extends RuntimeException> kind, Model model, Dataset told) {
    try (TrainingSession session = options(model).open()) {
      session.data(told);
      return String.valueOf(assertThrows(kind, () -> session.run(1)).getMessage());
    }
  }

  @Test
  void whatIsPutInWronglyIsSaid() {
    SampleForm form = SampleForm.of(InputSpec.of(DType.F32, Shape.of(2)), TargetSpec.labels(3));
    Model model = Model.of(Shape.of(2), new Linear(3));
    String few =
        refused(
            GatherException.class,
            model,
            new Told(form, 20, (i, batch) -> batch.target(0).putInt(i % 3)));
    assertTrue(few.contains("told: samples 0, 1, 2, 3 and "), few);
    assertTrue(few.contains("gather put 0 bytes of features for "), few);
    String many =
        refused(
            GatherException.class,
            model,
            new Told(
                form,
                20,
                (i, batch) -> {
                  batch.input(0).putFloat(1).putFloat(2).putFloat(3);
                  batch.target(0).putInt(0);
                }));
    assertTrue(many.contains("BufferOverflowException"), many);
    String label =
        refused(
            IllegalArgumentException.class,
            model,
            new Told(
                form,
                20,
                (i, batch) -> {
                  batch.input(0).putFloat(1).putFloat(2);
                  batch.target(0).putInt(i == 5 ? 3 : 0);
                }));
    assertEquals("told: label 3 of sample 5 is outside [0, 3)", label);
    // The data declare a class for which the model has no output.
    SampleForm four = SampleForm.of(form.input(), TargetSpec.labels(4));
    String class3 =
        refused(
            IllegalArgumentException.class,
            model,
            new Told(
                four,
                20,
                (i, batch) -> {
                  batch.input(0).putFloat(1).putFloat(2);
                  batch.target(0).putInt(i == 6 ? 3 : 0);
                }));
    assertTrue(class3.startsWith("told: label 3 of sample 6 is outside the model's 3"), class3);
    SampleForm tokens =
        SampleForm.of(
            InputSpec.of(DType.I32, Shape.of(2)), TargetSpec.labels("next", Shape.of(2), 4));
    Model embedding =
        Model.ofTokens(Shape.of(2), Sequential.of(new Embedding(4, 3), new Linear(4)));
    String token =
        refused(
            IllegalArgumentException.class,
            embedding,
            new Told(
                tokens,
                20,
                (i, batch) -> {
                  batch.input(0).putInt(i == 7 ? 4 : 0).putInt(1);
                  batch.target("next").putInt(0).putInt(3);
                }));
    assertTrue(token.startsWith("token 4 at place 0 of sample (told) 7 is outside [0, 4)"), token);
    Dataset unlabelled = ArrayDataset.of("unlabelled", Features.of(new float[4], Shape.of(2)));
    try (TrainingSession session = options(model).open()) {
      String none =
          assertThrows(IllegalArgumentException.class, () -> session.data(unlabelled)).getMessage();
      assertTrue(none.contains("unlabelled has no targets"), none);
    }
  }

  /** 3 million samples of 4 KB each, computed from their index and stored nowhere. */
  private static Dataset huge() {
    SampleForm form = SampleForm.of(InputSpec.of(DType.F32, Shape.of(1000)), TargetSpec.labels(2));
    return new Told(
        form,
        3_000_000,
        (sample, batch) -> {
          ByteBuffer features = batch.input(0);
          for (int i = 0; i < 1000; i++) {
            features.putFloat((sample * 31 + i) % 101 / 50f - 1);
          }
          batch.target(0).putInt(sample % 2);
        });
  }

  @Test
  void bytesBeyondAnIntAreReadFromTheirPlaces() {
    Dataset huge = huge();
    assertTrue(huge.size() * huge.form().sampleBytes() > 12_000_000_000L);
    int[] order = {2_999_999, 0, 2_500_001, 17, 1_999_998, 2_147_483, 5, 2_999_998};
    Dataset few = ArrayDataset.copyOf(huge.subset(order));
    assertEquals(2_999_999 % 2, few.label(0));
    SessionBuilder options = options(Model.of(Shape.of(1000), new Linear(2)).initialize(1));
    assertTrue(options.memory(huge).data() <= 3L * (32 << 20), "" + options.memory(huge));
    float[] expected;
    try (TrainingSession session = options.open()) {
      session.data(few);
      session.run(3);
      session.drain();
      expected = session.weights();
    }
    try (TrainingSession session = options.open()) {
      session.data(huge);
      session.order(order);
      session.run(3);
      session.drain();
      assertArrayEquals(expected, session.weights());
      assertEquals(
          session.evaluate(ArrayDataset.copyOf(huge.slice(2_999_900, 3_000_000))),
          session.evaluate(huge.slice(2_999_900, 3_000_000)));
    }
  }

  @Test
  void studiesGiveWhatTheyGiveInMemory() {
    OwnData own = new OwnData(data);
    SessionBuilder options = options(SmallTask.model());
    LearningRateFinder finder = LearningRateFinder.DEFAULT.withSteps(30);
    assertEquals(finder.find(options, data), finder.find(options, own));
    try (GradientProbe inMemory = new GradientProbe(options, data);
        GradientProbe streamed = new GradientProbe(options, own)) {
      assertArrayEquals(inMemory.gradient(4, 90, 4), streamed.gradient(4, 90, 4));
    }
    int[] sorted = new int[40];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = i / 20;
    }
    float[] x = new float[80];
    Dataset byClass =
        ArrayDataset.of(
            "by class",
            Features.of(x, Shape.of(2)),
            Labels.of(sorted, Shape.of(), 2, OptionalInt.empty()));
    Dataset ownByClass = new OwnData(byClass);
    Advisor advisor = Advisor.of(40, 8, 0.01);
    assertEquals(
        advisor
            .trainingData(byClass)
            .inOrder(byClass)
            .heldOut("test", byClass.slice(0, 20), byClass.slice(20, 40))
            .findings(),
        advisor
            .trainingData(ownByClass)
            .inOrder(ownByClass)
            .heldOut("test", ownByClass.slice(0, 20), ownByClass.slice(20, 40))
            .findings());
    assertTrue(advisor.inOrder(ownByClass).findings().size() > advisor.findings().size());
  }
}
