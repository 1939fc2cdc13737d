package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void theBytesAreThoseOfTheFormat() throws IOException {
    Path file = folder.resolve("two.safetensors");
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("w", new Safetensors.Entry(Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, -0.5f}));
    tensors.put("b\"\n", new Safetensors.Entry(Shape.of(1), new float[] {Float.MIN_VALUE}));
    Safetensors.write(file, tensors, Map.of("note", "a\\b"));

    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(bytes.getLong());
    assertEquals(0, length % 8);
    byte[] header = new byte[length];
    bytes.get(header);
    String text = new String(header, StandardCharsets.UTF_8).stripTrailing();
    Matcher checksum = Pattern.compile("halfstep-sha256:([0-9a-f]{64})").matcher(text);
    assertTrue(checksum.find(), text);
    assertEquals(
        "{\"__metadata__\":{\"halfstep.checksum\":\""
            + checksum.group()
            + "\",\"format\":\"pt\",\"note\":\"a\\\\b\"},"
            + "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
            + "\"b\\\"\\u000a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[24,28]}}",
        text);
    byte[] zeroed = bytes.array().clone();
    Arrays.fill(zeroed, 8 + checksum.start(1), 8 + checksum.end(1), (byte) '0');
    assertEquals(sha256(zeroed), checksum.group(1));
    float[] values = new float[7];
    bytes.asFloatBuffer().get(values);
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, -0.5f, Float.MIN_VALUE}, values);
    assertEquals(8 + length + 28, bytes.limit());
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    Path file = folder.resolve("file");
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("ü \"\\\n\u0001", new Safetensors.Entry(Shape.of(2, 0), new float[0]));
    tensors.put("scalar", new Safetensors.Entry(Shape.of(), new float[] {-0f}));
    float[] large = new float[100_003];
    for (int i = 0; i < large.length; i++) {
      large[i] = Float.intBitsToFloat(i * 40_503);
    }
    tensors.put("", new Safetensors.Entry(Shape.of(large.length, 1), large));
    Map<String, String> metadata = Map.of("note", "\t\"", "", "", "𝄞", "𝄞");
    Safetensors.write(file, tensors, metadata);

    Safetensors.Contents contents = Safetensors.read(file);
    assertEquals(file, contents.file());
    Map<String, String> expected = new HashMap<>(metadata);
    expected.put("format", "pt");
    assertEquals(expected, contents.metadata());
    assertEquals(List.copyOf(tensors.keySet()), List.copyOf(contents.tensors().keySet()));
    tensors.forEach(
        (name, tensor) -> {
          Safetensors.Entry read = contents.tensors().get(name);
          assertEquals("F32", read.type());
          assertEquals(tensor.shape(), read.shape());
          assertArrayEquals(tensor.values(), read.values());
        });
  }

  @Test
  void tensorsLargerThanTheBufferAreWritten() throws IOException {
    float[] values = new float[100_003];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    Path file = folder.resolve("large");
    Safetensors.write(
        file, Map.of("w", new Safetensors.Entry(Shape.of(values.length), values)), Map.of());
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(8 + Math.toIntExact(bytes.getLong(0)));
    float[] read = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(read);
    assertArrayEquals(values, read);
  }

  @Test
  void aShapeThatDoesNotFitIsRefused() {
    Shape shape = Shape.of(2, 2);
    assertThrows(IllegalArgumentException.class, () -> new Safetensors.Entry(shape, new float[3]));
  }

  @Test
  void aWriteThatFailsLeavesWhatStoodAndNothingElse() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "stood");
    IOException full =
        assertThrows(
            IOException.class,
            () ->
                AtomicFile.write(
                    file,
                    out -> {
                      out.write(new byte[] {1, 2, 3});
                      throw new IOException("No space left on device");
                    }));
    assertEquals(file + ": cannot be written: No space left on device", full.getMessage());
    assertEquals("stood", Files.readString(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void aFileIsReplacedAndALinkToItStaysALink() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "a longer text than the new one");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    AtomicFile.write(link, out -> out.write('x'));
    assertEquals("x", Files.readString(file));
    assertTrue(Files.isSymbolicLink(link));
  }

  @Test
  void whatIsNoRegularFileIsWrittenToAsItIs() {
    Path full = Path.of("/dev/full");
    IOException e =
        assertThrows(IOException.class, () -> AtomicFile.write(full, out -> out.write(1)));
    assertEquals("/dev/full: cannot be written: No space left on device", e.getMessage());
    assertTrue(Files.exists(full) && !Files.isRegularFile(full));
  }
}
