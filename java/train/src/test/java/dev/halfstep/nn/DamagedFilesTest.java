package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A file that changed since it was written is refused, with the reason. */
final class DamagedFilesTest {
  @TempDir Path folder;

  private static Model model() {
    return Model.of(Shape.of(20), Sequential.of(new Linear(70), new ReLU(), new Linear(10)));
  }

  /** A model file of nearly 10 kB; names and texts contain characters that JSON must escape. */
  private Path written() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Map<String, String> metadata = Map.of("note", "\u001f\"\\ü", "halfstep", "{\"a\":[1, 2]}");
    model().initialize(1).save(file, metadata);
    return file;
  }

  private static String refusal(Path file) {
    ModelFileException refusal =
        assertThrows(ModelFileException.class, () -> Safetensors.read(file));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(file + ": "), message);
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void everyAlteredByteIsRefused() throws IOException {
    Path file = written();
    byte[] bytes = Files.readAllBytes(file);
    assertTrue(bytes.length > 9_000 && bytes.length <= 10_000, "it has " + bytes.length);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < bytes.length; at++) {
        for (int flip : new int[] {0xFF, 0x01, 0x20}) {
          byte altered = (byte) (bytes[at] ^ flip);
          channel.write(ByteBuffer.wrap(new byte[] {altered}), at);
          refusal(file);
        }
        channel.write(ByteBuffer.wrap(bytes, at, 1), at);
      }
    }
    assertArrayEquals(bytes, Files.readAllBytes(file));
    model().load(file);
  }

  @Test
  void everyTruncationAndEveryAppendedByteIsRefused() throws IOException {
    Path file = written();
    byte[] bytes = Files.readAllBytes(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int length = bytes.length - 1; length >= 0; length--) {
        channel.truncate(length);
        String message = refusal(file);
        assertTrue(message.contains("is truncated"), message);
      }
      channel.write(ByteBuffer.wrap(bytes), 0);
      for (int more = 0; more < 256; more++) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) more}), bytes.length);
        refusal(file);
      }
    }
  }

  @Test
  void aForeignHeaderMayBeDamagedInAnyWayWithoutHarm() throws IOException {
    byte[] bytes;
    try (InputStream in = getClass().getResourceAsStream("by-python.safetensors")) {
      bytes = Objects.requireNonNull(in).readAllBytes();
    }
    Path file = Files.write(folder.resolve("foreign"), bytes);
    int header = 8 + (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int refused = 0;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < header; at++) {
        for (int flip : new int[] {0xFF, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80}) {
          byte altered = (byte) (bytes[at] ^ flip);
          channel.write(ByteBuffer.wrap(new byte[] {altered}), at);
          try {
            Safetensors.read(file);
          } catch (ModelFileException e) {
            refused++;
          }
        }
        channel.write(ByteBuffer.wrap(bytes, at, 1), at);
      }
    }
    // Only changes of names, of texts, and between types of one size may stay unnoticed.
    assertTrue(refused > 7 * header, refused + " of " + 9 * header);
  }

  /** Writes a file with this header, where ' stands for ", and {@code dataBytes} bytes of data. */
  private Path withHeader(String header, int dataBytes) throws IOException {
    byte[] text = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    return Files.write(folder.resolve("made"), bytes.array());
  }

  private static String tensor(String name, String shape, long begin, long end) {
    return String.format(
        "'%s':{'dtype':'F32','shape':%s,'data_offsets':[%d,%d]}", name, shape, begin, end);
  }

  @Test
  void aFileMadeByHandIsRead() throws IOException {
    String header = "{ 'd' : {'shape':[ ], 'data_offsets':[4,8],'dtype':'F32'},\n\t%s}\r\n";
    Path file = withHeader(header.formatted(tensor("e", "[1, 1]", 0, 4)), 8);
    assertEquals("[e, d]", Safetensors.read(file).tensors().keySet().toString());
    assertEquals(Map.of(), Safetensors.read(withHeader("{}", 0)).tensors());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                                                  | expected '{'
          []                                                  | expected '{'
          {'a'                                                | expected ':'
          {'a':1}                                             | expected '{'
          {}{}                                                | expected the end
          {'__metadata__':{'a':1}}                            | expected '"'
          {'__metadata__':{'a':'b','a':'b'}}                  | names "a" twice
          {'__metadata__':{},'__metadata__':{}}               | names "__metadata__" twice
          {'__metadata__':{'a':'\\x'}}                        | expected an escape
          {'__metadata__':{'a':'\\u12g4'}}                    | expected a hexadecimal digit
          {'__metadata__':{'a':'\\ud800'}}                    | half a character
          {'a':{}}                                            | lacks dtype, shape
          {'a':{'dtype':'F32','shape':[1]}}                   | lacks dtype, shape
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}} | the two data_offsets of tensor a
          {'a':{'dtype':'F32','shape':[1],'offsets':[0,4]}}   | unknown field offsets in tensor a
          {'a':{'dtype':'F33','shape':[1],'data_offsets':[0,4]}} | tensor a of unknown type F33
          {'a':{'dtype':'F4','shape':[1],'data_offsets':[0,1]}} | impossible size
          {'a':{'dtype':'F32','shape':[01],'data_offsets':[0,4]}} | expected a whole number
          {'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | expected a whole number
          {'a':{'dtype':'F32','shape':[1e0],'data_offsets':[0,4]}} | expected ']'
          {'a':{'dtype':'F32','shape':[9223372036854775808],'data_offsets':[0,4]}} | too large
          """)
  void aHeaderThatIsNotTheFormatsIsRefused(String header, String reason) throws IOException {
    String message = refusal(withHeader(header, 4));
    assertTrue(message.contains(reason), message);
  }

  @Test
  void tensorsThatDoNotLieSideBySideAreRefused() throws IOException {
    String a = tensor("a", "[2]", 0, 8);
    refused("{" + a + "}", 4, "is truncated: its tensors are 8 bytes");
    refused("{" + a + "}", 12, "is damaged: its tensors are 8 bytes");
    refused("{" + a + "," + tensor("b", "[1]", 12, 16) + "}", 16, "begin at byte 12");
    refused("{" + a + "," + tensor("b", "[1]", 4, 8) + "}", 8, "begin at byte 4");
    refused("{" + a + "," + tensor("a", "[1]", 8, 12) + "}", 12, "names \"a\" twice");
    refused("{" + tensor("a", "[2]", 4, 12) + "}", 12, "begin at byte 4");
    refused("{" + tensor("a", "[2]", 0, 4) + "}", 4, "of 8 bytes, lie from 0 to 4");
    refused("{" + tensor("a", "[2]", 8, 0) + "}", 8, "of 8 bytes, lie from 8 to 0");
    String huge = "[4294967296,4294967296]";
    refused("{" + tensor("a", huge, 0, 0) + "}", 0, "impossible size");
    refused("{" + tensor("a", "[2305843009213693952]", 0, 0) + "}", 0, "impossible size");
  }

  private void refused(String header, int dataBytes, String reason) throws IOException {
    String message = refusal(withHeader(header, dataBytes));
    assertTrue(message.contains(reason), message);
  }

  @Test
  void aHeaderLongerThanTheFileIsRefusedWithoutMemoryForIt() throws IOException {
    for (long length : new long[] {3, 1L << 31, 1L << 40, Long.MAX_VALUE, -1}) {
      ByteBuffer bytes = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
      String message = refusal(Files.write(folder.resolve("f"), bytes.putLong(length).array()));
      String claimed = Long.toUnsignedString(length);
      assertTrue(message.contains("a header of " + claimed + " bytes"), message);
    }
    refusal(Files.write(folder.resolve("f"), new byte[0]));
    Path text =
        Files.writeString(folder.resolve("f"), "{\"this\": \"is a text and no such file\"}");
    assertTrue(refusal(text).contains("no safetensors file"), refusal(text));
  }

  @Test
  void aFileThatIsNotThereOrAFolderIsRefused() {
    assertTrue(refusal(folder.resolve("nowhere")).contains("there is no such file"));
    assertTrue(refusal(folder).contains("is a folder"));
  }

  @Test
  void aFileWithoutAChecksumIsReadAndOneWhereItWasMovedIsRefused() throws IOException {
    Path file = written();
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) bytes.getLong()];
    bytes.get(header);
    String text = new String(header, StandardCharsets.UTF_8);
    int data = bytes.remaining();
    String entry = text.substring(text.indexOf("\"halfstep.checksum"), text.indexOf("\"format\""));
    Path without = withHeader(text.replace(entry, ""), data);
    assertEquals(Safetensors.read(file).metadata(), Safetensors.read(without).metadata());
    for (String kept : new String[] {"'halfstep.checksum':'x'", "'x':'halfstep-sha256:0'"}) {
      String moved = "{" + tensor("a", "[1]", 0, 4) + ",'__metadata__':{" + kept + "}}";
      refused(moved, 4, "leave halfstep.checksum out of the metadata");
    }
  }
}
