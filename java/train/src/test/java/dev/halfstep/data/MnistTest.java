package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MnistTest {
  private final Path folder;

  MnistTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @ParameterizedTest
  @CsvSource({"-,''", "-,.gz", "., ''", ".,.gz"})
  void bothStylesOfNamesAreFoundPlainAndCompressed(String separator, String ending)
      throws IOException {
    write("train", separator, ending, 30);
    write("t10k", separator, ending, 20);
    Split split = Mnist.load(folder);
    assertEquals(30, split.train().size());
    assertEquals(20, split.heldOut().size());
    assertEquals(DType.U8, ArrayDataset.copyOf(split.train()).features().type());
    assertEquals(Shape.of(28, 28, 1), split.train().sampleShape());
    assertEquals(29, ArrayDataset.copyOf(split.train()).features().buffer().get(29 * 784 + 5));
    assertEquals(9, split.heldOut().label(19));
    assertEquals(
        Normalization.ofUnitPixels(0.1307, 0.3081),
        ArrayDataset.copyOf(split.train()).features().normalization());
  }

  @Test
  void ofOneKindOfFilesAFifthOfEachClassTests() throws IOException {
    for (String part : new String[] {"t10k", "train"}) {
      Path images = folder.resolve(part + "-images-idx3-ubyte.gz");
      Path labels = folder.resolve(part + "-labels-idx1-ubyte.gz");
      byte[] sorted = new byte[100];
      for (int i = 0; i < 100; i++) {
        sorted[i] = (byte) (i / 10);
      }
      IdxFiles.writeMnist(images, labels, 100);
      IdxFiles.write(labels, IdxFiles.concat(IdxFiles.header(0x08, 100), sorted));
      Split split = Mnist.load(folder);
      assertEquals(80, split.train().size());
      int[] classes = new int[10];
      for (int i = 0; i < 20; i++) {
        int label = split.heldOut().label(i);
        classes[label]++;
        assertEquals(
            label, ArrayDataset.copyOf(split.heldOut()).features().buffer().get(784 * i) / 10);
      }
      assertArrayEquals(new int[] {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, classes);
      assertEquals("mnist train", split.train().name());
      assertEquals("mnist test", split.heldOut().name());
      Files.delete(images);
      Files.delete(labels);
    }
  }

  /** Writes images of 2 x 2 pixels, numbered in the order of the file, and these labels. */
  private void writeSmall(String prefix, String part, byte... labels) throws IOException {
    byte[] pixels = new byte[4 * labels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i % 4 + 1);
    }
    String stem = prefix + part;
    IdxFiles.write(
        folder.resolve(stem + "-images-idx3-ubyte.gz"),
        IdxFiles.concat(IdxFiles.header(0x08, labels.length, 2, 2), pixels));
    IdxFiles.write(
        folder.resolve(stem + "-labels-idx1-ubyte.gz"),
        IdxFiles.concat(IdxFiles.header(0x08, labels.length), labels));
  }

  @Test
  void emnistIsFoundUnderItsNamesUprightAndWithItsClasses() throws IOException {
    writeSmall("emnist-letters-", "train", new byte[] {1, 26, 13});
    writeSmall("emnist-letters-", "test", new byte[] {26});
    Split only = Mnist.load(folder);
    writeSmall("emnist-byclass-", "train", new byte[] {0, 61});
    writeSmall("emnist-byclass-", "test", new byte[] {10});
    refused(
        "holds several data sets, [emnist-byclass-, emnist-letters-]; name one of them, such as "
            + folder.resolve("emnist-byclass"),
        folder);
    for (Split letters : List.of(only, Mnist.load(folder.resolve("emnist-letters")))) {
      assertEquals(26, letters.train().classes());
      assertEquals(0, letters.train().label(0));
      assertEquals(25, letters.train().label(1));
      assertEquals(25, letters.heldOut().label(0));
      Labels labels = (Labels) ArrayDataset.copyOf(letters.heldOut()).targets();
      assertEquals(List.of("1", "26"), List.of(labels.names().get(0), labels.names().get(25)));
      ByteBuffer pixels = ArrayDataset.copyOf(letters.train()).features().buffer();
      assertArrayEquals(
          new int[] {1, 3, 2, 4, 1, 3}, IntStream.range(0, 6).map(pixels::get).toArray());
      assertEquals("emnist-letters train", letters.train().name());
    }
    assertEquals(62, Mnist.load(folder.resolve("emnist-byclass")).heldOut().classes());
    refused("there is no such folder", folder.resolve("emnist-digits"));
    writeSmall("emnist-letters-", "test", new byte[] {0});
    refusedAnywhere("label 0 of sample 0 is none of the classes 1 to 26", "emnist-letters");
    // MNIST's own names are found in the same folder.
    write("train", "-", "", 30);
    write("t10k", "-", "", 20);
    assertEquals(10, Mnist.load(folder).train().classes());
  }

  private void refusedAnywhere(String part, String name) {
    String message =
        String.valueOf(
            assertThrows(DataException.class, () -> Mnist.load(folder.resolve(name))).getMessage());
    assertTrue(message.contains(part), message);
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    refused("there is no such folder", folder.resolve("absent"));
    Path file = Files.writeString(folder.resolve("file"), "");
    refused("is not a folder", file);
    refused("none of [t10k-images-idx3-ubyte, t10k-images.idx3-ubyte, t10k-im", folder);
    write("train", "-", "", 10);
    write("t10k", "-", "", 10);
    Files.delete(folder.resolve("t10k-images-idx3-ubyte"));
    refused("t10k-images", folder);
    write("t10k", "-", "", 10);
    Files.delete(folder.resolve("t10k-labels-idx1-ubyte"));
    refused("t10k-labels", folder);
    write("t10k", "-", "", 10);
    Files.delete(folder.resolve("train-images-idx3-ubyte"));
    refused("train-images", folder);
  }

  @Test
  void trainingAndTestImagesMustBeAlike() throws IOException {
    write("train", "-", "", 10);
    write("t10k", "-", "", 10);
    byte[] small = IdxFiles.concat(IdxFiles.header(0x08, 10, 14, 14), new byte[1960]);
    IdxFiles.write(folder.resolve("t10k-images-idx3-ubyte"), small);
    refused("[28, 28, 1], but the test images are [14, 14, 1]", folder);
  }

  @Test
  void theRealTestImagesTrainOn8000AndTestOn2000() throws IOException {
    Optional<Path> real = sharedData().map(data -> data.resolve("mnist"));
    assumeTrue(
        real.isPresent() && Files.isDirectory(real.get()),
        "skipped: no folder shared/data/mnist; set -Dhalfstep.data=<folder that holds mnist>");
    assumeTrue(
        Stream.of("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz")
            .noneMatch(name -> Files.exists(real.get().resolve(name))),
        "skipped: shared/data/mnist holds the training images too");
    Split split = Mnist.load(real.get());
    assertEquals(8000, split.train().size());
    assertEquals(2000, split.heldOut().size());
    int[] classes = new int[10];
    IntStream.range(0, 2000).forEach(i -> classes[split.heldOut().label(i)]++);
    // One fifth of 980, 1135, 1032, 1010, 982, 892, 958, 1028, 974 and 1009.
    assertArrayEquals(new int[] {196, 227, 206, 202, 196, 178, 192, 206, 195, 202}, classes);
    assertEquals(0.13, meanOfUnitPixels(split.train()), 0.01);
    assertEquals(0.13, meanOfUnitPixels(split.heldOut()), 0.02);
  }

  private static double meanOfUnitPixels(Dataset data) {
    ByteBuffer pixels = ArrayDataset.copyOf(data).features().buffer();
    long sum = 0;
    while (pixels.hasRemaining()) {
      sum += pixels.get() & 0xFF;
    }
    return sum / 255.0 / pixels.capacity();
  }

  /** The folder with real data: the one named by the build, or the nearest shared/data above. */
  private static Optional<Path> sharedData() {
    String given = System.getProperty("halfstep.data");
    if (given != null) {
      return Optional.of(Path.of(given));
    }
    return Stream.iterate(Path.of("").toAbsolutePath(), p -> p != null, Path::getParent)
        .map(parent -> parent.resolve("shared/data"))
        .filter(Files::isDirectory)
        .findFirst();
  }

  private void write(String part, String separator, String ending, int samples) throws IOException {
    IdxFiles.writeMnist(
        folder.resolve(part + "-images" + separator + "idx3-ubyte" + ending),
        folder.resolve(part + "-labels" + separator + "idx1-ubyte" + ending),
        samples);
  }

  private static void refused(String part, Path folder) {
    String message =
        String.valueOf(assertThrows(DataException.class, () -> Mnist.load(folder)).getMessage());
    assertTrue(message.startsWith(folder.toString()) && message.contains(part), message);
  }
}
