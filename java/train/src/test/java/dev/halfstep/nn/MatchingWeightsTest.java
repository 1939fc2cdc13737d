package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Loads a part of a file from PyTorch. The tensors hold consecutive numbers, {@code
 * torch.arange(n).view(shape)}, so that the network's outputs can be computed by hand in PyTorch's
 * order.
 */
final class MatchingWeightsTest {
  private static final int SIZE = 3; // extent of the images, which have 2 channels
  private static final int OUT = 4;
  private static final int FEATURES = OUT * 2 * 2;

  @TempDir Path folder;
  private final Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();

  @BeforeEach
  void tensorsOfPyTorch() {
    put("conv.weight", OUT, 1, 2, 2); // 2 groups
    put("conv.bias", OUT);
    put("fc.weight", 5, FEATURES);
    put("fc.bias", 5);
    put("head.weight", 10, 5);
    put("head.bias", 10);
  }

  private void put(String name, long... dims) {
    Shape shape = Shape.of(dims);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i + 1) % 11 - 5;
    }
    tensors.put(name, new Safetensors.Entry(shape, values));
  }

  private Path file() throws IOException {
    Path file = folder.resolve("pytorch.safetensors");
    Safetensors.write(file, tensors, Map.of());
    return file;
  }

  private static Model body() {
    return Model.of(Shape.of(SIZE, SIZE, 2), layers());
  }

  private static Sequential layers() {
    return Sequential.of()
        .then("conv", new Conv2d(OUT, 2).groups(2))
        .then("flat", new Flatten())
        .then("fc", new Linear(5));
  }

  private static Model withHead(int classes) {
    return Model.of(Shape.of(SIZE, SIZE, 2), layers().then("head", new Linear(classes)));
  }

  /** A pixel of PyTorch's image {@code [channels, height, width]}, and of ours. */
  private static float pixel(int channel, int row, int column) {
    return channel * 7 - row * 2 + column;
  }

  private static float[] image() {
    float[] pixels = new float[SIZE * SIZE * 2];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = pixel(i % 2, i / 2 / SIZE, i / 2 % SIZE);
    }
    return pixels;
  }

  private float value(String name, int place) {
    return tensors.get(name).values()[place];
  }

  /** The outputs of {@code fc}, computed with all arrays in PyTorch's order. */
  private float[] byHand() {
    float[] flat = new float[FEATURES]; // [out, row, column]
    for (int i = 0; i < FEATURES; i++) {
      int out = i / 4;
      flat[i] = value("conv.bias", out);
      for (int tap = 0; tap < 4; tap++) {
        flat[i] +=
            value("conv.weight", out * 4 + tap)
                * pixel(out / 2, i / 2 % 2 + tap / 2, i % 2 + tap % 2);
      }
    }
    float[] y = new float[5];
    for (int k = 0; k < 5; k++) {
      y[k] = value("fc.bias", k);
      for (int i = 0; i < FEATURES; i++) {
        y[k] += value("fc.weight", k * FEATURES + i) * flat[i];
      }
    }
    return y;
  }

  @Test
  void tensorsSetOneByOneSayWhatTheySayInPyTorch() {
    Model model = body();
    for (String name : List.of("conv.weight", "conv.bias", "fc.weight", "fc.bias")) {
      model.set(name, tensors.get(name));
    }
    assertArrayEquals(byHand(), model.predict(image()));
    Map<String, Safetensors.Entry> back = model.tensors(model.weights());
    back.forEach((name, entry) -> assertArrayEquals(tensors.get(name).values(), entry.values()));
    float[] before = model.weights();
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                model.set(
                    "conv.weight", new Safetensors.Entry(Shape.of(4, 2, 2, 1), new float[16])));
    assertEquals(
        "the tensor for conv.weight is [4, 2, 2, 1] and should be [4, 1, 2, 2]",
        refusal.getMessage());
    assertArrayEquals(before, model.weights());
  }

  @Test
  void anotherHeadKeepsItsWeightsAndTheReportSaysSo() throws IOException {
    put("aux.weight", 2, 2);
    put("conv.num_batches_tracked"); // has no running mean beside it
    Model model = withHead(3).initialize(1);
    float[] head = model.get("head.weight");
    LoadReport report = model.loadMatching(file());
    assertEquals(List.of("conv.weight", "conv.bias", "fc.weight", "fc.bias"), report.taken());
    assertEquals(List.of(), report.missing());
    assertEquals(List.of("aux.weight", "conv.num_batches_tracked"), report.unexpected());
    assertEquals(
        Map.of(
            "head.weight", "[10, 5] and should be [3, 5]", "head.bias", "[10] and should be [3]"),
        report.unfit());
    assertFalse(report.isWhole());
    assertArrayEquals(head, model.get("head.weight"));
    Model body = body();
    body.set("conv.weight", model.get("conv.weight"));
    body.set("conv.bias", model.get("conv.bias"));
    body.set("fc.weight", model.get("fc.weight"));
    body.set("fc.bias", model.get("fc.bias"));
    assertArrayEquals(byHand(), body.predict(image()));
  }

  @Test
  void aWholeFileNeedsNoFirstWeightsAndAPartDoes() throws IOException {
    Model whole = withHead(10);
    assertTrue(whole.loadMatching(file()).isWhole());
    assertArrayEquals(withHead(10).load(file()).weights(), whole.weights());
    Model part = withHead(3);
    IllegalStateException refusal =
        assertThrows(IllegalStateException.class, () -> part.loadMatching(file()));
    assertTrue(refusal.getMessage().contains("initialize(seed)"), refusal.getMessage());
    assertFalse(part.isInitialized());
  }

  @Test
  void aFileUnderOtherNamesIsRefusedAndTakenWhenRenamed() throws IOException {
    Map<String, Safetensors.Entry> prefixed = new LinkedHashMap<>();
    tensors.forEach((name, entry) -> prefixed.put("module." + name, entry));
    Path file = folder.resolve("prefixed.safetensors");
    Safetensors.write(file, prefixed, Map.of());
    Model model = withHead(10).initialize(1);
    float[] before = model.weights();
    ModelFileException refusal =
        assertThrows(ModelFileException.class, () -> model.loadMatching(file));
    assertTrue(refusal.getMessage().contains("left over: module.conv.weight"), refusal.toString());
    assertArrayEquals(before, model.weights());
    Safetensors.Contents contents = Safetensors.read(file);
    assertTrue(
        model.loadMatching(contents.renamed(n -> n.substring("module.".length()))).isWhole());
    assertArrayEquals(withHead(10).load(file()).weights(), model.weights());
    assertThrows(IllegalArgumentException.class, () -> contents.renamed(name -> "same"));
  }

  @Test
  void groupsOfAFlattenedImageAreRefused() {
    Shape image = Shape.of(2, 2, 4);
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> Model.of(image, Sequential.of(new Flatten(), new GroupNorm(4))));
    assertTrue(refusal.getMessage().contains("before it is flattened"), refusal.getMessage());
    Model one = Model.of(image, Sequential.of(new Flatten(), new GroupNorm(1)));
    assertFalse(one.parameters().get("1.weight").fileLayout().isAsInMemory());
    Model.of(Shape.of(2, 2, 1), Sequential.of(new Flatten(), new GroupNorm(2)));
  }
}
