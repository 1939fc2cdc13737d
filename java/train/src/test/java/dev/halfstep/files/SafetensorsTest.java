package dev.halfstep.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
    assertEquals(file + ": No space left on device", full.getMessage());
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
    assertEquals("/dev/full: No space left on device", e.getMessage());
    assertTrue(Files.exists(full) && !Files.isRegularFile(full));
  }

  @Test
  void doublesAndBytesAreWrittenAsSuch() throws IOException {
    Path file = folder.resolve("file");
    double[] doubles = new double[20_001];
    byte[] bytes = new byte[100_003];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (31 * i);
      doubles[i % doubles.length] = 1.0 / (i + 3);
    }
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("bytes", new Safetensors.Entry(Shape.of(bytes.length), bytes));
    tensors.put("doubles", new Safetensors.Entry(Shape.of(3, 6667), doubles));
    Safetensors.write(file, tensors, Map.of());
    Map<String, Safetensors.Entry> read = Safetensors.read(file).tensors();
    assertEquals("U8", read.get("bytes").type());
    assertArrayEquals(bytes, read.get("bytes").bytes());
    assertEquals("F64", read.get("doubles").type());
    assertArrayEquals(doubles, read.get("doubles").doubles());
    assertEquals((float) doubles[7], read.get("doubles").values()[7]);
    assertThrows(IllegalStateException.class, () -> read.get("bytes").values());
    assertThrows(IllegalStateException.class, () -> read.get("bytes").doubles());
  }

  @Test
  void textsBeyondTheFormatsLimitAreRefusedAndWhatStoodStays() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "stood");
    Map<String, String> texts = Map.of("note", "x".repeat(100_000_000));
    IOException e = assertThrows(IOException.class, () -> Safetensors.write(file, Map.of(), texts));
    assertTrue(e.getMessage().contains("the format allows 100000000"), e.getMessage());
    assertEquals("stood", Files.readString(file));
  }

  @Test
  void anInterruptedThreadWritesAndReadsAndStaysInterrupted() throws IOException {
    Path file = folder.resolve("file");
    Thread.currentThread().interrupt();
    Safetensors.write(
        file, Map.of("w", new Safetensors.Entry(Shape.of(2), new float[] {1, 2})), Map.of());
    assertTrue(Thread.currentThread().isInterrupted());
    assertArrayEquals(new float[] {1, 2}, Safetensors.read(file).tensors().get("w").values());
    assertTrue(Thread.interrupted());
  }

  @Test
  void aReplacedFileKeepsItsPermissions() throws IOException {
    Path file = folder.resolve("file");
    AtomicFile.write(file, out -> out.write('x'));
    for (String mode : List.of("rw-------", "rw-rw-r--", "r--r-----")) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      AtomicFile.write(file, out -> out.write('y'));
      assertEquals(mode, PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }
  }

  @Test
  void manyThreadsMayWriteOneFile() throws Exception {
    Path file = folder.resolve("file");
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    for (int t = 0; t < 4; t++) {
      byte[] bytes = new byte[50_000];
      Arrays.fill(bytes, (byte) t);
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 50; i++) {
                  try {
                    AtomicFile.write(file, out -> out.write(bytes));
                  } catch (IOException e) {
                    failures.add(e);
                  }
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failures);
    byte[] whole = Files.readAllBytes(file);
    byte[] expected = new byte[50_000];
    Arrays.fill(expected, whole[0]);
    assertArrayEquals(expected, whole);
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void aLinkWithTheNameOfATemporaryFileIsNotFollowed() throws IOException {
    Path victim = Files.writeString(folder.resolve("victim"), "stays");
    long pid = ProcessHandle.current().pid();
    Files.createSymbolicLink(folder.resolve(".file." + pid), victim);
    AtomicFile.write(folder.resolve("file"), out -> out.write('x'));
    assertEquals("stays", Files.readString(victim));
    assertFalse(Files.isSymbolicLink(folder.resolve("file")));
  }

  @Test
  void aPipeIsNoModelFile() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    ModelFileException e = assertThrows(ModelFileException.class, () -> Safetensors.read(pipe));
    assertTrue(e.getMessage().contains("is no regular file"), e.getMessage());
  }
}
