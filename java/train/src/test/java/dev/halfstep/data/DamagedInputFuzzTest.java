package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Fuzz;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A damaged file is either read, or refused with a message that names it. */
final class DamagedInputFuzzTest {
  private static final double SHARE = 0.2;

  @TempDir Path folder;

  private Path written(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("file"), bytes);
  }

  private static boolean isRefusal(Path file, IOException e) {
    String message = String.valueOf(e.getMessage());
    boolean ours = e instanceof DataException || e instanceof ModelFileException;
    if (!ours || !message.startsWith(file.toString())) {
      throw new AssertionError("no refusal that names the file", e);
    }
    return true;
  }

  @Test
  void safetensorsOfAnotherWriter() throws IOException {
    byte[] bytes;
    try (InputStream in = Model.class.getResourceAsStream("by-python.safetensors")) {
      bytes = Objects.requireNonNull(in).readAllBytes();
    }
    assertFalse(safetensors(bytes));
    Fuzz.run("safetensors", SHARE, random -> safetensors(Fuzz.damaged(bytes, random)));
  }

  @Test
  void safetensorsWithAnyHeader() throws IOException {
    String header =
        "{\"__metadata__\":{\"a\":\"b\\u00e4\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],"
            + "\"data_offsets\":[0,24]},\"i\":{\"dtype\":\"U8\",\"shape\":[4],"
            + "\"data_offsets\":[24,28]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    assertFalse(safetensors(withHeader(text)));
    Fuzz.run(
        "safetensors header", SHARE, random -> safetensors(withHeader(Fuzz.damaged(text, random))));
  }

  private static byte[] withHeader(byte[] header) {
    ByteBuffer file = ByteBuffer.allocate(8 + header.length + 28);
    return file.order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header).array();
  }

  private boolean safetensors(byte[] bytes) throws IOException {
    Path file = written(bytes);
    Safetensors.Contents contents;
    try {
      contents = Safetensors.read(file);
    } catch (IOException e) {
      return isRefusal(file, e);
    }
    try {
      Model.of(Shape.of(3), new Linear(2)).initialize(1).load(contents);
    } catch (IOException e) {
      isRefusal(file, e);
    }
    return false;
  }

  @Test
  void idx() throws IOException {
    byte[] plain = IdxFiles.concat(IdxFiles.header(0x08, 5, 3, 4), new byte[60]);
    byte[][] files = {plain, IdxFiles.gzip(plain)};
    Fuzz.run(
        "IDX",
        SHARE,
        random -> {
          Path file = written(Fuzz.damaged(files[random.nextInt(2)], random));
          try {
            Idx.read(file);
            return false;
          } catch (IOException e) {
            return isRefusal(file, e);
          }
        });
  }

  @Test
  void csv() throws IOException {
    StringBuilder text = new StringBuilder("a,\"b \"\"x\"\"\",class\n");
    for (int i = 0; i < 12; i++) {
      text.append(i * 0.5).append(",-1e").append(i).append(i % 2 == 0 ? ",left\r\n" : ",right\n");
    }
    byte[] plain = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[][] files = {plain, IdxFiles.gzip(plain)};
    Fuzz.run(
        "CSV",
        2 * SHARE,
        random -> {
          Path file = written(Fuzz.damaged(files[random.nextInt(8) / 7], random));
          try {
            csv(file, random);
            return false;
          } catch (IOException e) {
            return isRefusal(file, e);
          }
        });
  }

  private static void csv(Path file, Random random) throws IOException {
    Csv csv = Csv.file(file).withValidationFraction(0.1);
    csv = random.nextBoolean() ? csv.withLabel("class") : csv;
    csv = random.nextBoolean() ? csv.withMissing(Csv.Missing.MEDIAN) : csv;
    (random.nextBoolean() ? csv.withHeader(random.nextBoolean()) : csv).load();
  }
}
