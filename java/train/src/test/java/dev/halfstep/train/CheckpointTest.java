package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.session.StepBlock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckpointTest {
  private static final int KILLS = 20;
  private static final int MOST_MILLIS = 300;

  @TempDir Path folder;

  /** Trains a run that stops itself after {@code updates} updates, as if it were killed. */
  private void interrupted(int updates) {
    Callback stopper =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() >= updates) {
              fit.stop("enough");
            }
          }
        };
    ResumedRun.trainer(SmallTask.model(), folder).callbacks(stopper).fit();
  }

  private static void assertSame(History expected, History actual) {
    assertArrayEquals(expected.stepLosses(), actual.stepLosses());
    assertEquals(expected.bestEpoch(), actual.bestEpoch());
    assertEquals(expected.epochs().size(), actual.epochs().size());
    for (int i = 0; i < expected.epochs().size(); i++) {
      EpochRecord a = expected.epochs().get(i);
      EpochRecord b = actual.epochs().get(i);
      assertEquals(a.train(), b.train());
      assertEquals(a.validation(), b.validation());
      assertEquals(a.learningRate(), b.learningRate());
      assertEquals(a.batchSize(), b.batchSize());
      assertEquals(a.steps(), b.steps());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 9, 301, 330, 540})
  void aResumedRunEndsAsOneThatWasNotInterrupted(int updates) throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    Model expected = SmallTask.model();
    History whole = ResumedRun.trainer(expected, other).fit();
    interrupted(updates);
    Model actual = SmallTask.model();
    History resumed = ResumedRun.resumed(actual, folder).fit();
    assertArrayEquals(expected.weights(), actual.weights());
    assertSame(whole, resumed);
    assertTrue(whole.epochs().get(119).batchSize() > whole.epochs().get(0).batchSize());
    assertSameTensorsAndCounters(Checkpoints.newest(other), Checkpoints.newest(folder));
  }

  private TrainerBuilder withGroups(Model model, Path checkpoints, double rate) {
    return ResumedRun.trainer(model, checkpoints)
        .epochs(20)
        .groups(ParameterGroup.of("0.*").withRate(rate).withDecay(0));
  }

  @Test
  void aRunWithParameterGroupsIsResumedWithTheSameOnes() throws IOException {
    Model expected = SmallTask.model();
    withGroups(expected, Files.createDirectory(folder.resolve("other")), 0.1).fit();
    Callback stopper =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() >= 40) {
              fit.stop("enough");
            }
          }
        };
    withGroups(SmallTask.model(), folder, 0.1).callbacks(stopper).fit();
    Safetensors.Contents checkpoint = Checkpoints.newest(folder);
    Model actual = SmallTask.model();
    withGroups(actual, folder, 0.1).resume(checkpoint).fit();
    assertArrayEquals(expected.weights(), actual.weights());

    for (TrainerBuilder other :
        List.of(
            withGroups(SmallTask.model(), folder, 0.2),
            ResumedRun.trainer(SmallTask.model(), folder).epochs(20))) {
      var refused =
          assertThrows(
              IllegalArgumentException.class, () -> other.resume(checkpoint).build().fit());
      assertTrue(
          refused
              .getMessage()
              .contains(
                  "parameter groups was [ParameterGroup[pattern=0.*, rate=0.1, decay=0.0]] and is"
                      + " now ["),
          refused.getMessage());
    }
  }

  private static void assertSameTensorsAndCounters(
      Safetensors.Contents expected, Safetensors.Contents actual) {
    String counters = "halfstep.counters";
    assertEquals(expected.metadata().get(counters), actual.metadata().get(counters));
    assertEquals(expected.tensors().keySet(), actual.tensors().keySet());
    assertTrue(expected.tensors().containsKey("halfstep.moment2"));
    assertTrue(expected.tensors().containsKey("halfstep.average"));
    for (Map.Entry<String, Safetensors.Entry> tensor : expected.tensors().entrySet()) {
      if (tensor.getValue().isReadable()) { // the history contains times
        assertArrayEquals(
            tensor.getValue().values(), actual.tensors().get(tensor.getKey()).values());
      }
    }
  }

  @Test
  void aRunKilledTwentyTimesEndsAsOneThatWasNot() throws IOException, InterruptedException {
    Path killed = Files.createDirectory(folder.resolve("killed"));
    Random random = new Random(5);
    List<String> begins = new ArrayList<>();
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start(ResumedRun.class, killed);
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        begins.add(String.valueOf(out.readLine()));
        Thread.sleep(random.nextInt(MOST_MILLIS));
        process.destroyForcibly();
        assertEquals(128 + 9, process.waitFor(), begins.toString());
      }
    }
    assertTrue(begins.stream().allMatch(line -> line.startsWith("begins at ")), "" + begins);
    assertTrue(begins.stream().distinct().count() > 2, "it does not go on: " + begins);
    Model actual = SmallTask.model();
    History resumed = ResumedRun.resumed(actual, killed).fit();
    Path other = Files.createDirectory(folder.resolve("other"));
    Model expected = SmallTask.model();
    History whole = ResumedRun.trainer(expected, other).fit();
    assertArrayEquals(expected.weights(), actual.weights());
    assertSame(whole, resumed);
    assertSameTensorsAndCounters(Checkpoints.newest(other), Checkpoints.newest(killed));
    try (Stream<Path> files = Files.list(killed)) {
      assertEquals(2, files.count(), "two checkpoints, and nothing that a kill has left");
    }
  }

  /** Starts a JVM that runs a main class of the tests on the folder. */
  static Process start(Class<?> main, Path folder) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("-Dhalfstep.test.device=" + TestDevice.ID);
    String cache = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (cache != null) {
      command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    command.addAll(List.of("-cp", classPath, main.getName(), folder.toString()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** A run of a linear model, whose checkpoint has less than 10 kB. */
  private static TrainerBuilder small(Path folder, Model model) {
    return Trainer.builder(model, new SmallTask(40).data)
        .session(options -> options.device(TestDevice.ID))
        .epochs(3)
        .batchSize(10)
        .checkpoints(Checkpoints.in(folder, 5));
  }

  private static Model linear() {
    return Model.of(dev.halfstep.Shape.of(SmallTask.FEATURES), new Linear(SmallTask.CLASSES))
        .initialize(1);
  }

  @Test
  void aDamagedCheckpointIsRefusedWhicheverByteItIs() throws IOException {
    small(folder, linear()).fit();
    Path newest = folder.resolve("checkpoint-1-10.safetensors");
    Path before = folder.resolve("checkpoint-1-5.safetensors");
    byte[] whole = Files.readAllBytes(newest);
    assertTrue(whole.length < 10_000, whole.length + " bytes");
    assertEquals(newest, Checkpoints.newest(folder).file());
    Random random = new Random(3);
    for (int i = 0; i < whole.length; i++) {
      byte[] damaged = whole.clone();
      damaged[i] ^= (byte) (1 << random.nextInt(8));
      Files.write(newest, damaged);
      assertThrows(ModelFileException.class, () -> Safetensors.read(newest), "byte " + i);
    }
    assertEquals(before, Checkpoints.newest(folder).file(), "the one before still loads");
    for (int length : new int[] {0, 7, 100, whole.length - 1}) {
      Files.write(newest, java.util.Arrays.copyOf(whole, length));
      assertEquals(before, Checkpoints.newest(folder).file());
    }
    Files.delete(before);
    ModelFileException e = assertThrows(ModelFileException.class, () -> Checkpoints.newest(folder));
    assertTrue(e.getMessage().startsWith(newest + ": "), e.getMessage());
    Files.delete(newest);
    assertThrows(ModelFileException.class, () -> Checkpoints.newest(folder));
  }

  @Test
  void aThousandRandomBytesOfTheConvolutionalNetsCheckpointAreEachRefusedWhenDamaged()
      throws IOException {
    Dataset digits = Digits.generate(16, 4, 1).train();
    Model cnn =
        Model.of(
            digits.sampleShape(),
            Sequential.of(
                new Conv2d(32, 3).padding(1),
                new ReLU(),
                new MaxPool2d(2),
                new Conv2d(64, 3).padding(1),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(128),
                new ReLU(),
                new Linear(10)));
    Trainer.builder(cnn, digits)
        .session(options -> options.device(TestDevice.ID))
        .epochs(1)
        .batchSize(8)
        .checkpoints(Checkpoints.in(folder, 1))
        .fit();
    Path newest = folder.resolve("checkpoint-1-2.safetensors");
    Path before = folder.resolve("checkpoint-1-1.safetensors");
    byte[] whole = Files.readAllBytes(newest);
    assertTrue(whole.length > 4 * 421_642, whole.length + " bytes");
    long header = 8 + java.nio.ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    Random random = new Random(9);
    try (RandomAccessFile file = new RandomAccessFile(newest.toFile(), "rw")) {
      for (int i = 0; i < 1000; i++) {
        int at = random.nextInt(i < 200 ? (int) header : whole.length);
        file.seek(at);
        file.write(whole[at] ^ (1 << random.nextInt(8)));
        assertThrows(ModelFileException.class, () -> Safetensors.read(newest), "byte " + at);
        if (i == 999) {
          assertEquals(before, Checkpoints.newest(folder).file(), "the one before still loads");
        }
        file.seek(at);
        file.write(whole[at]);
      }
    }
    assertEquals(newest, Checkpoints.newest(folder).file());
  }

  @Test
  void savingLeavesTheModelsWeights() {
    Model model = linear();
    float[] first = model.weights();
    Callback check =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            assertArrayEquals(first, model.weights());
          }
        };
    small(folder, model).callbacks(check).fit();
    assertNotEquals(first[0], model.weights()[0]);
  }

  @Test
  void theCheckpointOfAnotherRunIsRefusedWithWhatDiffers() throws IOException {
    small(folder, linear()).fit();
    Safetensors.Contents contents = Checkpoints.newest(folder);
    TrainerBuilder same = small(folder, linear()).resume(contents);
    refused(same.seed(4), "the seed was 0 and is now 4");
    refused(same.optimizer(Optimizer.adam(0.1)), "the optimizer was Sgd and is now Adam");
    refused(same.optimizer(Optimizer.sgd(0.1).withMomentum(0.5)), "lacks halfstep.moment1");
    refused(small(folder, SmallTask.model()).resume(contents), "does not fit the model");
    assertEquals(12, same.fit().stepLosses().length);
  }

  private static void refused(TrainerBuilder trainer, String message) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, trainer::fit);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void aRunCanBeResumedWithAnotherBatchSize() throws IOException {
    small(folder, linear()).fit();
    // From update 10 of 12: the third epoch has begun, and 20 of its 40 samples are left.
    TrainerBuilder larger = small(folder, linear()).resume(Checkpoints.newest(folder));
    History history = larger.batchSize(20).fit();
    assertEquals(11, history.stepLosses().length);
    assertEquals(40, history.epochs().get(2).train().rows());
    assertNotEquals(history.epochs().get(1).batchSize(), history.epochs().get(2).batchSize());
  }

  @Test
  void checkpointsAreWrittenWhereNothingElseLies() {
    assertThrows(IllegalArgumentException.class, () -> Checkpoints.in(folder, 0));
    Path deep = folder.resolve("a/b");
    small(deep, linear()).fit();
    assertTrue(Files.exists(deep.resolve("checkpoint-1-10.safetensors")));
  }
}
