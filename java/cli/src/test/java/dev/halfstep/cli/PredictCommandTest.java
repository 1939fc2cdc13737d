package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Sequential;
import dev.halfstep.report.Json;
import dev.halfstep.report.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PredictCommandTest {
  @TempDir Path folder;
  private Path csv;
  private Path predictions;

  /** Two clouds far from the origin, of which standardisation must take care; one odd name. */
  @BeforeEach
  void writeData() throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("x,class,y\n");
    for (int i = 0; i < 150; i++) {
      int label = i % 2;
      text.append(1e6 + random.nextGaussian() + 4 * label)
          .append(label == 0 ? ",left," : ",\"r,\"");
      text.append(label == 0 ? "" : ",").append(random.nextGaussian()).append('\n');
    }
    csv = Files.writeString(folder.resolve("clouds.csv"), text);
    predictions = folder.resolve("p.csv");
  }

  private Path trained(String... options) {
    Path run = folder.resolve("run");
    List<String> args = new ArrayList<>(List.of("train", "--device", "cpu", "--out", "" + run));
    args.addAll(List.of("--model", "mlp:8", "--lr", "0.01"));
    args.addAll(List.of(options));
    CliRun result = CliRun.of(args.toArray(String[]::new));
    assertEquals(0, result.status(), result.err());
    return run.resolve("model.safetensors");
  }

  private Path trainedOnClouds() {
    return trained(
        "--data", "csv:" + csv, "--label", "class", "--epochs", "5", "--batch-size", "8");
  }

  /** Predicts; what is given here takes the place of the usual options. */
  private CliRun predict(Path model, String data, String... options) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("--device", "cpu");
    all.put("--model-file", model.toString());
    all.put("--data", data);
    all.put("--out", predictions.toString());
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    List<String> args = new ArrayList<>(List.of("predict"));
    all.forEach((option, value) -> args.addAll(List.of(option, value)));
    return CliRun.of(args.toArray(String[]::new));
  }

  private List<String> predicted(Path model, String data, String... options) throws IOException {
    CliRun run = predict(model, data, options);
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    return Files.readAllLines(predictions);
  }

  @Test
  void everyRowHasItsClassTheProbabilitiesAndTheLabel() throws IOException {
    Path model = trainedOnClouds();
    Path json = folder.resolve("p.json");
    CliRun run = predict(model, "csv:" + csv, "--json", "" + json, "--batch-size", "40");
    assertEquals(0, run.status(), run.err());
    List<String> lines = Files.readAllLines(predictions);
    assertEquals("row,predicted,probability of left,\"probability of r,\",label", lines.get(0));
    assertEquals(151, lines.size());
    int correct = 0;
    for (int i = 0; i < 150; i++) {
      String line = lines.get(i + 1).replace("\"r,\"", "right");
      String[] fields = line.split(",", -1);
      assertEquals(5, fields.length, line);
      assertEquals(i, Integer.parseInt(fields[0]));
      double left = Double.parseDouble(fields[2]);
      double right = Double.parseDouble(fields[3]);
      assertEquals(1, left + right, 1e-6);
      assertEquals(left > right ? "left" : "right", fields[1]);
      assertEquals(i % 2 == 0 ? "left" : "right", fields[4]);
      correct += fields[1].equals(fields[4]) ? 1 : 0;
    }
    assertTrue(correct > 140, correct + " of 150");
    assertTrue(run.out().contains("(" + correct + " of 150)"), run.out());
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertEquals(correct, report.at("/correct").asInt());
    assertEquals(correct / 150.0, report.at("/accuracy").asDouble());
    assertEquals("mlp:8", report.at("/model").asText());
  }

  @Test
  void columnsAreFoundByNameAndTheLabelMayBeMissing() throws IOException {
    Path model = trainedOnClouds();
    List<String> expected = new ArrayList<>();
    for (String line : predicted(model, "csv:" + csv)) {
      expected.add(line.replaceAll(",(label|left|\"r,\")$", ""));
    }
    String other =
        Files.readAllLines(csv).stream()
            .map(line -> line.replace("\"r,\"", "right").split(",", -1))
            .map(fields -> "id-" + fields[1] + "," + fields[2] + ",\"" + fields[0] + "\"")
            .collect(Collectors.joining("\r\n"));
    Path unlabelled = folder.resolve("other.csv");
    Files.writeString(unlabelled, other);
    assertEquals(expected, predicted(model, "csv:" + unlabelled));
    CliRun run = predict(model, "csv:" + unlabelled);
    assertFalse(run.out().contains("accuracy"), run.out());
  }

  @Test
  void theTestDataGiveTheAccuracyThatTrainingReported() throws IOException {
    Path model = trained("--epochs", "1");
    assertEquals(2001, predicted(model, "digits").size());
    CliRun run = predict(model, "digits", "--json", "" + folder.resolve("p.json"));
    assertEquals(0, run.status(), run.err());
    ObjectMapper json = new ObjectMapper();
    JsonNode trained = json.readTree(folder.resolve("run").resolve("report.json").toFile());
    JsonNode predicted = json.readTree(folder.resolve("p.json").toFile());
    assertEquals(trained.at("/test/accuracy").asDouble(), predicted.at("/accuracy").asDouble());
    assertTrue(predicted.at("/accuracy").asDouble() > 0.5);
  }

  @Test
  void imagesOfAnIdxFileArePredicted() throws IOException {
    Path mnist = Files.createDirectory(folder.resolve("mnist"));
    byte[] images = new byte[16 + 20 * 4];
    byte[] labels = new byte[8 + 20];
    System.arraycopy(
        new byte[] {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2}, 0, images, 0, 16);
    System.arraycopy(new byte[] {0, 0, 8, 1, 0, 0, 0, 20}, 0, labels, 0, 8);
    for (int i = 0; i < 80; i++) {
      images[16 + i] = (byte) (37 * i);
      labels[8 + i / 4] = (byte) (i / 8);
    }
    Path file = Files.write(mnist.resolve("t10k-images-idx3-ubyte"), images);
    Path answers = Files.write(mnist.resolve("t10k-labels-idx1-ubyte"), labels);
    Path model = trained("--data", "mnist:" + mnist, "--epochs", "1", "--batch-size", "2");
    List<String> all = predicted(model, "idx:" + file);
    assertEquals(21, all.size());
    List<String> labelled = predicted(model, "idx:" + file + "," + answers);
    assertEquals(all.get(0) + ",label", labelled.get(0));
    for (int i = 0; i < 20; i++) {
      assertEquals(all.get(1 + i) + "," + i / 2, labelled.get(1 + i));
    }
    // A fifth is what train tests with; its rows count from 0 there.
    List<String> test = predicted(model, "mnist:" + mnist);
    assertEquals(5, test.size());
    List<String> withoutNumbers =
        labelled.stream().map(row -> row.replaceFirst("^[0-9]+,", "")).toList();
    assertTrue(
        test.stream().allMatch(row -> withoutNumbers.contains(row.replaceFirst("^[0-9]+,", ""))),
        test.toString());
    labels[8] = 10;
    Files.write(answers, labels);
    refused(
        predict(model, "idx:" + file + "," + answers),
        "label 10 of sample 0 is none of the model's classes");
    refused(predict(model, "idx:" + file + "," + file), "expected labels: whole numbers");
    refused(predict(model, "idx:a,b,c"), "names 3 files");

    float[] sample = new float[4];
    for (int i = 0; i < 4; i++) {
      sample[i] = (float) (((images[16 + 76 + i] & 0xFF) / 255.0 - 0.1307) / 0.3081);
    }
    Model same =
        Model.of(
            Shape.of(2, 2, 1),
            Sequential.of(new Flatten(), new Linear(8), new ReLU(), new Linear(10)));
    float[] scores = same.load(model).predict(sample);
    double sum = 0;
    for (float score : scores) {
      sum += Math.exp(score);
    }
    String[] fields = all.get(20).split(",", -1);
    for (int i = 0; i < 10; i++) {
      assertEquals(Math.exp(scores[i]) / sum, Double.parseDouble(fields[2 + i]), 1e-5);
    }
  }

  @Test
  void badUseIsRefusedAndWhatStoodStays() throws IOException {
    Path model = trainedOnClouds();
    Files.writeString(predictions, "stood");
    String data = "csv:" + csv;
    refused(predict(folder.resolve("no"), data), folder.resolve("no") + ": there is no such file");
    refused(predict(csv, data), csv + ": is truncated or no safetensors file");
    refused(predict(model, "digits"), "trained on columns of a CSV file");
    refused(predict(model, "csv:nowhere.csv"), "nowhere.csv: there is no such file");
    refused(predict(model, data, "--batch-size", "0"), "--batch-size must be at least 1");
    refused(predict(model, data, "--device", "gpu"), "unknown --device");
    refused(predict(model, data, "--out", "" + folder), "is a folder, expected a file's name");
    refused(CliRun.of("predict", "--data", data), "--model-file");
    Path other = folder.resolve("other.csv");
    Files.writeString(other, "x,z\n1,2\n");
    refused(predict(model, "csv:" + other), "lacks the column [y]");
    Files.writeString(other, "1,2\n");
    refused(predict(model, "csv:" + other), "its first line names [1, 2]");
    Files.writeString(other, "y,x,class\n1,2,left\n1,2,up\n");
    refused(
        predict(model, "csv:" + other),
        "line 3, column \"class\": \"up\" is none of the model's classes [left, r,]");
    Files.writeString(other, "y,x\n1,two\n");
    refused(predict(model, "csv:" + other), "line 2, column \"x\": \"two\"");
    byte[] bytes = Files.readAllBytes(model);
    bytes[bytes.length - 1] ^= 1;
    Files.write(model, bytes);
    refused(predict(model, data), model + ": is damaged");
    Model unnamed = Model.of(Shape.of(2), new Linear(2)).initialize(1);
    Safetensors.write(model, unnamed.tensors(unnamed.weights()), Map.of());
    refused(predict(model, data), "does not say which network");
    unnamed.save(model, Map.of());
    refused(predict(model, data), "the model was trained on samples [2], not on");
    Map<String, String> unknown = Map.of("halfstep.architecture", "{\"version\":2}");
    Safetensors.write(model, unnamed.tensors(unnamed.weights()), unknown);
    refused(predict(model, data), model + ": has a halfstep.architecture that cannot be read");
    assertEquals("stood", Files.readString(predictions));
  }

  private static void refused(CliRun run, String message) {
    assertEquals(2, run.status(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertTrue(run.err().startsWith("halfstep predict: "), run.err());
    assertTrue(run.err().lines().count() <= 2, run.err());
    assertEquals("", run.out());
  }

  @Test
  void anAlteredCardIsRefused() throws IOException {
    Model model = Model.of(Shape.of(2), Sequential.of(new Linear(8), new ReLU(), new Linear(2)));
    Path file = folder.resolve("model");
    for (String card :
        List.of(
            "not JSON",
            "{}",
            "{\"model\":\"resnet\",\"sampleShape\":[2],\"classes\":[\"a\",\"b\"],"
                + "\"mean\":[0],\"std\":[1]}",
            "{\"model\":\"mlp:8\",\"sampleShape\":[2],\"classes\":[\"a\",\"b\"],"
                + "\"mean\":[0],\"std\":[0]}",
            card("[28,28,0]", "[\"a\",\"b\"]", "[0]"),
            card("[28,28,-1]", "[\"a\",\"b\"]", "[0]"),
            card("[4294967296,4294967296]", "[\"a\",\"b\"]", "[0]"),
            card("[null]", "[\"a\",\"b\"]", "[0]"),
            card("[]", "[\"a\",\"b\"]", "[0]"),
            card("[2]", "[null,\"b\"]", "[0]"),
            card("[2]", "[\"a\"]", "[0]"),
            card("[2]", "null", "[0]"),
            card("[2]", "[\"a\",\"b\"]", "[null]"),
            card("[2]", "[\"a\",\"b\"]", "[0,0,0]"),
            // Columns that are not the samples' inputs.
            "{\"model\":\"mlp:8\",\"sampleShape\":[2],\"classes\":[\"a\",\"b\"],"
                + "\"mean\":[0],\"std\":[1],\"table\":{\"header\":true,\"separator\":\",\","
                + "\"columns\":[],\"target\":{\"name\":\"y\",\"classes\":[\"a\",\"b\"],"
                + "\"mean\":0,\"std\":1},\"filled\":false}}")) {
      Map<String, Safetensors.Entry> tensors = model.tensors(model.initialize(1).weights());
      Safetensors.write(file, tensors, Map.of(ModelCard.KEY, card));
      refused(predict(file, "digits"), "that this version does not understand");
    }
  }

  @Test
  void filesFromBeforeLayersStoodInThemAreRead() throws IOException {
    Path model = trainedOnClouds();
    List<String> expected = predicted(model, "csv:" + csv);
    Safetensors.Contents contents = Safetensors.read(model);
    assertTrue(contents.metadata().containsKey("halfstep.architecture"));
    String card = Json.line(ModelCard.in(contents)); // which had everything
    Safetensors.write(model, contents.tensors(), Map.of(ModelCard.KEY, card));
    assertEquals(expected, predicted(model, "csv:" + csv));
  }

  @Test
  void aModelThatAProgramSavedIsPredictedWithoutFurtherWords() throws IOException {
    Path file = folder.resolve("model");
    Model model =
        Model.of(Shape.of(28, 28, 1), Sequential.of(new Flatten(), new Linear(10))).initialize(1);
    List<String> classes = List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
    SavedModel.of(model)
        .withNormalization(Normalization.ofUnitPixels(0.1307, 0.3081))
        .withClasses(classes)
        .save(file);
    List<String> named = predicted(file, "digits");
    assertEquals(2001, named.size());
    assertTrue(named.get(0).startsWith("row,predicted,probability of 0,"), named.get(0));
    SavedModel.of(model).withNormalization(Normalization.ofUnitPixels(0.1307, 0.3081)).save(file);
    assertEquals(named, predicted(file, "digits")); // numbered where they have no names
  }

  private static String card(String shape, String classes, String mean) {
    return "{\"model\":\"mlp:8\",\"sampleShape\":%s,\"classes\":%s,\"mean\":%s,\"std\":%s}"
        .formatted(shape, classes, mean, mean.replace('0', '1'));
  }

  @Test
  void whatIsReadIsNotWrittenOver() throws IOException {
    Path model = trainedOnClouds();
    byte[] weights = Files.readAllBytes(model);
    byte[] rows = Files.readAllBytes(csv);
    Path link = Files.createSymbolicLink(folder.resolve("link"), model);
    String data = "csv:" + csv;
    refused(predict(model, data, "--out", "" + csv), "is what --data names");
    refused(predict(model, data, "--out", "" + model), "is what --model-file names");
    refused(predict(model, data, "--out", "" + link), "is what --model-file names");
    refused(predict(model, data, "--json", "" + csv), "is what --data names");
    refused(predict(model, data, "--json", "" + predictions), "is what --out names");
    assertArrayEquals(weights, Files.readAllBytes(model));
    assertArrayEquals(rows, Files.readAllBytes(csv));
  }

  @Test
  void aFullDiskNamesTheFile() {
    CliRun run = predict(trainedOnClouds(), "csv:" + csv, "--out", "/dev/full");
    assertEquals(1, run.status());
    assertEquals("halfstep predict: /dev/full: No space left on device", run.err().strip());
  }

  @Test
  void outputsThatAreNotFiniteAreNoSuccess() throws IOException {
    Path file = trainedOnClouds();
    Safetensors.Contents contents = Safetensors.read(file);
    Model model = ModelCard.in(contents).model(contents, ModelSpec::network);
    float[] bias = model.get("3.bias");
    bias[0] = Float.NaN;
    model.set("3.bias", bias);
    model.save(file, contents.metadata());
    CliRun run = predict(file, "csv:" + csv);
    assertEquals(1, run.status());
    assertTrue(
        run.err()
            .startsWith(
                "halfstep predict: the outputs of 150 of 150 rows are not finite, those of"),
        run.err());
    assertTrue(run.err().contains("row 0 the first: the weights in " + file), run.err());
    assertTrue(run.out().contains("accuracy 0.00 % (0 of 150)"), run.out());
    assertEquals("0,,NaN,NaN,left", Files.readAllLines(predictions).get(1));
  }
}
