package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class DatasetTest {
  private static final float[][] X = {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}};
  private static final Dataset FIVE =
      ArrayDataset.of("five", Features.of(X), Labels.of(new int[] {0, 1, 2, 1, 0}, 3));

  @Test
  void arraysBecomeOneDirectNativeBuffer() {
    ByteBuffer features = ArrayDataset.copyOf(FIVE).features().buffer();
    assertTrue(features.isDirect() && features.isReadOnly());
    assertEquals(ByteOrder.nativeOrder(), features.order());
    assertEquals(0, features.position());
    assertEquals(5 * 2 * 4, features.remaining());
    for (int i = 0; i < 10; i++) {
      assertEquals(i, features.getFloat(4 * i));
    }
    ByteBuffer labels = ArrayDataset.copyOf(FIVE).targets().buffer();
    assertTrue(labels.isDirect());
    assertEquals(ByteOrder.nativeOrder(), labels.order());
    assertEquals(2, labels.getInt(8));
    assertEquals(5, FIVE.size());
    assertEquals(3, FIVE.classes());
    assertEquals(2, FIVE.label(2));
    assertEquals(Shape.of(2), FIVE.sampleShape());
    assertEquals("five: 5 samples, F32 [2], 3 classes", FIVE.toString());
  }

  @Test
  void slicesOfSlicesHoldTheSamplesThatTheyName() {
    Dataset middle = FIVE.slice(1, 5).slice(1, 3);
    assertEquals(2, middle.size());
    assertEquals(4, ArrayDataset.copyOf(middle).features().buffer().getFloat(0));
    assertEquals(7, ArrayDataset.copyOf(middle).features().buffer().getFloat(12));
    assertEquals(16, ArrayDataset.copyOf(middle).features().buffer().remaining());
    assertEquals(2, middle.label(0));
    assertEquals(1, middle.label(1));
    assertThrows(IndexOutOfBoundsException.class, () -> middle.label(2));
    assertThrows(IndexOutOfBoundsException.class, () -> middle.label(-1));
  }

  @Test
  void slicesShareTheMemory() {
    ByteBuffer memory = ByteBuffer.allocateDirect(6);
    Features features = Features.adopt(memory, DType.U8, Shape.of(2));
    Features last = features.slice(2, 3);
    memory.put(5, (byte) 200);
    assertEquals((byte) 200, last.buffer().get(1));
  }

  @Test
  void adoptedBuffersAreTakenFromPositionToLimit() {
    ByteBuffer memory = ByteBuffer.allocateDirect(40).order(ByteOrder.nativeOrder());
    memory.putFloat(16, 3.5f).position(16).limit(32);
    Features features = Features.adopt(memory, DType.F32, Shape.of(2));
    assertEquals(2, features.size());
    assertEquals(3.5f, features.buffer().getFloat(0));
    assertEquals(16, memory.position());
  }

  @Test
  void buffersThatKernelsCannotReadAreRefused() {
    refused("heap buffer", () -> Features.adopt(ByteBuffer.allocate(8), DType.U8, Shape.of(2)));
    ByteOrder foreign =
        ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
            ? ByteOrder.LITTLE_ENDIAN
            : ByteOrder.BIG_ENDIAN;
    ByteBuffer swapped = ByteBuffer.allocateDirect(8).order(foreign);
    refused("byte order " + foreign, () -> Features.adopt(swapped, DType.F32, Shape.of(2)));
    ByteBuffer seven = ByteBuffer.allocateDirect(7);
    refused("7 bytes", () -> Features.adopt(seven, DType.U8, Shape.of(2)));
    refused("0 bytes", () -> Features.adopt(ByteBuffer.allocateDirect(0), DType.U8, Shape.of(2)));
    refused("not F64", () -> Features.adopt(seven, DType.F64, Shape.of(2)));
    refused("no elements", () -> Features.of(new float[2], Shape.of(3, 0)));
    refused("2 GiB", () -> Features.of(new float[2], Shape.of(1 << 20, 1 << 20)));
  }

  @Test
  void raggedAndMissingRowsAreRefused() {
    refused("sample 1: 1, but sample 0 has 2", () -> Features.of(new float[][] {{1, 2}, {3}}));
    refused("sample 1: 3, but sample 0 has 2", () -> Values.of(new float[][] {{1, 2}, {3, 4, 5}}));
    refused("", () -> Features.of(new float[0][]));
    refused("", () -> Values.of(new float[0][]));
    refused("", () -> Labels.of(new int[0], 2));
  }

  @Test
  void labelsOutsideTheClassesAreRefusedBySampleAndRange() {
    refused("label 3 of sample 2 is outside [0, 3)", () -> Labels.of(new int[] {0, 1, 3}, 3));
    refused("label -1 of sample 1 is outside", () -> Labels.of(new int[] {0, -1, 3}, 3));
    int[] tokens = {0, 1, 2, -100, 9, 0};
    refused(
        "label -100 of sample 1, position 1 is outside [0, 3)",
        () -> Labels.of(tokens, Shape.of(2), 3, OptionalInt.empty()));
    refused(
        "label 9 of sample 2, position 0 is outside [0, 3) and not the ignore index -100",
        () -> Labels.of(tokens, Shape.of(2), 3, OptionalInt.of(-100)));
    refused("at least 2 classes", () -> Labels.of(new int[] {0}, 1));
    refused("whole number", () -> Labels.of(tokens, Shape.of(4), 10, OptionalInt.of(-100)));
  }

  @Test
  void theDeclaredIgnoreIndexIsKept() {
    int[] tokens = {0, 1, 2, -100};
    Labels labels = Labels.of(tokens, Shape.of(2), 3, OptionalInt.of(-100));
    assertEquals(2, labels.size());
    assertEquals(-100, labels.slice(1, 2).get(1));
    assertEquals(OptionalInt.of(-100), labels.slice(1, 2).ignoreIndex());
    Dataset data = ArrayDataset.of("text", Features.of(tokens, Shape.of(2)), labels);
    assertThrows(IllegalStateException.class, () -> data.label(0));
  }

  @Test
  void classNamesBelongToTheClasses() {
    Labels labels = Labels.of(new int[] {1, 0}, 2).withNames(List.of("cat", "dog"));
    assertEquals(List.of("cat", "dog"), labels.slice(0, 1).names());
    refused("1 names for 2 classes", () -> labels.withNames(List.of("cat")));
  }

  @Test
  void valuesAreTargetsWithoutClasses() {
    Dataset data =
        ArrayDataset.of(
            "line", Features.of(X), Values.of(new float[] {1, 2, 3, 4, 5}, Shape.of(1)));
    assertEquals(0, data.classes());
    assertEquals(DType.F32, ArrayDataset.copyOf(data).targets().type());
    assertEquals(4, ArrayDataset.copyOf(data.slice(3, 5)).targets().buffer().getFloat(0));
    assertEquals("line: 5 samples, F32 [2], values [1]", data.toString());
    assertThrows(IllegalStateException.class, () -> data.label(0));
  }

  @Test
  void theLastPartIsHeldOut() {
    Split split = FIVE.splitLast(0.4);
    assertEquals(3, split.train().size());
    assertEquals(2, split.heldOut().size());
    assertEquals(6, ArrayDataset.copyOf(split.heldOut()).features().buffer().getFloat(0));
    assertEquals(1, FIVE.splitLast(0.01).heldOut().size());
    assertEquals(1, FIVE.splitLast(0.99).train().size());
    assertEquals(800, Split.heldOut(8000, 0.1));
    for (double fraction : new double[] {0, 1, -0.5, 1.5, Double.NaN}) {
      refused("between 0 and 1: " + fraction, () -> FIVE.splitLast(fraction));
    }
    refused("at least 2 samples", () -> FIVE.slice(0, 1).splitLast(0.5));
  }

  /**
   * Data with these numbers of samples per class, sorted by class; each feature is the sample's
   * number.
   */
  private static Dataset sorted(int... sizes) {
    int samples = Arrays.stream(sizes).sum();
    float[] x = new float[samples];
    int[] labels = new int[samples];
    int at = 0;
    for (int label = 0; label < sizes.length; label++) {
      for (int i = 0; i < sizes[label]; i++, at++) {
        x[at] = at;
        labels[at] = label;
      }
    }
    return ArrayDataset.of("sorted", Features.of(x, Shape.of(1)), Labels.of(labels, sizes.length));
  }

  private static int[] counts(Dataset data) {
    int[] counts = new int[data.classes()];
    for (int i = 0; i < data.size(); i++) {
      counts[data.label(i)]++;
    }
    return counts;
  }

  /** The numbers of the samples of these parts, in order. */
  private static int[] numbers(Dataset... parts) {
    return Arrays.stream(parts)
        .flatMapToInt(
            part ->
                IntStream.range(0, part.size())
                    .map(i -> (int) ArrayDataset.copyOf(part).features().buffer().getFloat(4 * i)))
        .toArray();
  }

  @Test
  void aSplitIsDrawnFromEachClassInItsShare() {
    Dataset data = sorted(500, 300, 200);
    Split split = data.split(0.1, 7);
    assertArrayEquals(new int[] {50, 30, 20}, counts(split.heldOut()));
    assertArrayEquals(new int[] {450, 270, 180}, counts(split.train()));
    int[] all = numbers(split.train(), split.heldOut());
    for (int i = 0; i < split.train().size(); i++) {
      assertEquals(data.label(all[i]), split.train().label(i)); // features and labels go together
    }
    Arrays.sort(all);
    assertArrayEquals(IntStream.range(0, 1000).toArray(), all);
    // The draw is random: the samples are neither the first nor the last of a class, nor sorted.
    int[] held = numbers(split.heldOut());
    assertTrue(Arrays.stream(held).filter(i -> i < 250).count() > 10, Arrays.toString(held));
    assertTrue(Arrays.stream(held).filter(i -> i >= 250 && i < 500).count() > 10);
    assertFalse(Arrays.equals(held, Arrays.stream(held).sorted().toArray()));
  }

  @Test
  void aSplitIsAFunctionOfSeedAndData() {
    Dataset data = sorted(50, 30, 20);
    int[] once = numbers(data.split(0.2, 1).heldOut());
    assertArrayEquals(once, numbers(data.split(0.2, 1).heldOut()));
    assertArrayEquals(once, numbers(sorted(50, 30, 20).withName("other").split(0.2, 1).heldOut()));
    assertFalse(Arrays.equals(once, numbers(data.split(0.2, 2).heldOut())));
    // The same on every machine and in every version: a resumed run must find its parts again.
    assertArrayEquals(new int[] {3, 9, 2}, numbers(sorted(6, 4).split(0.3, 0).heldOut()));
  }

  @Test
  void smallClassesKeepOneSampleToTrainOn() {
    assertArrayEquals(new int[] {2, 0}, counts(sorted(19, 1).split(0.1, 3).heldOut()));
    assertArrayEquals(new int[] {8, 8}, counts(sorted(9, 9).split(0.9, 3).heldOut()));
    assertArrayEquals(new int[] {7, 1, 0}, counts(sorted(8, 2, 1).split(0.9, 3).heldOut()));
    // The rest goes to the largest remainders: the shares are 1.5, 1.5 and 3.
    assertArrayEquals(new int[] {2, 1, 3}, counts(sorted(5, 5, 10).split(0.3, 3).heldOut()));
    Split single = sorted(1, 1, 1, 1).split(0.5, 3);
    assertEquals(3, single.train().size());
    assertEquals(1, single.heldOut().size());
    int[] many = new int[20_000];
    Arrays.fill(many, 2);
    assertEquals(4000, sorted(many).split(0.1, 0).heldOut().size());
  }

  @Test
  void valuesAndLabelsOfPositionsAreDrawnFromAll() {
    float[] x = new float[100];
    for (int i = 0; i < 100; i++) {
      x[i] = i;
    }
    Dataset line = ArrayDataset.of("line", Features.of(x, Shape.of(1)), Values.of(x, Shape.of(1)));
    Split split = line.split(0.25, 5);
    assertEquals(25, split.heldOut().size());
    int[] held = numbers(split.heldOut());
    assertEquals(held[3], ArrayDataset.copyOf(split.heldOut()).targets().buffer().getFloat(12));
    assertTrue(Arrays.stream(held).filter(i -> i < 50).count() > 5, Arrays.toString(held));
    Labels tokens = Labels.of(new int[200], Shape.of(2), 3, OptionalInt.empty());
    Dataset text = ArrayDataset.of("text", Features.of(x, Shape.of(1)), tokens);
    assertArrayEquals(held, numbers(text.split(0.25, 5).heldOut()));
    refused("between 0 and 1: 1.0", () -> line.split(1, 0));
    refused("at least 2 samples", () -> line.slice(0, 1).split(0.5, 0));
  }

  @Test
  void subsetsHoldTheSamplesThatTheyName() {
    Dataset part = FIVE.slice(1, 5).subset(3, 0, 3);
    assertEquals(3, part.size());
    assertEquals(8, ArrayDataset.copyOf(part).features().buffer().getFloat(0));
    assertEquals(3, ArrayDataset.copyOf(part).features().buffer().getFloat(12));
    assertEquals(0, part.label(0));
    assertEquals(1, part.label(1));
    assertEquals(0, part.label(2));
    Normalization half = Normalization.of(new double[1], new double[] {2});
    Labels named = Labels.of(new int[] {1, 0, 1}, 2).withNames(List.of("cat", "dog"));
    Dataset bytes =
        ArrayDataset.of(
            "bytes", Features.of(new byte[] {1, 2, 3}, Shape.of(1)).withNormalization(half), named);
    assertEquals(half, ArrayDataset.copyOf(bytes.subset(2)).features().normalization());
    assertEquals(
        List.of("cat", "dog"), ((Labels) ArrayDataset.copyOf(bytes.subset(2)).targets()).names());
    assertEquals(3, ArrayDataset.copyOf(bytes.subset(2)).features().buffer().get(0));
    refused("no sample 5 among 5: give indices from 0 to 4", () -> FIVE.subset(0, 5));
    refused("no sample -1 among 5", () -> FIVE.subset(-1));
    refused("at least one", () -> FIVE.subset());
  }

  @Test
  void partsThatOneModelCannotTakeAreNoSplit() {
    Labels labels = Labels.of(new int[] {0, 1}, 3);
    Dataset same = ArrayDataset.of("same", Features.of(new float[4], Shape.of(2)), labels);
    assertSame(same, new Split(FIVE, same).heldOut());
    Dataset wider = ArrayDataset.of("wider", Features.of(new float[6], Shape.of(3)), labels);
    refused("wider", () -> new Split(FIVE, wider));
    Dataset bytes = ArrayDataset.of("bytes", Features.of(new byte[4], Shape.of(2)), labels);
    refused("bytes", () -> new Split(FIVE, bytes));
    Dataset fewer =
        ArrayDataset.of(
            "fewer", ArrayDataset.copyOf(same).features(), Labels.of(new int[] {0, 1}, 2));
    refused("fewer", () -> new Split(FIVE, fewer));
  }

  @Test
  void sliceBoundsAndSampleCountsAreChecked() {
    int[][] ranges = {{-1, 2}, {2, 2}, {3, 2}, {0, 6}};
    for (int[] range : ranges) {
      String message = "no samples " + range[0] + " up to " + range[1] + " among 5";
      refused(message, () -> FIVE.slice(range[0], range[1]));
      refused(message, () -> ArrayDataset.copyOf(FIVE).features().slice(range[0], range[1]));
      refused(message, () -> ArrayDataset.copyOf(FIVE).targets().slice(range[0], range[1]));
    }
    refused(
        "six: features of 5 samples, but targets of 6",
        () -> ArrayDataset.of("six", Features.of(X), Labels.of(new int[6], 2)));
  }

  @Test
  void normalizationFitsTheChannels() {
    Normalization two = Normalization.of(new double[] {1, -4}, new double[] {2, 0.5});
    Features features = Features.of(X).withNormalization(two);
    assertEquals(two, features.slice(1, 2).normalization());
    assertEquals(1.5, two.apply(4, 0));
    assertEquals(16, two.apply(4, 1));
    for (int channel = 0; channel < 2; channel++) {
      assertEquals(two.apply(4, channel), 4 * two.scale()[channel] + two.shift()[channel], 1e-6);
    }
    Normalization pixels = Normalization.ofUnitPixels(0.1307, 0.3081);
    assertEquals((1 - 0.1307) / 0.3081, pixels.apply(255, 0), 1e-12);
    Normalization three = Normalization.of(new double[3], new double[] {1, 1, 1});
    refused("3 channels does not fit", () -> features.withNormalization(three));
    refused("tokens", () -> Features.of(new int[2], Shape.of(2)).withNormalization(two));
    refused("1 and 2", () -> Normalization.of(new double[1], new double[2]));
    refused("positive", () -> Normalization.of(new double[1], new double[1]));
    refused("mean NaN", () -> Normalization.of(new double[] {Double.NaN}, new double[] {1}));
  }

  private static void refused(String part, Executable call) {
    String message =
        String.valueOf(assertThrows(IllegalArgumentException.class, call).getMessage());
    assertTrue(message.contains(part), message);
  }
}
