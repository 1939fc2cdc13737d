package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Runs each example for a short while, and checks that it does what it promises. */
class ExamplesTest {
  @Test
  void theReadmesProgramLearnsTheDigitsInOneEpoch() throws IOException {
    String printed = printedBy(() -> TrainDigits.main(args("1")));

    assertTrue(number(printed, "test accuracy ([0-9.]+) %") > 80, printed);
  }

  @Test
  void theConvolutionalNetworkLearnsTheDigitsAndDrawsItsCurves(@TempDir Path folder)
      throws IOException {
    String printed = printedBy(() -> MnistCnn.main(args("digits", "1", "1", folder.toString())));

    assertTrue(number(printed, "test accuracy ([0-9.]+) %") > 95, printed);
    long bytes = Files.size(folder.resolve("training_curves.png"));
    assertTrue(bytes > 5_000, "the figure has " + bytes + " bytes");
    String report = Files.readString(folder.resolve("report.json"));
    assertTrue(number(report, "\"accuracy\" : ([0-9.]+)") > 0.95, report);
  }

  @Test
  void smallBatchesLearnWhatCanBeLearnedInTwoEpochsAndNoneWhatIsDrawnByLot() throws IOException {
    String learnable = printedBy(() -> BatchSizes.main(args("2", "1")));
    String random = printedBy(() -> BatchSizes.main(args("2", "1", "random")));

    assertEquals(List.of(1, 8, 16, 32, 64, 128, 256, 1024), batchSizes(learnable));
    assertEquals(List.of(1, 8, 16, 32, 64, 128, 256, 1024), batchSizes(random));
    assertTrue(testAccuracy(learnable, 8) > 75, learnable);
    for (int batchSize : batchSizes(random)) {
      assertEquals(50, testAccuracy(random, batchSize), 12, random); // 256 samples: +- 3
    }
  }

  @Test
  void anExportedNetworkIsWrittenTwice(@TempDir Path folder) throws IOException {
    String printed = printedBy(() -> ExportDigits.main(args(folder.toString(), "1")));

    assertTrue(number(printed, "test accuracy ([0-9.]+) %") > 90, printed);
    assertEquals(number(printed, "digits.onnx: ([0-9,]+) bytes"), size(folder, "digits.onnx"));
    assertTrue(size(folder, "digits-f16.onnx") < 0.6 * size(folder, "digits.onnx"), printed);
  }

  private static double size(Path folder, String file) throws IOException {
    return Files.size(folder.resolve(file));
  }

  @Test
  void theDrawingHasEveryOperationAndParameterOfTheModel() throws IOException {
    String dot = printedBy(() -> DrawGraph.main(args()));

    for (String each :
        List.of(
            "0\\nconv2d 3x3, RELU",
            "2.1\\nbatch_norm",
            "6\\nlinear",
            "0.weight",
            "2.1.running_var")) {
      assertTrue(dot.contains("[label=\"" + each + "\""), each + " in\n" + dot);
    }
    assertTrue(dot.startsWith("digraph model {") && dot.endsWith("}\n"), dot);
    assertTrue(dot.contains("[label=\"[1, 10]\"]"), dot);
  }

  private static List<Integer> batchSizes(String table) {
    return Pattern.compile("(?m)^ *([0-9]+) +[0-9.]+ +[0-9]+ +[0-9]+ ")
        .matcher(table)
        .results()
        .map(row -> Integer.valueOf(row.group(1)))
        .toList();
  }

  private static double testAccuracy(String table, int batchSize) {
    return number(
        table,
        "(?m)^ *"
            + batchSize
            + " +[0-9.]+ +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9.]+ \\+- [0-9.]+ +([0-9.]+)");
  }

  @Test
  void theRateThatIsFoundTrains() throws IOException {
    String printed = printedBy(() -> FindLearningRate.main(args("100")));

    assertTrue(number(printed, "steeply at ([0-9.e-]+)") > 1e-5, printed);
    assertTrue(number(printed, "test accuracy ([0-9.]+) %") > 80, printed);
  }

  @Test
  void everyStorageTypeLearnsAndTheSmallerOnesTakeLessMemory() throws IOException {
    String printed = printedBy(() -> MixedPrecision.main(args("1")));

    double wide = number(printed, "F32 .*activations +([0-9,]+)");
    for (String type : List.of("BF16", "F16")) {
      assertTrue(number(printed, "(?m)^" + type + " .*activations +([0-9,]+)") < wide, printed);
      assertTrue(number(printed, "(?m)^" + type + " .*accuracy ([0-9.]+)") > 80, printed);
    }
  }

  @Test
  void aResumedRunEndsWithTheSameBits(@TempDir Path folder) throws IOException {
    String printed = printedBy(() -> ResumeRun.main(args(folder.toString())));

    assertTrue(printed.contains("going on from checkpoint-1-110.safetensors"), printed);
    assertTrue(printed.contains("bit for bit: true"), printed);
  }

  @Test
  void aCallbackHalvesTheRateWhereTheLossRisesAndThatHelps() throws IOException {
    String printed = printedBy(() -> ActingCallback.main(args()));

    double[] accuracies =
        Pattern.compile("accuracy ([0-9.]+) %")
            .matcher(printed)
            .results()
            .mapToDouble(found -> Double.parseDouble(found.group(1)))
            .toArray();
    assertEquals(2, accuracies.length, printed);
    assertTrue(number(printed, "(?s)rate x ([0-9.]+)") == 0.5, printed);
    assertTrue(accuracies[1] > accuracies[0], printed);
  }

