package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.Digits;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelCardTest {
  @TempDir Path folder;

  private static ModelCard card() {
    return ModelCard.of("mine", Digits.generate(20, 10, 0).train(), Optional.empty());
  }

  private static Model model() {
    return Model.of(Shape.of(28, 28, 1), Sequential.of(new Flatten(), new Linear(10)))
        .initialize(1);
  }

  /** A file of tensors alone, as they were before a file held its layers. */
  private Safetensors.Contents older(Map<String, String> metadata) throws IOException {
    Path file = folder.resolve("older.safetensors");
    Model model = model();
    Safetensors.write(file, model.tensors(model.weights()), metadata);
    return Safetensors.read(file);
  }

  @Test
  void aCardComesBackFromItsFile() throws IOException {
    Path file = folder.resolve("model.safetensors");
    ModelCard card = card();
    card.save(file, model(), Map.of());
    Safetensors.Contents contents = Safetensors.read(file);
    ModelCard read = ModelCard.in(contents);
    assertEquals(card, read);
    assertEquals(Shape.of(28, 28, 1), read.shape());
    assertEquals(10, read.outputs());
    assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), read.classes());
    Model model = read.model(contents, unused -> model());
    assertArrayEquals(model().weights(), model.weights());
  }

  @Test
  void anOlderFileIsReadByTheNameOfItsNetwork() throws IOException {
    ModelCard card = card();
    Safetensors.Contents contents = older(Map.of(ModelCard.KEY, Json.line(card)));
    ModelCard read = ModelCard.in(contents);
    assertEquals(card, read);
    assertArrayEquals(model().weights(), read.model(contents, unused -> model()).weights());
  }

  @Test
  void aFileWithoutACardOrWithAnotherIsRefused() throws IOException {
    Safetensors.Contents none = older(Map.of());
    ModelFileException refused = assertThrows(ModelFileException.class, () -> ModelCard.in(none));
    assertTrue(refused.getMessage().contains("does not say which network"), refused.getMessage());
    Safetensors.Contents unknown = older(Map.of(ModelCard.KEY, Json.line(card())));
    ModelCard read = ModelCard.in(unknown);
    refused =
        assertThrows(
            ModelFileException.class,
            () ->
                read.model(
                    unknown,
                    card -> {
                      throw new IllegalArgumentException("no model is called " + card.model());
                    }));
    assertTrue(
        refused.getMessage().contains("does not understand (no model is called mine)"),
        refused.getMessage());
  }
}
