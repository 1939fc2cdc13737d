package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.files.Safetensors;
import dev.halfstep.report.ModelCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tables in the forms in which the UCI repository publishes them are trained on and predicted by
 * the command line alone. Their values are drawn here.
 */
final class PublishedTablesTest {
  @TempDir Path folder;
  private final Random random = new Random(7);

  private CliRun train(Path data, String... options) {
    List<String> args = new ArrayList<>(List.of("train", "--data", "csv:" + data));
    args.addAll(List.of("--device", "cpu", "--model", "mlp:16", "--batch-size", "16"));
    args.addAll(
        List.of("--lr", "0.01", "--epochs", "20", "--out", folder.resolve("run").toString()));
    args.addAll(List.of(options));
    CliRun run = CliRun.of(args.toArray(String[]::new));
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    return run;
  }

  private CliRun predict(Path data, String... options) {
    List<String> args = new ArrayList<>(List.of("predict", "--data", "csv:" + data));
    args.addAll(List.of("--device", "cpu", "--model-file", folder + "/run/model.safetensors"));
    args.addAll(List.of("--out", folder + "/p.csv", "--json", folder + "/p.json"));
    args.addAll(List.of(options));
    CliRun run = CliRun.of(args.toArray(String[]::new));
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    return run;
  }

  private JsonNode json(String file) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(file).toFile());
  }

  /** What the model file says of the table. */
  private JsonNode table() throws IOException {
    String card =
        Safetensors.read(folder.resolve("run/model.safetensors")).metadata().get(ModelCard.KEY);
    return new ObjectMapper().readTree(card).at("/table");
  }

  private String number(double mean, double deviation) {
    return String.format(Locale.ROOT, "%.2f", mean + deviation * random.nextGaussian());
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void irisHasNoHeaderAndItsLabelLast() throws IOException {
    StringBuilder text = new StringBuilder();
    String[] names = {"Iris-setosa", "Iris-versicolor", "Iris-virginica"};
    for (int i = 0; i < 150; i++) {
      int c = i / 50;
      text.append(number(5 + c, 0.4)).append(',').append(number(3, 0.3)).append(',');
      text.append(number(1.5 + 2 * c, 0.4)).append(',').append(number(0.3 + c, 0.2));
      text.append(',').append(names[c]).append('\n');
    }
    Path iris = write("iris.data", text + "\n");
    CliRun run = train(iris);
    assertTrue(
        run.out()
            .contains(
                "         150 samples of 4 columns, no header, separator ',', label \"column 5\", 3"
                    + " classes"),
        run.out());
    assertTrue(json("run/report.json").at("/test/accuracy").asDouble() > 0.9, run.out());
    assertFalse(table().at("/header").asBoolean());
    assertEquals("column 5", table().at("/target/name").asText());
    assertEquals("Iris-versicolor", table().at("/target/classes/1").asText());
    assertEquals(4, table().at("/columns").size());
    CliRun predicted = predict(iris);
    assertTrue(json("p.json").at("/accuracy").asDouble() > 0.9, predicted.out());
    assertTrue(Files.readAllLines(folder.resolve("p.csv")).get(1).startsWith("0,Iris-setosa,"));
  }

  @Test
  void wineHasItsLabelFirst() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 178; i++) {
      int c = i < 59 ? 1 : i < 130 ? 2 : 3;
      text.append(c);
      for (int column = 0; column < 12; column++) {
        text.append(',').append(number(column + (column % 3 + 1 == c ? 2 : 0), 0.7));
      }
      text.append(',').append(Math.round(700 + 300 * c + 100 * random.nextGaussian()));
      text.append('\n');
    }
    Path wine = write("wine.data", text.toString());
    CliRun run = train(wine, "--label", "1");
    assertTrue(
        run.out()
            .contains(
                "178 samples of 13 columns, no header, separator ',', label \"column 1\", 3"
                    + " classes"),
        run.out());
    assertTrue(json("run/report.json").at("/test/accuracy").asDouble() > 0.9, run.out());
    assertEquals("column 2", table().at("/columns/0/name").asText());
    assertEquals("[\"1\",\"2\",\"3\"]", table().at("/target/classes").toString());
    predict(wine);
    assertTrue(json("p.json").at("/accuracy").asDouble() > 0.9);
    assertEquals(178, json("p.json").at("/rows").asInt());
  }

  /** A row of adult: age, work, education, hours, country, class. */
  private String adult(String end) {
    boolean rich = random.nextInt(3) == 0;
    String[] works = {"State-gov", "Private", "Self-emp-not-inc", "?"};
    String education = rich ? "Masters" : random.nextInt(4) == 0 ? "Masters" : "HS-grad";
    return String.join(
        ", ",
        "" + Math.max(17, Math.round((rich ? 48 : 33) + 9 * random.nextGaussian())),
        works[random.nextInt(20) == 0 ? 3 : random.nextInt(3)],
        education,
        "" + Math.max(1, Math.round((rich ? 48 : 37) + 8 * random.nextGaussian())),
        random.nextInt(30) == 0 ? "?" : random.nextInt(10) == 0 ? "Mexico" : "United-States",
        (rich ? ">50K" : "<=50K") + end);
  }

  @Test
  void adultHasTextsSpacesAndMissingValues() throws IOException {
    StringBuilder train = new StringBuilder();
    StringBuilder test = new StringBuilder("|1x3 Cross validator\n");
    for (int i = 0; i < 600; i++) {
      train.append(adult("")).append('\n');
      test.append(i < 200 ? adult(".") + "\n" : "");
    }
    test.append("40, Private, Doctorate, 40, Laos, <=50K.\n");
    Path data = write("adult.data", train + "\n");
    CliRun refused = CliRun.of("train", "--data", "csv:" + data, "--device", "cpu");
    assertEquals(2, refused.status());
    assertTrue(refused.err().contains("has missing values: ["), refused.err());
    assertTrue(refused.err().contains(" in column \"column 2\" (the first in line"), refused.err());
    assertTrue(refused.err().contains("(--missing mean)"), refused.err());

    CliRun run = train(data, "--missing", "mean");
    assertTrue(
        run.out().contains("600 samples of 5 columns (3 of texts, 9 categories), no header"),
        run.out());
    assertTrue(run.out().contains("label \"column 6\", 2 classes, "), run.out());
    assertTrue(run.out().contains(" missing values filled in"), run.out());
    double share = json("run/report.json").at("/test/accuracy").asDouble();
    assertTrue(share > 0.8, run.out()); // two thirds are <=50K
    assertEquals(
        "[\"\",\"Private\",\"Self-emp-not-inc\",\"State-gov\"]",
        table().at("/columns/1/categories").toString());
    assertTrue(table().at("/filled").asBoolean());

    CliRun predicted = predict(write("adult.test", test.toString()));
    assertTrue(json("p.json").at("/accuracy").asDouble() > 0.8, predicted.out());
    assertTrue(
        predicted
            .out()
            .contains(
                "warning  unknown-category: column \"column 3\" has in 1 of 201 rows a category"
                    + " that is not in those trained on, such as \"Doctorate\""),
        predicted.out());
    List<String> lines = Files.readAllLines(folder.resolve("p.csv"));
    assertEquals(202, lines.size());
    assertTrue(lines.get(201).endsWith(",<=50K"), lines.get(201));
  }

  private Path wineQuality() throws IOException {
    StringBuilder text = new StringBuilder("\"fixed acidity\";\"alcohol\";\"pH\";\"quality\"\n");
    for (int i = 0; i < 400; i++) {
      int quality = 4 + random.nextInt(4);
      text.append(number(9 - quality, 0.4)).append(';').append(number(quality * 1.5, 0.3));
      text.append(';').append(number(3.3, 0.1)).append(';').append(quality).append('\n');
    }
    return write("winequality-red.csv", text.toString());
  }

  @Test
  void wineQualityHasSemicolonsAndAQuotedHeader() throws IOException {
    Path data = wineQuality();
    CliRun refused = CliRun.of("train", "--data", "csv:" + data, "--device", "cpu");
    assertEquals(2, refused.status());
    assertTrue(refused.err().contains("separated by ';': say so (--separator ';')"), refused.err());

    CliRun run = train(data, "--separator", ";");
    assertTrue(
        run.out()
            .contains(
                "400 samples of 3 columns, header, separator ';', label \"quality\", 4 classes"),
        run.out());
    assertTrue(json("run/report.json").at("/test/accuracy").asDouble() > 0.8, run.out());
    assertEquals(";", table().at("/separator").asText());
    predict(data);
    assertTrue(json("p.json").at("/accuracy").asDouble() > 0.8);
    // Other files may have another form.
    Path commas = write("commas.csv", Files.readString(data).replace(';', ','));
    double share = json("p.json").at("/accuracy").asDouble();
    predict(commas, "--separator", ",");
    assertEquals(share, json("p.json").at("/accuracy").asDouble());
  }

  @Test
  void theQualityOfWineMayBeANumber() throws IOException {
    Path data = wineQuality();
    CliRun run = train(data, "--separator", "semicolon", "--regression", "--label", "quality");
    assertTrue(run.out().contains("target \"quality\" of mean 5."), run.out());
    JsonNode report = json("run/report.json");
    assertTrue(report.at("/test/rmse").asDouble() < 0.6, run.out()); // the deviation is 1.1
    assertTrue(report.at("/test/r2").asDouble() > 0.7, run.out());
  }

  @Test
  void housingIsPredictedInItsOwnUnits() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 400; i++) {
      double rooms = 6.2 + 0.7 * random.nextGaussian();
      double poor = 12 + 6 * random.nextDouble();
      double price = 22 + 8 * (rooms - 6.2) - 0.9 * (poor - 15) + random.nextGaussian();
      text.append(
          String.format(
              Locale.ROOT,
              " %7.5f  %6.2f   %6.4f %6.2f  %5.2f\n",
              0.006 * i % 1,
              18.0,
              rooms,
              poor,
              price));
    }
    Path data = write("housing.data", text.toString());
    CliRun refused = CliRun.of("train", "--data", "csv:" + data, "--device", "cpu");
    assertEquals(2, refused.status());
    assertTrue(refused.err().contains("say so (--separator space)"), refused.err());
    refused =
        CliRun.of("train", "--data", "csv:" + data, "--device", "cpu", "--separator", "space");
    assertEquals(2, refused.status());
    assertTrue(refused.err().contains("say so (--regression)"), refused.err());

    CliRun run = train(data, "--separator", "space", "--regression");
    assertTrue(
        run.out().contains("400 samples of 4 columns, no header, separator spaces, target"),
        run.out());
    assertTrue(run.out().contains(", RMSE "), run.out());
    assertFalse(run.out().contains(" %"), run.out());
    JsonNode report = json("run/report.json");
    assertEquals("column 5", report.at("/target/name").asText());
    double deviation = report.at("/target/deviation").asDouble();
    double rmse = report.at("/test/rmse").asDouble();
    assertEquals(deviation * Math.sqrt(report.at("/test/loss").asDouble()), rmse, 1e-9);
    assertTrue(rmse < 2 && deviation > 5, rmse + " of " + deviation); // the noise is 1
    assertTrue(report.at("/test/r2").asDouble() > 0.9);
    assertTrue(report.at("/test/accuracy").isNull());
    assertTrue(report.at("/epochs/0/trainAccuracy").isNull());
    assertTrue(Files.size(folder.resolve("run/training_curves.png")) > 1000);

    CliRun predicted = predict(data);
    assertTrue(predicted.out().startsWith("RMSE "), predicted.out());
    assertTrue(json("p.json").at("/rmse").asDouble() < 2, predicted.out());
    assertTrue(json("p.json").at("/accuracy").isNull());
    List<String> lines = Files.readAllLines(folder.resolve("p.csv"));
    assertEquals("row,predicted,label", lines.get(0));
    double squares = 0;
    List<String> rows = text.toString().lines().toList();
    for (int i = 0; i < 400; i++) {
      String[] fields = lines.get(i + 1).split(",", -1);
      float price = Float.parseFloat(rows.get(i).strip().split(" +", -1)[4]);
      assertEquals(price, Float.parseFloat(fields[2]));
      squares += Math.pow(Double.parseDouble(fields[1]) - price, 2);
    }
    assertEquals(Math.sqrt(squares / 400), json("p.json").at("/rmse").asDouble(), 1e-4);
  }

  @Test
  void allCommandsTakeARegressionOrRefuseIt() throws IOException {
    Path data = wineQuality();
    List<String> options =
        List.of("--data", "csv:" + data, "--separator", ";", "--regression", "--device", "cpu");
    for (String command : List.of("plan", "advise", "lr-find")) {
      CliRun run = with(command, options, "--model", "mlp:4");
      assertEquals(0, run.status(), run.err());
    }
    CliRun study = with("study", options);
    assertEquals(2, study.status());
    assertTrue(study.err().contains("study compares accuracies"), study.err());
    CliRun metric = with("train", options, "--early-stopping", "val_accuracy");
    assertEquals(2, metric.status());
    assertTrue(metric.err().contains("val_accuracy is for classes"), metric.err());

    String out = folder.resolve("whole").toString();
    String cut = folder.resolve("cut").toString();
    String[] run = {"--epochs", "3", "--checkpoint-every", "4", "--out"};
    assertEquals(0, with("train", options, add(run, out)).status());
    assertEquals(0, with("train", options, add(run, cut)).status());
    Files.delete(folder.resolve("cut/model.safetensors"));
    CliRun resumed = CliRun.of("train", "--resume", cut);
    assertEquals(0, resumed.status(), resumed.err());
    assertEquals(
        -1,
        Files.mismatch(
            folder.resolve("whole/model.safetensors"), folder.resolve("cut/model.safetensors")));
  }

  private static String[] add(String[] words, String last) {
    List<String> all = new ArrayList<>(List.of(words));
    all.add(last);
    return all.toArray(String[]::new);
  }

  private static CliRun with(String command, List<String> options, String... more) {
    List<String> args = new ArrayList<>(List.of(command));
    args.addAll(options);
    args.addAll(List.of(more));
    return CliRun.of(args.toArray(String[]::new));
  }
}
