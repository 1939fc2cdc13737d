package dev.halfstep.data;

import static dev.halfstep.data.IdxFiles.concat;
import static dev.halfstep.data.IdxFiles.gzip;
import static dev.halfstep.data.IdxFiles.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxTest {
  private static final byte[] SIX =
      concat(header(0x08, 2, 3), new byte[] {0, 1, 2, 3, 4, (byte) 255});

  private final Path folder;

  IdxTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void bytesAreReadPlainAndCompressedWhateverTheName() throws IOException {
    for (byte[] content : new byte[][] {SIX, gzip(SIX)}) {
      for (String name : new String[] {"data", "data.gz"}) {
        Idx.Contents contents = Idx.read(write(name, content));
        assertEquals(DType.U8, contents.type());
        assertEquals(Shape.of(2, 3), contents.shape());
        assertEquals(6, contents.values().remaining());
        assertEquals((byte) 255, contents.values().get(5));
        assertTrue(contents.values().isDirect());
      }
    }
  }

  @Test
  void intsAndFloatsComeInNativeOrder() throws IOException {
    byte[] ints = ByteBuffer.allocate(8).putInt(-7).putInt(1 << 30).array();
    Idx.Contents contents = Idx.read(write("ints", concat(header(0x0C, 2), ints)));
    assertEquals(DType.I32, contents.type());
    assertEquals(ByteOrder.nativeOrder(), contents.values().order());
    assertEquals(-7, contents.values().getInt(0));
    assertEquals(1 << 30, contents.values().getInt(4));
    byte[] floats = ByteBuffer.allocate(8).putFloat(-0.5f).putFloat(1e30f).array();
    contents = Idx.read(write("floats", gzip(concat(header(0x0D, 2, 1), floats))));
    assertEquals(DType.F32, contents.type());
    assertEquals(-0.5f, contents.values().getFloat(0));
    assertEquals(1e30f, contents.values().getFloat(4));
  }

  @Test
  void missingFilesAndFoldersAreRefused() {
    refused("there is no such file", folder.resolve("absent"));
    refused("is a folder", folder);
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    refused("is not an IDX file, it starts with nothing", write("empty", new byte[0]));
    refused(
        "it starts with 89 50 4e 47", write("png", new byte[] {(byte) 0x89, 'P', 'N', 'G', 13}));
    refused("it starts with 00 00 08;", write("short", new byte[] {0, 0, 8}));
    refused("IDX type 0e", write("doubles", concat(header(0x0E, 1), new byte[8])));
    refused("0 dimensions", write("rank0", header(0x08)));
    refused("255 dimensions", write("rank255", new byte[] {0, 0, 8, -1}));
  }

  @Test
  void truncatedFilesAreRefused() throws IOException {
    for (int length = 4; length < 12; length++) {
      refused("ends within its header", write("header", Arrays.copyOf(SIX, length)));
    }
    refused("is truncated", write("plain", Arrays.copyOf(SIX, SIX.length - 8)));
    refused(
        "ends after 4 of 6 bytes of values; its header says U8 [2, 3]",
        write("values", gzip(Arrays.copyOf(SIX, SIX.length - 2))));
    byte[] compressed = gzip(SIX);
    refused(
        "the gzip data end too early",
        write("gzip", Arrays.copyOf(compressed, compressed.length - 9)));
    refused("gzip", write("gzip-header", Arrays.copyOf(compressed, 5)));
    compressed[compressed.length - 6] ^= 1;
    refused("the gzip data are damaged", write("crc", compressed));
  }

  @Test
  void headersThatClaimTooMuchAreRefusedBeforeMemoryIsTaken() throws IOException {
    refused("cannot hold the U8 [2000000000]", write("plain", header(0x08, 2_000_000_000)));
    refused("cannot hold the U8 [2000000000]", write("gz", gzip(header(0x08, 2_000_000_000))));
    refused("damaged header", write("overflow", header(0x08, -1, -1, -1, -1)));
  }

  @Test
  void bytesAfterTheLastValueAreRefused() throws IOException {
    byte[] longer = Arrays.copyOf(SIX, SIX.length + 1);
    refused("goes on after its last value", write("plain", longer));
    refused("goes on after its last value", write("gz", gzip(longer)));
  }

  @Test
  void imagesAndLabelsMustBelongTogether() throws IOException {
    Path images = write("images", concat(header(0x08, 3, 2, 2), new byte[12]));
    Path two = write("two", concat(header(0x08, 2), new byte[2]));
    refused("holds 3 images, but " + two + " holds 2 labels", images, two);
    refused("expected images: U8 [samples, height, width]", two, two);
    refused("expected labels: U8 or I32 [samples]", images, images);
    Path ten = write("ten", concat(header(0x08, 3), new byte[] {0, 10, 9}));
    refused(ten + ": label 10 of sample 1 is outside [0, 10)", images, ten);
    Path none = write("none", header(0x08, 0, 2, 2));
    refused("holds no pixels", none, write("no-labels", header(0x08, 0)));
    byte[] good = ByteBuffer.allocate(12).putInt(9).putInt(0).putInt(200).array();
    Path ints = write("ints", concat(header(0x0C, 3), good));
    Dataset data = Idx.images("wide", images, ints, 201, Normalization.NONE);
    assertEquals(200, data.label(2));
    assertEquals(Shape.of(2, 2, 1), data.sampleShape());
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static void refused(String part, Path file) {
    String message =
        String.valueOf(assertThrows(DataException.class, () -> Idx.read(file)).getMessage());
    assertTrue(message.startsWith(file + ": ") && message.contains(part), message);
  }

  private static void refused(String part, Path images, Path labels) {
    String message =
        String.valueOf(
            assertThrows(
                    DataException.class,
                    () -> Idx.images("data", images, labels, 10, Normalization.NONE))
                .getMessage());
    assertTrue(message.contains(part), message);
  }
}
