package dev.halfstep.cli;

import dev.halfstep.DType;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.onnx.OnnxExport;
import dev.halfstep.report.ModelCard;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code halfstep export}: writes a trained model as an ONNX file. */
@Command(
    name = "export",
    description = {
      "Writes a trained model as an ONNX file, for ONNX Runtime and other programs.",
      "It takes any number of samples at once and gives what the network computes: a score for each"
          + " class (apply softmax for probabilities), or the numbers that it predicts. The names of"
          + " the classes are in its metadata."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class ExportCommand implements Callable<Integer> {
  private static final Map<String, DType> WEIGHTS =
      Map.of("fp32", DType.F32, "bf16", DType.BF16, "fp16", DType.F16);

  private final PrintWriter out;

  @Option(
      names = "--model-file",
      paramLabel = "FILE",
      required = true,
      description = "A model.safetensors that halfstep train wrote.")
  private String modelFile = "";

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "model.onnx",
      description = "The file to write (default: ${DEFAULT-VALUE}).")
  private String output = "";

  @Option(
      names = "--normalize",
      description =
          "Make the normalization of the training samples part of the file: it then takes raw"
              + " pixels, for example. Columns of a CSV file are always prepared outside.")
  private boolean normalize;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description =
          "How the weights are stored: fp32, or bf16 or fp16 for half the size (default:"
              + " ${DEFAULT-VALUE}). Computation is in fp32.")
  private String weights = "";

  @Option(
      names = "--channels-first",
      description =
          "Take and give images as [batch, channels, height, width], not with the channels last.")
  private boolean channelsFirst;

  ExportCommand(PrintWriter out) {
    this.out = out;
  }

  @Override
  public Integer call() throws IOException {
    DType type = WEIGHTS.get(weights);
    if (type == null) {
      throw new UsageException(
          "--weights " + weights + ": is no type of weights.", "Possible are fp32, bf16 and fp16.");
    }
    Path file = OutputFolder.checkFile("--out", output);
    OutputFolder.requireOther(file, "--model-file", modelFile);
    SavedModel saved = saved();
    OnnxExport export = OnnxExport.of(saved).weights(type);
    if (normalize) {
      if (saved.normalization().equals(Normalization.NONE)) {
        throw new UsageException(
            "--normalize: " + modelFile + " has no normalization.",
            "Leave it out: samples go into the network as they are, columns of a CSV file"
                + " standardized.");
      }
      export = export.withNormalization();
    }
    if (channelsFirst) {
      export = export.channelsFirst();
    }
    export.write(file);
    out.printf(
        Locale.ROOT,
        "features %s to output %s, %,d bytes, written to %s%n",
        saved.model().sampleShape(),
        saved.model().outputShape(),
        Files.size(file),
        file);
    return 0;
  }

  private SavedModel saved() throws IOException {
    try {
      Safetensors.Contents contents = Safetensors.read(Path.of(modelFile));
      ModelCard card = ModelCard.in(contents);
      return SavedModel.of(card.model(contents, ModelSpec::network))
          .withNormalization(card.normalization())
          .withClasses(card.classes());
    } catch (InvalidPathException e) {
      throw UsageException.noPath("--model-file " + modelFile, e);
    } catch (ModelFileException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }
}
