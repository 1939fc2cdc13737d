package dev.halfstep.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Sequential;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md shows is in this file, compiled and run. */
class ReadmeTest {
  private final Model model =
      Model.of(Shape.of(4, 4, 1), Sequential.of(new Conv2d(2, 3), new Flatten(), new Linear(3)))
          .initialize(1);

  @TempDir Path folder;

  @Test
  void aModelIsExportedAndRun() throws IOException, OrtException {
    Path file = folder.resolve("model.onnx");
    OnnxExport.of(model).write(file);
    assertTrue(OnnxRuntime.compare(model, Files.readAllBytes(file)) < 1e-6);

    Model read = OnnxImport.read(file);
    assertTrue(OnnxRuntime.compare(read, Files.readAllBytes(file)) < 1e-6);

    float[] pixels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3};
    long[] shape = {1, 4, 4, 1};
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(file.toString());
        OnnxTensor images = OnnxTensor.createTensor(environment, FloatBuffer.wrap(pixels), shape);
        OrtSession.Result result = session.run(Map.of("features", images))) {
      float[][] scores = (float[][]) result.get(0).getValue();
      System.out.println(Arrays.toString(scores[0]));
    }
  }

  @Test
  void aSavedModelIsExportedWithOptions() throws IOException {
    Path file = folder.resolve("model.onnx");
    SavedModel saved = SavedModel.of(model).withNormalization(Normalization.ofUnitPixels(0.5, 1));
    OnnxExport.of(saved)
        .withNormalization() // the file takes raw pixels
        .weights(DType.F16) // half the size; computation stays in F32
        .channelsFirst() // images as [batch, channels, height, width]
        .write(file);
    assertTrue(Files.size(file) > 0);
  }

  @Test
  void everySnippetIsInThisFile() throws IOException {
    String source =
        unindented(Files.readString(Path.of("src/test/java/dev/halfstep/onnx/ReadmeTest.java")));
    List<String> snippets =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("README.md")))
            .results()
            .map(match -> unindented(match.group(1)))
            .toList();
    assertEquals(4, snippets.size());
    snippets.forEach(snippet -> assertTrue(source.contains(snippet), snippet));
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining("\n"));
  }
}
