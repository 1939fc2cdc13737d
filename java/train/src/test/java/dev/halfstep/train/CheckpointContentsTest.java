package dev.halfstep.train;

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
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.internal.StepState;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionState;
import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All values of a checkpoint are checked, because a correct checksum does not prove them valid. */
final class CheckpointContentsTest {
  @TempDir Path folder;

  private static TrainerBuilder run(Dataset data) {
    Model model =
        Model.of(Shape.of(SmallTask.FEATURES), new Linear(SmallTask.CLASSES)).initialize(1);
    return Trainer.builder(model, data)
        .session(options -> options.device(TestDevice.ID))
        .optimizer(Optimizer.adam(0.01))
        .epochs(3)
        .batchSize(10);
  }

  private Safetensors.Contents checkpoint() throws IOException {
    run(new SmallTask(40).data).checkpoints(Checkpoints.in(folder, 5)).fit();
    return Checkpoints.newest(folder);
  }

  private static void refused(Safetensors.Contents from, TrainerBuilder run, String message) {
    TrainerBuilder resumed = run.resume(from);
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, resumed::build);
    assertTrue(e.getMessage().startsWith(from.file() + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  /** The same checkpoint with changed counters, written again. */
  private Safetensors.Contents withCounters(Safetensors.Contents from, Consumer<ByteBuffer> change)
      throws IOException {
    byte[] bytes = Base64.getDecoder().decode(from.metadata().get("halfstep.counters"));
    change.accept(ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
    Map<String, String> texts = new LinkedHashMap<>(from.metadata());
    texts.put("halfstep.counters", Base64.getEncoder().encodeToString(bytes));
    Path file = folder.resolve("checkpoint-2-10.safetensors");
    Safetensors.write(file, from.tensors(), texts);
    return Checkpoints.newest(folder);
  }

  @Test
  void countersThatNoRunComesToAreRefused() throws IOException {
    Safetensors.Contents good = checkpoint();
    run(new SmallTask(40).data).resume(withCounters(good, state -> {})).build();
    long[] steps = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 9, 11};
    for (long step : steps) {
      refusedCounters(good, state -> state.putLong(StepState.STEP, step));
    }
    refusedCounters(good, state -> state.putLong(StepState.PERFORMED, -1));
    refusedCounters(good, state -> state.putLong(StepState.PERFORMED, 9));
    refusedCounters(good, state -> state.putLong(StepState.MICRO_STEP, -1));
    refusedCounters(good, state -> state.putLong(StepState.MICRO_STEP, Long.MAX_VALUE));
    refusedCounters(good, state -> state.putLong(StepState.CURSOR, -1));
    refusedCounters(good, state -> state.putLong(StepState.SCHEDULE_BASE, -1));
    refusedCounters(good, state -> state.putLong(StepState.SCHEDULE_ROWS, -1));
    refusedCounters(good, state -> state.putInt(StepState.GROWTH_TRACKER, Integer.MAX_VALUE));
    refusedCounters(good, state -> state.putInt(StepState.SKIPPED_IN_ROW, -1));
    refusedCounters(good, state -> state.putInt(StepState.NONFINITE, 1));
    refusedCounters(good, state -> state.putDouble(StepState.WEIGHT, Double.NaN));
    refusedCounters(good, state -> state.putInt(StepState.ERROR, 1));
    for (float scale : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY, 2}) {
      refusedCounters(good, state -> state.putFloat(StepState.LOSS_SCALE, scale));
    }
  }

  private void refusedCounters(Safetensors.Contents good, Consumer<ByteBuffer> change)
      throws IOException {
    refused(withCounters(good, change), run(new SmallTask(40).data), "counters");
  }

  @Test
  void aSessionTakesNoSuchCountersEither() {
    try (TrainingSession session =
        TrainingSession.builder(SmallTask.model()).device(TestDevice.ID).open()) {
      SessionState state = session.state();
      ByteBuffer.wrap(state.counters()).order(ByteOrder.nativeOrder()).putLong(StepState.STEP, -1);
      assertThrows(IllegalArgumentException.class, () -> session.state(state));
    }
  }

  @Test
  void aHistoryThatIsNotWholeIsRefusedWithoutMemoryForWhatItClaims() throws IOException {
    Safetensors.Contents good = checkpoint();
    byte[] run = good.tensors().get("halfstep.run").bytes();
    for (int length = 0; length < run.length; length++) {
      refused(with(good, "halfstep.run", bytes(Arrays.copyOf(run, length))), "is damaged");
    }
    refused(with(good, "halfstep.run", bytes(Arrays.copyOf(run, run.length + 1))), "left over");
    refused(with(good, "halfstep.run", null), "lacks the run's history");
    refused(with(good, "halfstep.losses", doubles(9)), "is damaged");
    refused(with(good, "halfstep.losses", doubles(11)), "is damaged");
    refused(with(good, "halfstep.loss_scales", floats(9)), "is damaged");
    refused(with(good, "halfstep.moment1", floats(3)), "halfstep.moment1 is F32 [3], expected");
    refused(with(good, "halfstep.moment2", null), "lacks halfstep.moment2");
    refused(with(good, "halfstep.best", floats(3)), "halfstep.best is F32 [3], expected");
    refused(with(good, "halfstep.best", null), "lacks halfstep.best");
    refused(with(good, "halfstep.mean", floats(100)), "has halfstep.mean");
    refused(with(good, "weight", null), "does not fit the model: missing: weight");
    // Each number is set to its largest and smallest value; it must be refused or harmless.
    for (int at = 0; at + Integer.BYTES <= run.length; at++) {
      for (int value : new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
        byte[] changed = run.clone();
        ByteBuffer.wrap(changed).putInt(at, value);
        TrainerBuilder resumed = run(new SmallTask(40).data);
        try {
          resumed.resume(with(good, "halfstep.run", bytes(changed))).fit();
        } catch (IllegalArgumentException e) {
          assertTrue(e.getMessage().startsWith(good.file() + ": "), e.getMessage());
        }
      }
    }
  }

  private void refused(Safetensors.Contents from, String message) {
    refused(from, run(new SmallTask(40).data), message);
  }

  private static Safetensors.Contents with(
      Safetensors.Contents from, String name, Safetensors.Entry tensor) {
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>(from.tensors());
    tensors.put(name, tensor);
    if (tensor == null) {
      tensors.remove(name);
    }
    return new Safetensors.Contents(from.file(), from.metadata(), tensors);
  }

  private static Safetensors.Entry bytes(byte[] values) {
    return new Safetensors.Entry(Shape.of(values.length), values);
  }

  private static Safetensors.Entry floats(int count) {
    return new Safetensors.Entry(Shape.of(count), new float[count]);
  }

  private static Safetensors.Entry doubles(int count) {
    return new Safetensors.Entry(Shape.of(count), new double[count]);
  }

  @Test
  void otherDataAreRefusedAndNamed() throws IOException {
    Safetensors.Contents good = checkpoint();
    SmallTask task = new SmallTask(40);
    refused(good, run(new SmallTask(41).data), "number of training samples was 40 and is now 41");
    float[] x = task.x.clone();
    x[x.length - 1] += 1e-6f;
    refused(good, run(data(x, task.y, Normalization.NONE)), "the features of the training samples");
    int[] y = task.y.clone();
    y[39] = (y[39] + 1) % SmallTask.CLASSES;
    refused(good, run(data(task.x, y, Normalization.NONE)), "the targets of the training samples");
    Normalization other = Normalization.of(new double[] {1}, new double[] {1});
    refused(good, run(data(task.x, task.y, other)), "the normalization of the training samples");
    refused(good, run(task.data).validation(task.data), "the use of validation data was false");
    run(data(task.x, task.y, Normalization.NONE)).resume(good).build();
  }

  private static Dataset data(float[] x, int[] y, Normalization normalization) {
    Features features = Features.of(x, Shape.of(SmallTask.FEATURES));
    Labels labels = Labels.of(y, Shape.of(), SmallTask.CLASSES, OptionalInt.of(-100));
    return ArrayDataset.of("other", features.withNormalization(normalization), labels);
  }

  @Test
  void otherValidationDataAreRefused() throws IOException {
    SmallTask task = new SmallTask(60);
    TrainerBuilder run = run(task.data.slice(0, 40)).validation(task.data.slice(40, 50));
    run.checkpoints(Checkpoints.in(folder, 5)).fit();
    Safetensors.Contents good = Checkpoints.newest(folder);
    run.resume(good).build();
    refused(
        good,
        run.validation(task.data.slice(50, 60)),
        "the features of the validation samples are not those");
  }

  @Test
  void anotherVersionAndAMissingChecksumAreRefused() throws IOException {
    Safetensors.Contents good = checkpoint();
    Map<String, String> texts = new LinkedHashMap<>(good.metadata());
    texts.put("halfstep.checkpoint", "2");
    refused(
        new Safetensors.Contents(good.file(), texts, good.tensors()),
        "is a checkpoint of version 2, and this Halfstep reads version 4");
    refused(new Safetensors.Contents(good.file(), Map.of(), good.tensors()), "is no checkpoint");
    // Damage to both words that declare the checksum hides it.
    String whole = new String(Files.readAllBytes(good.file()), StandardCharsets.ISO_8859_1);
    String hidden =
        whole
            .replace("halfstep.checksum", "halfstep.checksun")
            .replace("halfstep-sha256", "halfstep-sha257");
    Files.write(good.file(), hidden.getBytes(StandardCharsets.ISO_8859_1));
    ModelFileException e =
        assertThrows(ModelFileException.class, () -> Safetensors.read(good.file()));
    assertTrue(e.getMessage().contains("it has no halfstep.checksum"), e.getMessage());
  }

  @Test
  void theHeaderDoesNotGrowWithTheRunNorWithTheClasses() throws IOException {
    int classes = 1000;
    SmallTask task = new SmallTask(40);
    Dataset data =
        ArrayDataset.of(
            "wide", Features.of(task.x, Shape.of(SmallTask.FEATURES)), Labels.of(task.y, classes));
    Model model = Model.of(Shape.of(SmallTask.FEATURES), new Linear(classes)).initialize(1);
    TrainerBuilder run =
        Trainer.builder(model, data)
            .session(options -> options.device(TestDevice.ID))
            .validation(data)
            .earlyStopping(EarlyStopping.on(Metric.VAL_F1, 1000))
            .batchSize(1)
            .epochs(20)
            .checkpoints(Checkpoints.in(folder, 799));
    History whole = run.fit();
    Path file = folder.resolve("checkpoint-1-799.safetensors");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertTrue(bytes.getLong(0) < 2000, bytes.getLong(0) + " bytes of header");
    int weights = (SmallTask.FEATURES + 1) * classes * Float.BYTES;
    assertTrue(bytes.limit() < 2 * weights + 50_000, bytes.limit() + " bytes");
    History resumed = run.resume(Checkpoints.newest(folder)).fit();
    assertArrayEquals(whole.stepLosses(), resumed.stepLosses());
    for (int epoch = 0; epoch < 20; epoch++) {
      Confusion expected = whole.epochs().get(epoch).confusion().orElseThrow();
      Confusion actual = resumed.epochs().get(epoch).confusion().orElseThrow();
      for (int i = 0; i < classes * classes; i++) {
        assertEquals(
            expected.count(i / classes, i % classes), actual.count(i / classes, i % classes));
      }
    }
  }

  @Test
  void aLogGrowsUpToTheLargestArrayAndNoFurther() {
    assertEquals(2048, StepLog.capacityAfter(1024));
    assertEquals(Integer.MAX_VALUE - 8, StepLog.capacityAfter(1 << 30));
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class, () -> StepLog.capacityAfter(Integer.MAX_VALUE - 8));
    assertTrue(e.getMessage().contains("at most 2147483639 steps"), e.getMessage());
  }
}
