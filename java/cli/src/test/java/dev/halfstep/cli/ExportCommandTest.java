package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Sequential;
import dev.halfstep.onnx.OnnxExport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command writes what {@link OnnxExport} does; its own tests run that in ONNX Runtime. */
final class ExportCommandTest {
  @TempDir Path folder;
  private SavedModel saved;
  private Path modelFile;
  private Path onnx;

  @BeforeEach
  void saveModel() throws IOException {
    Model model =
        Model.of(
            Shape.of(6, 5, 2),
            Sequential.of(new Conv2d(4, 3), new ReLU(), new Flatten(), new Linear(2)));
    saved =
        SavedModel.of(model.initialize(1))
            .withNormalization(Normalization.ofUnitPixels(0.5, 0.25))
            .withClasses(List.of("left", "right"));
    modelFile = folder.resolve("model.safetensors");
    onnx = folder.resolve("model.onnx");
    saved.save(modelFile);
  }

  private CliRun export(String... options) {
    List<String> args = new ArrayList<>(List.of("export", "--model-file", modelFile.toString()));
    if (!List.of(options).contains("--out")) {
      args.addAll(List.of("--out", onnx.toString()));
    }
    args.addAll(List.of(options));
    return CliRun.of(args.toArray(String[]::new));
  }

  @Test
  void writesTheModelAndSaysWhatItTakes() throws IOException {
    CliRun run = export();
    assertEquals(0, run.status(), run.err());
    assertArrayEquals(OnnxExport.of(saved).toBytes(), Files.readAllBytes(onnx));
    assertTrue(run.out().startsWith("features [6, 5, 2] to output [2], "), run.out());
    assertTrue(run.out().contains("written to " + onnx), run.out());
  }

  @Test
  void theOptionsAreThoseOfTheExport() throws IOException {
    CliRun run = export("--normalize", "--weights", "fp16", "--channels-first");
    assertEquals(0, run.status(), run.err());
    byte[] wanted =
        OnnxExport.of(saved).withNormalization().weights(DType.F16).channelsFirst().toBytes();
    assertArrayEquals(wanted, Files.readAllBytes(onnx));
  }

  @Test
  void aTrainedNetworkIsExported() throws IOException {
    Path run = folder.resolve("run");
    CliRun trained =
        CliRun.of(
            "train",
            "--device",
            "cpu",
            "--out",
            "" + run,
            "--data",
            "digits",
            "--model",
            "mlp:8",
            "--epochs",
            "1",
            "--batch-size",
            "256");
    assertEquals(0, trained.status(), trained.err());
    modelFile = run.resolve("model.safetensors");
    assertEquals(0, export("--normalize").status());
    SavedModel digits = SavedModel.read(modelFile);
    assertArrayEquals(
        OnnxExport.of(SavedModel.of(digits.model()).withClasses(digits.classes()))
            .withNormalization(digits.normalization())
            .toBytes(),
        Files.readAllBytes(onnx));
  }

  @Test
  void whatCannotBeIsRefusedBeforeAFileIsWritten() throws IOException {
    refused("--weights int8: is no type of weights", "--weights", "int8");
    refused("is what --model-file names", "--out", modelFile.toString());
    SavedModel.of(saved.model()).save(modelFile);
    refused("has no normalization", "--normalize");
    Files.writeString(modelFile, "not a model");
    refused(modelFile.toString());
    modelFile = folder.resolve("missing.safetensors");
    CliRun missing = export();
    assertTrue(missing.status() != 0 && missing.err().contains("missing"), missing.err());
    assertFalse(Files.exists(onnx));
  }

  private void refused(String message, String... options) {
    CliRun run = export(options);
    assertEquals(2, run.status(), run.err());
    assertTrue(run.err().startsWith("halfstep export: "), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertFalse(Files.exists(onnx));
  }
}
