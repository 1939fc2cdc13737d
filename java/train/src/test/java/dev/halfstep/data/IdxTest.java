package dev.halfstep.data;

import static dev.halfstep.data.IdxFiles.concat;
import static dev.halfstep.data.IdxFiles.gzip;
import static dev.halfstep.data.IdxFiles.header;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.util.List;
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
  void smallIntegersAreWidenedAndDoublesRounded() throws IOException {
    Idx.Contents bytes = Idx.read(write("i8", concat(header(0x09, 3), new byte[] {-128, 0, 127})));
    assertEquals(DType.I32, bytes.type());
    assertEquals(-128, bytes.values().getInt(0));
    assertEquals(127, bytes.values().getInt(8));
    byte[] pair = ByteBuffer.allocate(4).putShort((short) -32768).putShort((short) 258).array();
    Idx.Contents shorts = Idx.read(write("i16", gzip(concat(header(0x0B, 2), pair))));
    assertEquals(DType.I32, shorts.type());
    assertEquals(-32768, shorts.values().getInt(0));
    assertEquals(258, shorts.values().getInt(4));
    byte[] numbers = ByteBuffer.allocate(16).putDouble(0.1).putDouble(-3e38).array();
    Idx.Contents doubles = Idx.read(write("f64", concat(header(0x0E, 2), numbers)));
    assertEquals(DType.F32, doubles.type());
    assertEquals(0.1f, doubles.values().getFloat(0));
    assertEquals(-3e38f, doubles.values().getFloat(4));
    byte[] large = ByteBuffer.allocate(16).putDouble(1).putDouble(1e39).array();
    refused("value 1 is 1.0E39", write("large", concat(header(0x0E, 2), large)));
  }

  @Test
  void valuesOfManyPiecesAreAllRead() throws IOException {
    int count = 3_000_001;
    byte[] values = new byte[2 * count];
    ByteBuffer.wrap(values).putShort(2 * (count - 1), (short) -5).putShort(1 << 20, (short) 77);
    Idx.Contents contents = Idx.read(write("many", gzip(concat(header(0x0B, count), values))));
    assertEquals(4 * count, contents.values().remaining());
    assertEquals(-5, contents.values().getInt(4 * (count - 1)));
    assertEquals(77, contents.values().getInt(4 * (1 << 19)));
  }

  @Test
  void samplesOfAnyTypeAndRankBecomeFeatures() throws IOException {
    byte[] shorts = ByteBuffer.allocate(8).putShort((short) -300).array();
    Features table = Idx.features(write("table", concat(header(0x0B, 2, 2), shorts)));
    assertEquals(DType.F32, table.type());
    assertEquals(Shape.of(2), table.sampleShape());
    assertEquals(-300f, table.buffer().getFloat(0));
    Features color = Idx.features(write("color", concat(header(0x08, 1, 2, 1, 3), new byte[6])));
    assertEquals(Shape.of(2, 1, 3), color.sampleShape());
    assertEquals(DType.U8, color.type());
    byte[] nan = ByteBuffer.allocate(16).putFloat(8, Float.NaN).array();
    refusedSamples("sample 1 holds NaN", write("nan", concat(header(0x0D, 2, 2), nan)));
    refusedSamples("expected samples", write("flat", concat(header(0x08, 2), new byte[2])));
  }

  private static void refusedSamples(String part, Path file) {
    String message =
        String.valueOf(assertThrows(DataException.class, () -> Idx.features(file)).getMessage());
    assertTrue(message.startsWith(file + ": ") && message.contains(part), message);
  }

  @Test
  void emnistImagesAreTurnedUpright() throws IOException {
    byte[] image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    byte[] file = concat(header(0x08, 1, 3, 3), image);
    Features upright = Idx.features(write("emnist-digits-test-images-idx3-ubyte", file));
    byte[] turned = new byte[9];
    upright.buffer().get(turned);
    assertArrayEquals(new byte[] {1, 4, 7, 2, 5, 8, 3, 6, 9}, turned);
    Idx.features(write("t10k-images-idx3-ubyte", file)).buffer().get(turned);
    assertArrayEquals(image, turned);
    byte[] ints = ByteBuffer.allocate(16).putInt(1).putInt(2).putInt(3).putInt(4).array();
    Features wide = Idx.features(write("emnist-a-images", concat(header(0x0C, 1, 2, 2), ints)));
    assertEquals(3f, wide.buffer().getFloat(4));
  }

  @Test
  void classesAreTheLabelsThatOccur() throws IOException {
    byte[] values = ByteBuffer.allocate(40).putFloat(4).putFloat(0).array();
    Path images = write("x", concat(header(0x0D, 10, 1), values));
    byte[] answers = {7, 3, 7, 3, 7, 3, 7, 3, 7, 3};
    Path labels = write("y", concat(header(0x08, 10), answers));
    Split split = Idx.load(images, labels);
    assertEquals(8, split.train().size());
    assertEquals(2, split.heldOut().size());
    Labels targets = (Labels) ArrayDataset.copyOf(split.train()).targets();
    assertEquals(List.of("3", "7"), targets.names());
    Features features = ArrayDataset.copyOf(split.train()).features();
    double mean = 0;
    for (float x : split.train().toFloats(0, 8)) {
      mean += x / 8;
    }
    assertEquals(0, mean, 1e-6); // standardised over the training part
    assertEquals(
        features.normalization(), ArrayDataset.copyOf(split.heldOut()).features().normalization());

    Path testImages = write("tx", concat(header(0x0D, 2, 1), new byte[8]));
    byte[] wide = ByteBuffer.allocate(4).putShort((short) 9).putShort((short) 3).array();
    Path testLabels = write("ty", concat(header(0x0B, 2), wide));
    Split four = Idx.load(images, labels, testImages, testLabels);
    assertEquals(10, four.train().size());
    assertEquals(3, four.train().classes());
    assertEquals(2, four.heldOut().label(0));
    Path other = write("other", concat(header(0x0D, 2, 2), new byte[16]));
    refusedLoad("F32 [1], but " + other + " F32 [2]", images, labels, other, testLabels);
    Path same = write("same", concat(header(0x08, 10), new byte[10]));
    refusedLoad("all labels are 0, expected two classes or more", images, same, images, same);
    byte[] ten = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    Path different = write("ten", concat(header(0x08, 10), ten));
    String message =
        String.valueOf(
            assertThrows(DataException.class, () -> Idx.load(images, different)).getMessage());
    assertTrue(message.contains("has 10 different labels for 10 samples"), message);
    byte[] half = ByteBuffer.allocate(40).putFloat(0.5f).array();
    Path halves = write("half", concat(header(0x0D, 10), half));
    refusedLoad("label 0.5 of sample 0 is no whole number", images, halves, images, halves);
  }

  private static void refusedLoad(String part, Path... files) {
    String message =
        String.valueOf(
            assertThrows(
                    DataException.class, () -> Idx.load(files[0], files[1], files[2], files[3]))
                .getMessage());
    assertTrue(message.contains(part), message);
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
    refused("IDX type 0a", write("code", concat(header(0x0A, 1), new byte[8])));
    refused("IDX type 0f", write("code", concat(header(0x0F, 1), new byte[8])));
    refused("is no regular file", Path.of("/dev/zero"));
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
    refused("holds 3 samples, but " + two + " holds 2 labels", images, two);
    refused("expected samples, such as images: [samples, height, width]", two, two);
    refused("expected labels: whole numbers [samples]", images, images);
    Path ten = write("ten", concat(header(0x08, 3), new byte[] {0, 10, 9}));
    refused(ten + ": label 10 of sample 1 is none of the classes 0 to 9", images, ten);
    Path none = write("none", header(0x08, 0, 2, 2));
    refused("holds U8 [0, 2, 2], expected samples", none, write("no-labels", header(0x08, 0)));
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
