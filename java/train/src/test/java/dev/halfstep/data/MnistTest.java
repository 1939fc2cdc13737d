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
    assertEquals(DType.U8, split.train().features().type());
    assertEquals(Shape.of(28, 28, 1), split.train().sampleShape());
    assertEquals(29, split.train().features().buffer().get(29 * 784 + 5));
    assertEquals(9, split.heldOut().label(19));
    assertEquals(
        Normalization.ofUnitPixels(0.1307, 0.3081), split.train().features().normalization());
  }

  @Test
  void testImagesAloneAreCutAtFourFifths() throws IOException {
    write("t10k", "-", ".gz", 20);
    Split split = Mnist.load(folder);
    assertEquals(16, split.train().size());
    assertEquals(4, split.heldOut().size());
    assertEquals(16, split.heldOut().features().buffer().get(0));
    assertEquals("mnist train", split.train().name());
    assertEquals("mnist test", split.heldOut().name());
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    refused("there is no such folder", folder.resolve("absent"));
    Path file = Files.writeString(folder.resolve("file"), "");
    refused("is not a folder", file);
    refused("none of [t10k-images-idx3-ubyte, t10k-images.idx3-ubyte, t10k-im", folder);
    write("train", "-", "", 10);
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
        "skipped: no folder shared/data/mnist; set -Dhalfstep.shared=<folder that holds data>");
    assumeTrue(
        Stream.of("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz")
            .noneMatch(name -> Files.exists(real.get().resolve(name))),
        "skipped: shared/data/mnist holds the training images too");
    Split split = Mnist.load(real.get());
    assertEquals(8000, split.train().size());
    assertEquals(2000, split.heldOut().size());
    int[] first = IntStream.range(0, 10).map(split.train()::label).toArray();
    assertArrayEquals(new int[] {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, first);
    assertEquals(0.13, meanOfUnitPixels(split.train()), 0.01);
    assertEquals(0.13, meanOfUnitPixels(split.heldOut()), 0.02);
  }

  private static double meanOfUnitPixels(Dataset data) {
    ByteBuffer pixels = data.features().buffer();
    long sum = 0;
    while (pixels.hasRemaining()) {
      sum += pixels.get() & 0xFF;
    }
    return sum / 255.0 / pixels.capacity();
  }

  /** The folder with real data: what the build names, or the nearest shared/data above. */
  private static Optional<Path> sharedData() {
    String given = System.getProperty("halfstep.shared");
    if (given != null) {
      return Optional.of(Path.of(given, "data"));
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
