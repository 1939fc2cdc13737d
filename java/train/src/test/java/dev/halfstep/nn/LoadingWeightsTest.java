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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LoadingWeightsTest {
  @TempDir Path folder;

  private static Model model() {
    return Model.of(Shape.of(3), Sequential.of(new Linear(4), new ReLU(), new Linear(2)));
  }

  @Test
  void aModelSaysTheSameAfterSavingAndLoading() throws IOException {
    Path file = folder.resolve("model");
    Model saved = model().initialize(7);
    saved.save(file, Map.of());
    Model loaded = model();
    assertFalse(loaded.isInitialized());
    loaded.load(file);
    assertTrue(loaded.isInitialized());
    assertArrayEquals(saved.weights(), loaded.weights());
    float[] samples = {1, -2, 3, 0.5f, 0.25f, -0.125f};
    assertArrayEquals(saved.predict(samples), loaded.predict(samples));
  }

  @Test
  void savingAModelWithoutWeightsIsRefused() {
    Path file = folder.resolve("model");
    assertThrows(IllegalStateException.class, () -> model().save(file, Map.of()));
    assertFalse(Files.exists(file));
  }

  @Test
  void everythingThatDoesNotFitIsListedAndTheWeightsStay() throws IOException {
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("0.weight", new Safetensors.Entry(Shape.of(3, 4), new float[12]));
    tensors.put("0.bias", new Safetensors.Entry(Shape.of(4), new float[4]));
    tensors.put("5.weight", new Safetensors.Entry(Shape.of(1, 1), new float[1]));
    tensors.put("5.bias", new Safetensors.Entry(Shape.of(1), new float[1]));
    Path file = folder.resolve("other");
    Safetensors.write(file, tensors, Map.of());
    Model model = model().initialize(1);
    float[] before = model.weights();
    ModelFileException refusal = assertThrows(ModelFileException.class, () -> model.load(file));
    assertEquals(
        file
            + ": does not fit the model: missing: 2.weight [2, 4], 2.bias [2];"
            + " left over: 5.weight [1, 1], 5.bias [1];"
            + " 0.weight is [3, 4] and should be [4, 3]",
        refusal.getMessage());
    assertArrayEquals(before, model.weights());
  }

  @Test
  void aTypeThatIsNotReadIsRefusedByName() throws IOException {
    String header =
        "{\"bias\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[8,10]},"
            + "\"weight\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}";
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length() + 10).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
    Path file = Files.write(folder.resolve("bytes"), bytes.array());
    Model model = Model.of(Shape.of(2), new Linear(2));
    ModelFileException refusal = assertThrows(ModelFileException.class, () -> model.load(file));
    assertEquals(
        file + ": does not fit the model: bias is I8 and should be F32, BF16, F16 or F64",
        refusal.getMessage());
    assertFalse(model.isInitialized());
  }
}
