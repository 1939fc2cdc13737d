package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** User-defined data sets, views of data sets, and samples of several arrays. */
class OwnDatasetTest {
  private static final int SAMPLES = 3000; // of 4 KB each: more than one read takes
  private static final int WIDTH = 1000;

  private final ArrayDataset arrays = arrays();
  private final OwnData own = new OwnData(arrays);

  private static ArrayDataset arrays() {
    float[] x = new float[SAMPLES * WIDTH];
    int[] labels = new int[SAMPLES];
    for (int i = 0; i < x.length; i++) {
      x[i] = i;
    }
    for (int i = 0; i < SAMPLES; i++) {
      labels[i] = i * i % 3;
    }
    return ArrayDataset.of(
        "wide",
        Features.of(x, Shape.of(WIDTH)),
        Labels.of(labels, 3).withNames(List.of("a", "b", "c")));
  }

  private static void assertSame(Dataset expected, Dataset actual) {
    ArrayDataset a = ArrayDataset.copyOf(expected);
    ArrayDataset b = ArrayDataset.copyOf(actual);
    assertEquals(a.form(), b.form());
    assertEquals(a.features().buffer(), b.features().buffer());
    assertEquals(a.targets().buffer(), b.targets().buffer());
  }

  @Test
  void whatIsReadFromElsewhereIsWhatLiesThere() {
    assertFalse(own.inMemory());
    assertTrue(arrays.inMemory());
    assertSame(arrays, own);
    assertArrayEquals(arrays.labels(), own.labels());
    assertEquals(SAMPLES, own.labels().length);
    assertEquals(50 * 50 % 3, own.label(50));
    assertArrayEquals(arrays.toFloats(7, 9), own.toFloats(7, 9));
    assertEquals("wide: 3000 samples, F32 [1000], 3 classes", own.described());
    assertEquals(Standardization.measured(arrays), Standardization.measured(own));
    assertEquals(SAMPLES / 2.0 * WIDTH - 500, Standardization.measured(own).mean(0), 1e-6);
  }

  @Test
  void viewsOfViewsShowTheSamplesThatTheyName() {
    Dataset view = own.slice(100, 200).subset(5, 99, 5, 0).slice(1, 4).subset(2, 0, 1);
    assertArrayEquals(new float[] {100 * WIDTH}, first(view, 0));
    assertArrayEquals(new float[] {199 * WIDTH}, first(view, 1));
    assertArrayEquals(new float[] {105 * WIDTH}, first(view, 2));
    assertEquals(199 * 199 % 3, view.label(1));
    assertEquals("other", view.withName("other").name());
    Normalization half = Normalization.of(new double[] {0}, new double[] {2});
    assertEquals(50 * WIDTH, view.withNormalization(half).toFloats(0, 1)[0]);
    assertEquals(List.of("a", "b", "c"), view.form().target().classNames());
    assertEquals("other: 3 samples, F32 [1000], 3 classes", view.withName("other").toString());
    Split split = own.split(0.1, 7);
    Split expected = arrays.split(0.1, 7);
    assertSame(expected.train(), split.train());
    assertSame(expected.heldOut(), split.heldOut());
    refused("no sample 3 among 3", () -> view.subset(3));
    refused("no samples 1 up to 4 among 3", () -> view.slice(1, 4));
    refused("at least one sample", () -> view.subset());
  }

  private static float[] first(Dataset data, int sample) {
    return new float[] {data.toFloats(sample, sample + 1)[0]};
  }

  @Test
  void aViewKnowsWhichSamplesOfWhichData() {
    assertEquals(Optional.empty(), own.slice(0, 5).identity());
    own.identity("file 1");
    assertEquals(Optional.of("file 1"), own.identity());
    String range = own.slice(0, 5).identity().orElseThrow();
    assertEquals("file 1, samples 0 to 5", range);
    String chosen = own.subset(0, 1, 2).identity().orElseThrow();
    assertEquals(chosen, own.subset(2, 1, 0).subset(2, 1, 0).identity().orElseThrow());
    assertNotEquals(chosen, own.subset(0, 2, 1).identity().orElseThrow());
    assertNotEquals(chosen, own.subset(0, 1).identity().orElseThrow());
  }

