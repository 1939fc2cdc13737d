package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Fuzz;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.schedule.BatchSchedule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Checkpoints that were altered and given a correct checksum: they are refused before the first
 * step, or the run continues without harm.
 */
final class CheckpointFuzzTest {
  private static final String COUNTERS = "halfstep.counters";
  private static final String HISTORY = "halfstep.run";

  @TempDir Path folder;
  private Safetensors.Contents good;

  @BeforeEach
  void writeACheckpoint() throws IOException {
    try (Device device = Device.open(TestDevice.ID)) {
      run(device).checkpoints(Checkpoints.in(folder, 5)).fit();
    }
    good = Checkpoints.newest(folder);
  }

  /** A run of 12 updates that changes everything that a checkpoint stores. */
  private static TrainerBuilder run(Device device) {
    SmallTask task = new SmallTask(60);
    return ResumedRun.trainer(SmallTask.model(), Path.of("nowhere"))
        .session(
            options ->
                options.device(device).lossScaling(new LossScaling(1024, 2, 0.5f, 5, 1, 100)))
        .validation(task.data.slice(0, 20))
        .batchSize(30)
        .batchSchedule(BatchSchedule.constant())
        .trace("0.weight", 3)
        .epochs(3)
        .syncEvery(3);
  }

  private boolean resumes(Device device, Safetensors.Contents contents) {
    TrainerBuilder resumed = run(device).resume(contents);
    resumed.checkpoints = Optional.empty();
    Trainer trainer;
    try {
      trainer = resumed.build();
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith(contents.file() + ": "), message);
      return true;
    }
    try {
      trainer.fit();
    } catch (HalfstepException e) {
      // The weights overflow, so too many steps in a row are skipped.
      assertTrue(e.getMessage().contains("were not finite"), e.getMessage());
    }
    return false;
  }

  @Test
  void countersAndHistory() {
    byte[] counters = Base64.getDecoder().decode(good.metadata().get(COUNTERS));
    byte[] history = good.tensors().get(HISTORY).bytes();
    try (Device device = Device.open(TestDevice.ID)) {
      Fuzz.run(
          "signed counters and history",
          0.6,
          random -> {
            Map<String, String> texts = new LinkedHashMap<>(good.metadata());
            Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>(good.tensors());
            if (random.nextBoolean()) {
              byte[] altered = numbers(counters, random);
              texts.put(COUNTERS, Base64.getEncoder().encodeToString(altered));
            } else {
              byte[] altered =
                  random.nextBoolean() ? numbers(history, random) : Fuzz.damaged(history, random);
              tensors.put(HISTORY, new Safetensors.Entry(Shape.of(altered.length), altered));
            }
            Path file = folder.resolve("altered");
            Safetensors.write(file, tensors, texts);
            return resumes(device, Safetensors.read(file));
          });
    }
  }

  /** Writes extreme numbers of 4 or 8 bytes to some positions. */
  private static byte[] numbers(byte[] bytes, Random random) {
    long[] extremes = {
      -1, 0, 1, Long.MAX_VALUE, Long.MIN_VALUE, Integer.MAX_VALUE, 1L << 40, random.nextLong()
    };
    byte[] altered = bytes.clone();
    for (int left = 1 + random.nextInt(2); left > 0; left--) {
      long value = extremes[random.nextInt(extremes.length)];
      ByteBuffer buffer =
          ByteBuffer.wrap(altered)
              .order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
      if (random.nextBoolean()) {
        buffer.putLong(random.nextInt(bytes.length - 7), value);
      } else {
        buffer.putInt(random.nextInt(bytes.length - 3), (int) value);
      }
    }
    return altered;
  }

  @Test
  void anyByteOfTheFile() throws IOException {
    byte[] bytes = Files.readAllBytes(good.file());
    try (Device device = Device.open(TestDevice.ID)) {
      Fuzz.run(
          "signed checkpoints",
          0.4,
          random -> {
            byte[] altered = signed(Fuzz.damaged(bytes, random));
            Path file = Files.write(folder.resolve("altered"), altered);
            Safetensors.Contents contents;
            try {
              contents = Safetensors.read(file);
            } catch (ModelFileException e) {
              return true;
            }
            return resumes(device, contents);
          });
    }
  }

  /** Replaces the checksum by the correct one. */
  private static byte[] signed(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    int at = text.indexOf("halfstep-sha256:");
    int from = at + "halfstep-sha256:".length();
    if (at < 0 || from + 64 > bytes.length) {
      return bytes;
    }
    Arrays.fill(bytes, from, from + 64, (byte) '0');
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      byte[] digits = HexFormat.of().formatHex(digest).getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(digits, 0, bytes, from, 64);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
    return bytes;
  }

  @Test
  void theFuzzerFindsAFaultAndNamesItsSeed() {
    AssertionError e =
        assertThrows(
            AssertionError.class,
            () ->
                Fuzz.run(
                    "itself",
                    0,
                    random -> {
                      throw new IllegalStateException("found");
                    }));
    assertTrue(e.getMessage().contains("-Dhalfstep.fuzz.seed="), e.getMessage());
  }
}