  @Test
  void fineTuningKnowsMoreThanBeginningAnew() throws IOException {
    String printed = printedBy(() -> LayerwiseRates.main(args()));

    double anew = number(printed, "all layers anew: test accuracy ([0-9.]+) %");
    double layerwise = number(printed, "layer-wise rates: test accuracy ([0-9.]+) %");
    assertTrue(layerwise > anew && layerwise > 85, printed);
  }

  @Test
  void aMetricOfOnesOwnChoosesTheBestEpoch() throws IOException {
    String printed = printedBy(() -> OwnMetric.main(args("2")));

    double accuracy = number(printed, "epoch 2: accuracy ([0-9.]+) %");
    assertTrue(number(printed, "epoch 2: .*top two ([0-9.]+) %") > accuracy, printed);
    assertEquals(2, number(printed, "best epoch by it: ([0-9]+)"), printed);
  }

  @Test
  void twoTowersRateBetterThanTheMeanDoes() throws IOException {
    String printed = printedBy(() -> TwoTowers.main(args("5")));

    assertTrue(number(printed, "epoch 5: rmse ([0-9.]+)") < 0.5, printed);
    assertTrue(
        number(printed, "epoch 5: rmse ([0-9.]+)") < number(printed, "epoch 1: rmse ([0-9.]+)"),
        printed);
  }

  @Test
  void twoHeadsLearnBothOfTheirTargets() throws IOException {
    String printed = printedBy(() -> TwoHeads.main(args("4")));

    assertTrue(number(printed, "epoch 4: .*rmse ([0-9.]+)") < 0.3, printed);
    assertTrue(number(printed, "epoch 4: .*accuracy ([0-9.]+) %") > 85, printed);
  }

  @Test
  void recordsOfAFileTrainToTheBitsOfThoseInMemory(@TempDir Path folder) throws IOException {
    String printed = printedBy(() -> OwnData.main(args(folder.toString())));

    assertTrue(number(printed, "from the file: .*accuracy ([0-9.]+) %") > 60, printed);
    assertTrue(number(printed, "from memory: .*accuracy ([0-9.]+) %") > 60, printed);
    assertTrue(printed.contains("bit for bit: true"), printed);
    assertTrue(printed.contains("272000 bytes in points.records"), printed);
  }

  @Test
  void aLoopOfOnesOwnTellsTheSpiralsApart() throws IOException {
    String printed = printedBy(() -> OwnLoop.main(args()));

    assertTrue(number(printed, "accuracy on new points ([0-9.]+) %") > 90, printed);
  }

  @Test
  void oneKernelFindsTheDocumentsAndAgreesWithALoop() throws IOException {
    String printed = printedBy(() -> OneKernel.main(args()));

    for (int query = 0; query < 8; query++) {
      String line = "query " + query + ": document " + 1000 * (query + 1) + ",";
      assertTrue(printed.contains(line), printed);
    }
    assertTrue(number(printed, "loop in Java: ([0-9.e+-]+)") < 1e-3, printed);
  }

  @Test
  void theTransformerLearnsFromAFewLines() throws IOException {
    Path license = Path.of(System.getProperty("halfstep.root", "../.."), "LICENSE");

    String printed = printedBy(() -> CharTransformer.main(args(license.toString(), "40")));

    double byLot = Math.log(number(printed, "([0-9]+) different ones"));
    assertTrue(number(printed, "validation loss ([0-9.]+) nats") < byLot - 0.8, printed);
    assertTrue(printed.strip().length() > 300, printed);
  }

  @Test
  void aModelIsReadFromItsFileWithoutItsCode(@TempDir Path folder) throws IOException {
    String printed = printedBy(() -> ModelFromFile.main(args(folder.toString())));

    assertTrue(number(printed, "model from the file ([0-9.]+) %") > 60, printed);
    assertTrue(printed.contains("bit for bit: true"), printed);
  }

  @Test
  void lossesOfOnesOwnFindTheLineAndLearnTheDigits() throws IOException {
    String printed = printedBy(() -> OwnLoss.main(args("2")));

    assertEquals(2, number(printed, "Huber's loss says ([0-9.]+)"), 0.2, printed);
    assertTrue(number(printed, "squared errors say (-?[0-9.]+)") < 1.3, printed);
    assertTrue(number(printed, "F1 ([0-9.]+)") > 0.6, printed);
  }

  @Test
  void fourThreadsOfAServerShareAPredictor() throws IOException {
    String printed = printedBy(() -> PredictionServer.main(args("200")));

    assertTrue(printed.contains("200 of 200 answers are the model's, bit for bit"), printed);
    assertTrue(printed.contains("bytes for 4 threads"), printed);
  }

  @Test
  void twoWorkersTrainOneNetwork() throws IOException {
    String printed = printedBy(() -> TwoWorkers.main(args()));

    assertTrue(number(printed, "worker 0 of 2: test accuracy ([0-9.]+) %") > 80, printed);
    assertEquals(
        number(printed, "worker 0 of 2: test accuracy ([0-9.]+) %"),
        number(printed, "worker 1 of 2: test accuracy ([0-9.]+) %"),
        printed);
    assertTrue(printed.contains("both workers hold the same weights: true"), printed);
  }

  private static String[] args(String... args) {
    return args;
  }

  private static double number(String printed, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(printed);
    assertTrue(matcher.find(), () -> "there is no " + pattern + " in:\n" + printed);
    return Double.parseDouble(matcher.group(1).replace(",", ""));
  }

  static String printedBy(Executable program) throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      program.execute();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
