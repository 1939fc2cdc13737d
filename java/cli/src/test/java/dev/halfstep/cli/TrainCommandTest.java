package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrainCommandTest {
  @TempDir Path folder;
  private Path csv;

  /** Two separable clouds of 150 points: 120 to train and validate, 30 to test. */
  @BeforeEach
  void writeData() throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("x,y,class\n");
    for (int i = 0; i < 150; i++) {
      int label = i % 2;
      text.append(random.nextGaussian() + 4 * label).append(',').append(random.nextGaussian());
      text.append(',').append(label == 0 ? "left" : "right").append('\n');
    }
    csv = Files.writeString(folder.resolve("clouds.csv"), text);
  }

  /** Trains on the clouds; what is given here takes the place of the usual options. */
  private CliRun train(String out, String... options) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("--data", "csv:" + csv);
    all.put("--device", "cpu");
    all.put("--model", "mlp:16,8");
    all.put("--epochs", "3");
    all.put("--batch-size", "10");
    all.put("--lr", "0.01");
    all.put("--out", folder.resolve(out).toString());
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    List<String> args = new ArrayList<>(List.of("train"));
    all.forEach(
        (option, value) -> args.addAll(value.isEmpty() ? List.of(option) : List.of(option, value)));
    return CliRun.of(args.toArray(String[]::new));
  }

  private JsonNode report(String out) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(out).resolve("report.json").toFile());
  }

  private byte[] weights(String out) throws IOException {
    return Files.readAllBytes(folder.resolve(out).resolve("model.safetensors"));
  }

  @Test
  void dataThatStreamTrainToTheSameWeights() throws IOException {
    String[] whole = {"--data", "digits", "--epochs", "1", "--batch-size", "64"};
    String[] streamed = Arrays.copyOf(whole, whole.length + 2);
    streamed[whole.length] = "--data-memory";
    streamed[whole.length + 1] = "3"; // of 9.4 MB
    assertEquals(0, train("whole", whole).status());
    CliRun run = train("streamed", streamed);
    assertEquals(0, run.status(), run.err());
    assertArrayEquals(weights("whole"), weights("streamed"));
  }

  @Test
  void theReportSaysByWhichRecipe() throws IOException {
    CliRun run =
        train(
            "run",
            "--micro-batch",
            "4",
            "--schedule",
            "one-cycle",
            "--warmup",
            "2",
            "--lr-scaling",
            "sqrt",
            "--batch-schedule",
            "double:1",
            "--clip",
            "1.5",
            "--early-stopping",
            "val_accuracy",
            "--patience",
            "7",
            "--min-delta",
            "0.005",
            "--optimizer",
            "lamb",
            "--budget",
            "updates:15");
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("recipe   micro-batch 4, schedule one-cycle"), run.out());
    assertTrue(run.out().contains("completed 15 updates"), run.out());
    JsonNode report = report("run");
    assertEquals(
        "{\"microBatch\":4,\"dropLast\":false,\"schedule\":\"one-cycle\",\"warmUp\":2,\"lrScaling\":\"sqrt\","
            + "\"batchSchedule\":\"double:1\",\"clip\":1.5,\"earlyStopping\":\"val_accuracy\","
            + "\"patience\":7,\"minDelta\":0.005,\"budget\":\"updates:15\"}",
        report.at("/recipe").toString());
    assertEquals("lamb", report.at("/optimizer/name").asText());
    assertEquals(15, report.at("/plan/totalUpdates").asInt());
    assertEquals(20, report.at("/plan/largestBatch").asInt());
    assertEquals(2, report.at("/epochs").size());
    assertEquals(10, report.at("/epochs/0/batchSize").asInt());
    assertEquals(20, report.at("/epochs/1/batchSize").asInt());
    assertEquals(4, report.at("/epochs/1/steps").asInt());
  }

  @Test
  void theReportSaysWhatWasMeasured() throws IOException {
    CliRun run =
        train(
            "run",
            "--batch-schedule",
            "responsive:5,40,1",
            "--trace",
            "1.weight[3],3.bias[0]",
            "--early-stopping",
            "val_f1");
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("at first, at most 40, by the measured noise"), run.out());
    // The rate stays where the batch changes, which nobody asked for by name.
    assertTrue(run.out().contains("batch-without-rate"), run.out());
    JsonNode report = report("run");
    assertTrue(report.at("/plan/totalUpdates").isNull());
    assertEquals(40, report.at("/plan/largestBatch").asInt());
    assertEquals(2, report.at("/traces").size());
    assertEquals("1.weight", report.at("/traces/0/parameter").asText());
    assertEquals(3, report.at("/traces/0/index").asInt());
    assertEquals(report.at("/traces/0/steps").size(), report.at("/traces/0/values").size());
    for (JsonNode epoch : report.at("/epochs")) {
      double f1 = epoch.at("/valF1").asDouble();
      assertTrue(f1 > 0 && f1 <= 1);
      assertTrue(epoch.at("/valPrecision").isNumber() && epoch.at("/valRecall").isNumber());
      assertTrue(epoch.at("/gradients/norm").asDouble() > 0);
      assertEquals(0, epoch.at("/gradients/nonfinite").asInt());
      assertTrue(epoch.has("noiseScale") && epoch.has("signalToNoise"));
    }
    assertEquals(0, train("noise", "--epochs", "1", "--gradient-noise", "").status());
    assertEquals(0, train("plain", "--epochs", "1").status());
    assertTrue(report("noise").at("/epochs/0/noiseScale").asDouble() > 0, "" + report("noise"));
    assertTrue(report("plain").at("/epochs/0/noiseScale").isNull());
    assertTrue(report("plain").at("/epochs/0/valF1").isNull());
    assertArrayEquals(weights("plain"), weights("noise"));
  }

  @Test
  void aShortLastBatchCanBeLeftOut() throws IOException {
    // 108 samples: ten batches and eight samples more.
    assertEquals(0, train("run", "--drop-last", "").status());
    assertEquals(10, report("run").at("/plan/updatesPerEpoch").asInt());
    assertEquals(10, report("run").at("/epochs/0/steps").asInt());
    assertTrue(report("run").at("/recipe/dropLast").asBoolean());
    CliRun said = train("said", "--batch-size", "107");
    assertTrue(said.out().contains("short-last-batch"), said.out());
    CliRun dropped = train("dropped", "--batch-size", "107", "--drop-last", "");
    assertFalse(dropped.out().contains("short-last-batch"), dropped.out());
    assertTrue(dropped.out().contains("recipe   short last batches left out"), dropped.out());
  }

  @Test
  void earlyStoppingIsSaidAndPlateausAreTaken() throws IOException {
    CliRun run =
        train(
            "run",
            "--patience",
            "2",
            "--min-delta",
            "100",
            "--epochs",
            "9",
            "--schedule",
            "plateau:0.5,0");
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("stopped early after epoch 3: val_loss did not"), run.out());
    assertEquals(3, report("run").at("/epochs").size());
  }

  @Test
  void theConvolutionalModelIsForImages() {
    CliRun plan =
        CliRun.of(
            "plan", "--data", "digits", "--model", "cnn", "--device", "cpu", "--precision", "bf16");
    assertEquals(0, plan.status(), plan.err());
    for (String part :
        List.of("421,642 parameters", "conv1 conv2d dW", "conv2 conv2d dx", "fc2 linear")) {
      assertTrue(plan.out().contains(part), plan.out());
    }
    CliRun table = train("table", "--model", "cnn");
    assertEquals(2, table.status());
    assertTrue(table.err().contains("takes images"), table.err());
  }

  @Test
  void theReportSaysWhatWasTrainedAndHow() throws IOException {
    CliRun run =
        train(
            "run",
            "--batch-size",
            "7",
            "--seed",
            "5",
            "--val-fraction",
            "0.2",
            "--precision",
            "fp16");
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    JsonNode report = report("run");
    assertEquals("csv:" + csv, report.at("/data").asText());
    assertEquals("mlp:16,8", report.at("/model").asText());
    assertEquals("cpu", report.at("/device").asText());
    assertEquals("fp16", report.at("/precision").asText());
    assertEquals(5, report.at("/seed").asInt());
    assertEquals(2 * 16 + 16 + 16 * 8 + 8 + 8 * 2 + 2, report.at("/parameters").asInt());
    assertEquals("{\"train\":96,\"validation\":24,\"test\":30}", report.at("/samples").toString());
    assertEquals(7, report.at("/plan/batchSize").asInt());
    assertEquals(14, report.at("/plan/updatesPerEpoch").asInt());
    assertEquals(42, report.at("/plan/totalUpdates").asInt());
    // The products alone: forward, and the gradients of weights and, but for the first layer,
    // inputs.
    long products = 2L * 7 * (2 * 2 * 16 + 3 * 16 * 8 + 3 * 8 * 2);
    assertTrue(report.at("/plan/flops").asLong() >= products);
    assertTrue(report.at("/plan/bytes").asLong() > 0);
    assertEquals(3, report.at("/epochs").size());
    for (int i = 0; i < 3; i++) {
      JsonNode epoch = report.at("/epochs/" + i);
      assertEquals(i + 1, epoch.at("/epoch").asInt());
      assertTrue(epoch.at("/trainLoss").asDouble() > 0);
      assertTrue(epoch.at("/trainAccuracy").asDouble() <= 1);
      assertTrue(epoch.at("/valLoss").isNumber() && epoch.at("/valAccuracy").isNumber());
      assertEquals("0.01", epoch.at("/learningRate").asText());
      double rate = epoch.at("/samplesPerSecond").asDouble();
      assertEquals(96, rate * epoch.at("/seconds").asDouble(), 1e-6);
    }
    assertTrue(report.at("/test/accuracy").asDouble() > 0.8, report.toString());
    assertEquals("completed", report.at("/stopReason").asText());
    assertTrue(report.at("/wallSeconds").asDouble() > 0);
    int best = report.at("/bestEpoch").asInt();
    for (JsonNode epoch : report.at("/epochs")) {
      double bestLoss = report.at("/epochs/" + (best - 1) + "/valLoss").asDouble();
      assertTrue(bestLoss <= epoch.at("/valLoss").asDouble());
    }
  }

  @Test
  void aSeedGivesTheSameBitsAgainAndWithAnyNumberOfThreads() throws IOException {
    assertEquals(0, train("first", "--threads", "1").status());
    List<String> runs = List.of("again", "two", "three");
    for (int i = 0; i < runs.size(); i++) {
      assertEquals(0, train(runs.get(i), "--threads", Integer.toString(i + 1)).status());
      assertArrayEquals(weights("first"), weights(runs.get(i)));
      for (String field : List.of("trainLoss", "trainAccuracy", "valLoss", "valAccuracy")) {
        assertEquals(
            report("first").findValuesAsText(field), report(runs.get(i)).findValuesAsText(field));
      }
      assertEquals(report("first").at("/test"), report(runs.get(i)).at("/test"));
      assertEquals(i + 1, report(runs.get(i)).at("/threads").asInt());
    }
    assertEquals(0, train("other", "--seed", "1").status());
    assertNotEquals(
        report("first").at("/epochs/0/trainLoss"), report("other").at("/epochs/0/trainLoss"));
  }

  @Test
  void precisionIsThatOfStoredActivations() throws IOException {
    assertEquals(0, train("fp32").status());
    double full = report("fp32").at("/epochs/2/trainLoss").asDouble();
    long bytes = report("fp32").at("/plan/bytes").asLong();
    for (String precision : List.of("bf16", "fp16")) {
      CliRun run = train(precision, "--precision", precision);
      assertEquals(0, run.status(), run.err());
      assertTrue(run.out().contains(precision), run.out());
      assertEquals(precision, report(precision).at("/precision").asText());
      double loss = report(precision).at("/epochs/2/trainLoss").asDouble();
      assertEquals(full, loss, 0.02 * full);
      assertNotEquals(full, loss);
      assertNotEquals(bytes, report(precision).at("/plan/bytes").asLong());
    }
  }

  @Test
  void tf32OnACpuIsFp32AndSaysSoOnce() throws IOException {
    assertEquals(0, train("fp32").status());
    CliRun run = train("tf32", "--precision", "tf32");
    assertEquals(0, run.status(), run.err());
    assertEquals(2, run.out().split("the same as fp32", -1).length, run.out());
    assertEquals("tf32", report("tf32").at("/precision").asText());
    assertEquals(
        report("fp32").at("/epochs/2/trainLoss"), report("tf32").at("/epochs/2/trainLoss"));
  }

  @Test
  void theCurvesAreOneRowInAPicture() throws IOException {
    assertEquals(0, train("run").status());
    BufferedImage image =
        ImageIO.read(folder.resolve("run").resolve("training_curves.png").toFile());
    assertTrue(image.getWidth() > 2 * image.getHeight());
  }

  @Test
  void jsonWritesTheReportToAFileAsWell() throws IOException {
    Path json = folder.resolve("r.json");
    assertEquals(0, train("run", "--json", json.toString()).status());
    assertEquals(report("run"), new ObjectMapper().readTree(json.toFile()));
  }

  @Test
  void withoutValidationTheTrainingLossChoosesTheEpoch() throws IOException {
    assertEquals(0, train("run", "--val-fraction", "0").status());
    JsonNode report = report("run");
    assertEquals(0, report.at("/samples/validation").asInt());
    assertEquals(120, report.at("/samples/train").asInt());
    assertTrue(report.at("/epochs/0/valLoss").isNull());
    assertTrue(report.at("/epochs/0/valAccuracy").isNull());
    assertEquals(3, report.at("/bestEpoch").asInt());
  }

  @Test
  void aLossThatIsNotFiniteFailsTheRunAndWritesItsFiles() throws IOException {
    CliRun run = train("run", "--optimizer", "sgd", "--lr", "1e30");
    assertEquals(1, run.status());
    assertTrue(run.err().startsWith("halfstep train: the training loss became "), run.err());
    assertEquals(1, run.err().lines().count());
    assertTrue(report("run").at("/stopReason").asText().contains("training loss became"));
    assertTrue(Files.exists(folder.resolve("run").resolve("model.safetensors")));
  }

  @Test
  void timeThatIsOverBeforeTheFirstStepIsSaidAndLeavesWholeFiles() throws IOException {
    CliRun run = train("run", "--budget", "seconds:1e-9");
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    assertTrue(run.out().contains("ended after 1.0E-9 s, before the first step"), run.out());
    assertTrue(run.out().contains("(weights of the beginning)"), run.out());
    assertFalse(run.out().contains("NaN"), run.out());
    JsonNode report = report("run");
    assertEquals(0, report.at("/epochs").size());
    assertEquals(0, report.at("/bestEpoch").asInt());
    assertTrue(report.at("/test/loss").isNumber());
    assertFalse(report.toString().contains("NaN"), report.toString());
    try (Stream<Path> files = Files.list(folder.resolve("run"))) {
      assertEquals(
          List.of("model.safetensors", "report.json", "training_curves.png"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
    assertTrue(ImageIO.read(folder.resolve("run/training_curves.png").toFile()).getWidth() > 0);
    CliRun predict =
        CliRun.of(
            "predict",
            "--model-file",
            folder.resolve("run/model.safetensors").toString(),
            "--data",
            "csv:" + csv,
            "--device",
            "cpu",
            "--out",
            folder.resolve("predictions.csv").toString());
    assertEquals(0, predict.status(), predict.err());
  }

  @Test
  void aDiskThatIsFullFailsTheRunAndWhatStoodStays() throws IOException {
    assertEquals(0, train("run").status());
    byte[] before = weights("run");
    JsonNode reportBefore = report("run");
    CliRun run = train("new", "--json", "/dev/full");
    assertEquals(1, run.status());
    assertTrue(run.err().contains("No space left on device"), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertArrayEquals(before, weights("run"));
    assertEquals(reportBefore, report("run"));
  }

  @Test
  void aRunReplacesTheFilesOfTheOneBeforeAndLeavesNothingElse() throws IOException {
    assertEquals(0, train("run").status());
    byte[] before = weights("run");
    assertEquals(0, train("run", "--seed", "9").status());
    assertFalse(Arrays.equals(before, weights("run")));
    try (Stream<Path> files = Files.list(folder.resolve("run"))) {
      assertEquals(
          List.of("model.safetensors", "report.json", "training_curves.png"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void progressIsPlainLinesWhereThereIsNoTerminal() {
    CliRun run = train("run");
    assertFalse(run.out().contains("\r") || run.out().contains("\u001b"), run.out());
    for (int epoch = 1; epoch <= 3; epoch++) {
      assertTrue(run.out().contains("epoch " + epoch + "/3  train loss "), run.out());
    }
    assertTrue(run.out().contains("samples/s"));
    assertTrue(run.out().contains("written to " + folder.resolve("run")));
  }

  @Test
  void planShowsTheRunWithoutTraining() throws IOException {
    Path json = folder.resolve("plan.json");
    CliRun run =
        CliRun.of(
            "plan",
            "--data",
            "csv:" + csv,
            "--batch-size",
            "10",
            "--epochs",
            "4",
            "--device",
            "cpu",
            "--json",
            json.toString());
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("4 epochs x 11 updates = 44 updates, batch size 10"), run.out());
    JsonNode plan = new ObjectMapper().readTree(json.toFile());
    assertEquals(44, plan.at("/plan/totalUpdates").asInt());
    long flops = 0;
    for (JsonNode call : plan.at("/calls")) {
      flops += call.at("/flops").asLong();
    }
    assertEquals(flops, plan.at("/plan/flops").asLong());
  }

  @Test
  void devicesListsTheCpuAndWhyOthersAreMissing() throws IOException {
    Path json = folder.resolve("devices.json");
    CliRun run = CliRun.of("devices", "--json", json.toString());
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("cpu "), run.out());
    for (JsonNode device : new ObjectMapper().readTree(json.toFile()).at("/devices")) {
      assertTrue(run.out().contains(device.at("/id").asText()));
      assertEquals(device.at("/available").asBoolean(), device.at("/reason").asText().isEmpty());
      assertEquals(device.at("/available").asBoolean(), !device.at("/info").isNull());
    }
  }

  @Test
  void everyCommandHasHelp() {
    for (String command : List.of("devices", "plan", "train", "predict")) {
      CliRun run = CliRun.of(command, "--help");
      assertEquals(0, run.status());
      assertTrue(run.out().contains("--json=FILE"), run.out());
      assertTrue(run.out().lines().allMatch(line -> line.length() <= 80), run.out());
    }
    assertTrue(CliRun.of("--help").out().contains("devices"));
  }
}
