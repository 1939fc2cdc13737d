package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.FileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLayoutTest {
  private static float[] count(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = i;
    }
    return values;
  }

  @Test
  void convolutionWeightsHaveTheirInputsBeforeHeightAndWidth() {
    int k = 2;
    int r = 3;
    int s = 4;
    int c = 5;
    FileLayout layout = FileLayout.ofConvolution(Shape.of(k, r, s, c));
    assertEquals(Shape.of(k, c, r, s), layout.shape());
    assertFalse(layout.isAsInMemory());
    float[] memory = count(k * r * s * c);
    float[] file = layout.toFile(memory);
    for (int i = 0; i < file.length; i++) {
      int out = i / (c * r * s);
      int in = i / (r * s) % c;
      int position = i % (r * s);
      assertEquals(memory[(out * r * s + position) * c + in], file[i]);
    }
    assertArrayEquals(memory, layout.fromFile(file));
    assertThrows(IllegalArgumentException.class, () -> layout.toFile(new float[3]));
  }

  @Test
  void aLinearLayerBehindAFlattenedImageHasItsInputsByChannel() {
    Model model =
        Model.of(
            Shape.of(2, 3, 4),
            Sequential.of(new Flatten(), new Dropout(0.5), new BatchNorm(), new ReLU())
                .then("fc", new Linear(5))
                .then("last", new Linear(2)));
    FileLayout weight = model.parameters().get("fc.weight").fileLayout();
    assertEquals(Shape.of(5, 24), weight.shape());
    float[] memory = count(5 * 24);
    float[] file = weight.toFile(memory);
    for (int i = 0; i < file.length; i++) {
      int channel = i % 24 / 6;
      int position = i % 6;
      assertEquals(memory[i / 24 * 24 + position * 4 + channel], file[i]);
    }
    assertArrayEquals(
        new float[] {0, 4, 8, 12, 16, 20, 1},
        java.util.Arrays.copyOf(
            model.parameters().get("2.running_mean").fileLayout().toFile(count(24)), 7));
    assertTrue(model.parameters().get("fc.bias").fileLayout().isAsInMemory());
    assertTrue(model.parameters().get("last.weight").fileLayout().isAsInMemory());
  }

  @Test
  void whatIsNoFlattenedImageLiesAsInMemory() {
    Model model = Model.of(Shape.of(6, 4), Sequential.of(new Flatten(), new Linear(3)));
    FileLayout layout = model.parameters().get("1.weight").fileLayout();
    assertTrue(layout.isAsInMemory());
    assertArrayEquals(count(72), layout.toFile(count(72)));
  }

  @Test
  void savedModelsAreReadByTheirLayout(@TempDir Path folder) throws IOException {
    Sequential layers = Sequential.of(new Flatten(), new Linear(4)).then("bn", new BatchNorm());
    Model model = Model.of(Shape.of(2, 3, 2), layers).initialize(1);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Map.of());
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>(Safetensors.read(file).tensors());
    float[] memory = model.get("1.weight");
    float[] stored = tensors.get("1.weight").values();
    assertEquals(memory[2], stored[1], "the first channel of the second pixel");
    assertEquals(memory[1], stored[6], "the second channel of the first");
    assertArrayEquals(model.weights(), Model.of(Shape.of(2, 3, 2), layers).load(file).weights());
    tensors.put("bn.num_batches_tracked", new Safetensors.Entry(Shape.of(), new float[] {7}));
    Safetensors.write(file, tensors, Map.of());
    model.load(file);
    tensors.put("num_batches_tracked", new Safetensors.Entry(Shape.of(), new float[] {7}));
    Safetensors.write(file, tensors, Map.of());
    assertThrows(ModelFileException.class, () -> model.load(file));
  }
}
