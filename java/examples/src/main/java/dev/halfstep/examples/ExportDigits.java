package dev.halfstep.examples;

import dev.halfstep.DType;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Normalization;
import dev.halfstep.data.Split;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Sequential;
import dev.halfstep.onnx.OnnxExport;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** Trains a convolutional network on drawn digits and writes it as an ONNX file. */
public final class ExportDigits {
  private ExportDigits() {}

  /**
   * Prints the test accuracy and the files.
   *
   * @param args the folder for the files, the current one if it is not given; and the number of
   *     epochs, 3 if it is not given
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args.length > 0 ? args[0] : "");
    Split digits = Digits.generate(0);
    Normalization normalization = digits.train().form().input().normalization();
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(
                new Conv2d(8, 3).padding(1).withoutBias(),
                new BatchNorm(),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(10)));
    History history =
        Trainer.builder(model, digits.train())
            .test(digits.heldOut())
            .optimizer(Optimizer.adamW(0.001))
            .batchSize(64)
            .epochs(args.length > 1 ? Integer.parseInt(args[1]) : 3)
            .seed(1)
            .fit();
    System.out.printf("test accuracy %.1f %%%n", 100 * history.test().orElseThrow().accuracy());

    List<String> names = IntStream.range(0, 10).mapToObj(Integer::toString).toList();
    OnnxExport export =
        OnnxExport.of(SavedModel.of(model).withNormalization(normalization).withClasses(names))
            .withNormalization(); // the files take pixels of 0 to 255
    write(export, folder.resolve("digits.onnx"));
    write(export.weights(DType.F16), folder.resolve("digits-f16.onnx"));
  }

  private static void write(OnnxExport export, Path file) throws IOException {
    export.write(file);
    System.out.printf("%s: %,d bytes%n", file, Files.size(file));
  }
}