  @Test
  void problemsNameTheSampleOfTheSource() {
    own.damage(150, new IllegalStateException("the file is closed"));
    Dataset view = own.slice(100, 200).withName("part");
    GatherException failure = assertThrows(GatherException.class, () -> view.toFloats(48, 60));
    assertEquals(
        "wide: samples 148, 149, 150, 151 and 8 more cannot be read: IllegalStateException: the"
            + " file is closed",
        failure.getMessage());
    assertEquals(
        "wide: sample 150 cannot be read: IllegalStateException: the file is closed",
        assertThrows(GatherException.class, () -> view.label(50)).getMessage());
    assertEquals(1, view.toFloats(51, 52)[0] - 151 * WIDTH + 1);
  }

  @Test
  void threadsMayReadOneViewAtTheSameTime() {
    int[] reversed = IntStream.range(0, 500).map(i -> 499 - i).toArray();
    Dataset view = arrays.subset(reversed);
    long wrong =
        IntStream.range(0, 4000)
            .parallel()
            .filter(i -> first(view, i % 500)[0] != (499 - i % 500) * (float) WIDTH)
            .count();
    assertEquals(0, wrong);
  }

  @Test
  void samplesHaveSeveralArraysWithNames() {
    Normalization tenth = Normalization.of(new double[] {0}, new double[] {10});
    ArrayDataset data =
        ArrayDataset.builder("both")
            .input(
                "image",
                Features.of(new byte[] {1, 2, 3, 4, 5, 6}, Shape.of(2)).withNormalization(tenth))
            .input("words", Features.of(new int[] {7, 8, 9}, Shape.of(1)))
            .target("price", Values.of(new float[] {0.5f, 1.5f, 2.5f}, Shape.of(1)))
            .target("kind", Labels.of(new int[] {1, 0, 1}, 2))
            .build();
    assertEquals(
        "both: 3 samples, image U8 [2], words I32 [1], price values [1], kind 2 classes",
        data.toString());
    for (Dataset each : new Dataset[] {data, new OwnData(data), data.subset(0, 1, 2)}) {
      SampleBatch batch = new SampleBatch(each.form(), 2);
      each.subset(2, 0).read(new int[] {0, 1}, batch);
      assertEquals(ByteBuffer.wrap(new byte[] {5, 6, 1, 2}), batch.input("image"));
      assertArrayEquals(new float[] {0.5f, 0.6f, 0.1f, 0.2f}, batch.toFloats(0), 1e-7f);
      assertEquals(9, batch.input("words").getInt(0));
      assertEquals(7, batch.input(1).getInt(4));
      assertEquals(2.5f, batch.target("price").getFloat(0));
      assertEquals(1, batch.target("kind").getInt(4));
      refused("no input is called words2", () -> batch.input("words2"));
      refused("1 to 2 samples, not 3", () -> each.read(new int[] {0, 1, 2}, batch));
      refused("no sample 3 among 3", () -> each.read(new int[] {3}, batch));
    }
    assertThrows(IllegalStateException.class, data::labels); // the first target is a price
    refused(
        "both: features of 3 samples, but kind of 2",
        () ->
            ArrayDataset.builder("both")
                .input("image", data.features())
                .target("kind", Labels.of(new int[2], 2))
                .build());
    InputSpec image = InputSpec.of("image", DType.U8, Shape.of(2));
    refused(
        "two arrays of a sample are called image",
        () -> new SampleForm(List.of(image, image), List.of()));
    refused("at least one input", () -> new SampleForm(List.of(), List.of()));
  }

  private static void refused(String part, Executable call) {
    String message =
        String.valueOf(assertThrows(IllegalArgumentException.class, call).getMessage());
    assertTrue(message.contains(part), message);
  }
}
