package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.Digits;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelCardTest {
  @TempDir Path folder;

  private Safetensors.Contents saved(Map<String, String> metadata) throws IOException {
    Path file = folder.resolve("model.safetensors");
    Model.of(Shape.of(2), new Linear(2)).initialize(1).save(file, metadata);
    return Safetensors.read(file);
  }

  @Test
  void aCardComesBackFromItsFile() throws IOException {
    ModelCard card = ModelCard.of("mine", Digits.generate(20, 10, 0).train(), Optional.empty());
    ModelCard read = ModelCard.in(saved(Map.of(ModelCard.KEY, Json.line(card))));
    assertEquals(card, read);
    assertEquals(Shape.of(28, 28, 1), read.shape());
    assertEquals(10, read.outputs());
    assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), read.classes());
  }

  @Test
  void aFileWithoutACardOrWithAnotherIsRefused() throws IOException {
    Safetensors.Contents none = saved(Map.of());
    ModelFileException refused = assertThrows(ModelFileException.class, () -> ModelCard.in(none));
    assertTrue(refused.getMessage().contains("does not say which network"), refused.getMessage());
    ModelCard card = ModelCard.of("mine", Digits.generate(20, 10, 0).train(), Optional.empty());
    Safetensors.Contents unknown = saved(Map.of(ModelCard.KEY, Json.line(card)));
    refused =
        assertThrows(
            ModelFileException.class,
            () ->
                ModelCard.in(
                    unknown,
                    read -> {
                      throw new IllegalArgumentException("no model is called " + read.model());
                    }));
    assertTrue(
        refused.getMessage().contains("does not understand (no model is called mine)"),
        refused.getMessage());
  }
}
