package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.data.CsvDoubt;
import dev.halfstep.report.Advice;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of a CSV file on the command line, and what the commands say of it. */
final class CsvOptionsTest {
  @TempDir Path folder;
  private Path data;

  /** A row's number, two features and a class, sorted by class; the first line names them. */
  @BeforeEach
  void writeData() throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("n,x,y,class\n");
    for (int i = 0; i < 60; i++) {
      text.append(i + 1).append(',').append(random.nextGaussian() + i / 30 * 3).append(',');
      text.append(random.nextGaussian()).append(i < 30 ? ",a\n" : ",b\n");
    }
    data = Files.writeString(folder.resolve("data.csv"), text);
  }

  private CliRun run(String command, Path file, String... options) {
    List<String> args = new ArrayList<>(List.of(command, "--data", "csv:" + file));
    args.addAll(List.of("--device", "cpu", "--batch-size", "8"));
    args.addAll(List.of(options));
    return CliRun.of(args.toArray(String[]::new));
  }

  private CliRun plan(Path file, String... options) {
    CliRun run = run("plan", file, options);
    assertEquals(0, run.status(), run.err());
    return run;
  }

  private static void refused(String message, CliRun run) {
    assertEquals(2, run.status(), run.out());
    assertTrue(run.err().contains(message), run.err());
    assertTrue(run.err().lines().count() <= 2, run.err());
    assertEquals("", run.out());
  }

  @Test
  void everyDoubtHasItsFinding() {
    for (CsvDoubt.Kind kind : CsvDoubt.Kind.values()) {
      String line = Advice.onData(List.of(new CsvDoubt(kind, "this was seen", "do that")));
      String name = kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
      assertEquals("warning  " + name + ": this was seen; do that\n", line);
    }
  }

  @Test
  void aColumnThatCountsTheRowsIsAFindingAndCanBeLeftOut() throws IOException {
    String warning =
        "warning  row-number: column 1 (\"n\") is the row's number; leave it out with --ignore 1";
    Path json = folder.resolve("plan.json");
    CliRun plan = plan(data, "--json", json.toString());
    assertEquals(1, plan.out().split("row-number", -1).length - 1, plan.out());
    assertTrue(plan.out().contains(warning), plan.out());
    assertEquals(
        "ROW_NUMBER", new ObjectMapper().readTree(json.toFile()).at("/findings/0/code").asText());
    Path out = folder.resolve("run");
    CliRun train = run("train", data, "--epochs", "1", "--model", "mlp:4", "--out", out.toString());
    assertEquals(0, train.status(), train.err());
    assertTrue(train.out().contains(warning), train.out());
    assertTrue(
        Files.readString(out.resolve("report.json")).contains("ROW_NUMBER"), "in the report");
    CliRun finder = run("lr-find", data, "--steps", "5");
    assertTrue(finder.out().startsWith(warning), finder.out());
    for (String ignored : List.of("1", "n", "1,y", "-4")) {
      CliRun without = plan(data, "--ignore", ignored);
      assertFalse(without.out().contains("row-number"), without.out());
    }
    assertTrue(plan(data, "--ignore", "n,y").out().contains("60 samples of 1 columns"));
  }

  @Test
  void theFirstLineIsWhatItIsSaidToBe() throws IOException {
    assertTrue(plan(data).out().contains("60 samples of 3 columns, header"));
    assertTrue(plan(data, "--header").out().contains("60 samples of 3 columns, header"));
    refused("line 1, column \"column 1\": \"n\", expected", run("plan", data, "--no-header"));
    Path bare =
        Files.writeString(
            folder.resolve("bare.csv"), Files.readString(data).replaceFirst(".*\n", ""));
    assertTrue(plan(bare, "--label", "4").out().contains("60 samples of 3 columns, no header"));
    assertTrue(plan(bare, "--no-header").out().contains("60 samples of 3 columns, no header"));
    assertTrue(plan(bare, "--header").out().contains("59 samples of 3 columns, header"));
  }

  @Test
  void whatPredictionRefusesIsRefusedBeforeTraining() throws IOException {
    Path twice =
        Files.writeString(
            folder.resolve("twice.csv"), Files.readString(data).replace("n,x,y", "n,x,x"));
    Path out = folder.resolve("run");
    refused("has more than one column \"x\"", run("train", twice, "--out", out.toString()));
    assertFalse(Files.exists(out));
    CliRun train =
        run("train", twice, "--ignore", "2,3", "--model", "mlp:4", "--out", out.toString());
    assertEquals(0, train.status(), train.err());
    CliRun predict =
        run(
            "predict",
            twice,
            "--model-file",
            out + "/model.safetensors",
            "--out",
            folder + "/p.csv");
    assertEquals(0, predict.status(), predict.err());
  }

  @Test
  void aLabelThatIsYetToBeFilledInIsNone() throws IOException {
    Path out = folder.resolve("run");
    CliRun train = run("train", data, "--model", "mlp:4", "--epochs", "2", "--out", out.toString());
    assertEquals(0, train.status(), train.err());
    Path open = Files.writeString(folder.resolve("open.csv"), "n,x,y,class\n1,2,3,\n2,3,4,\n");
    String[] options = {"--model-file", out + "/model.safetensors", "--out", folder + "/p.csv"};
    CliRun none = run("predict", open, options);
    assertEquals(0, none.status(), none.err());
    assertFalse(none.out().contains("accuracy"), none.out());
    List<String> lines = Files.readAllLines(folder.resolve("p.csv"));
    assertEquals("row,predicted,probability of a,probability of b", lines.get(0));
    Files.writeString(open, "n,x,y,class\n1,2,3,\n2,0,0,a\n");
    CliRun one = run("predict", open, options);
    assertEquals(0, one.status(), one.err());
    assertTrue(one.out().contains(" of 1)"), one.out());
    lines = Files.readAllLines(folder.resolve("p.csv"));
    assertTrue(lines.get(1).endsWith(",") && lines.get(2).endsWith(",a"), "" + lines);
  }

  @Test
  void homeAndCompressedFilesAreFound() throws IOException {
    Path zipped = folder.resolve("data.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(zipped))) {
      out.write(Files.readString(data).getBytes(StandardCharsets.UTF_8));
    }
    assertTrue(plan(zipped).out().contains("60 samples of 3 columns, header"));
    String home = System.getProperty("user.home");
    System.setProperty("user.home", folder.toString());
    try {
      plan(Path.of("~/data.csv.gz"));
      refused(folder + "/no.csv: there is no such file", run("plan", Path.of("~/no.csv")));
    } finally {
      System.setProperty("user.home", home);
    }
  }

  @Test
  void aRunGoesOnWithTheFormThatItsFileWasSaidToHave() throws IOException {
    Path bare =
        Files.writeString(
            folder.resolve("bare.csv"),
            Files.readString(data).replaceFirst(".*\n", "").replace(',', ';'));
    Path out = folder.resolve("run");
    CliRun run =
        run(
            "train",
            bare,
            "--no-header",
            "--separator",
            ";",
            "--label",
            "-1",
            "--ignore",
            "1,2",
            "--model",
            "mlp:4",
            "--epochs",
            "2",
            "--checkpoint-every",
            "3",
            "--out",
            out.toString());
    assertEquals(0, run.status(), run.err());
    byte[] whole = Files.readAllBytes(out.resolve("model.safetensors"));
    Files.delete(out.resolve("model.safetensors"));
    CliRun resumed = CliRun.of("train", "--resume", out.toString());
    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(resumed.out().contains("60 samples of 1 columns, no header"), resumed.out());
    assertArrayEquals(whole, Files.readAllBytes(out.resolve("model.safetensors")));
  }

  @Test
  void impossibleOptionsAreRefused() {
    refused("--separator ';;' is not one character", run("plan", data, "--separator", ";;"));
    refused("fields cannot be separated by \"a\"", run("plan", data, "--separator", "a"));
    refused("unknown --missing 'drop'", run("plan", data, "--missing", "drop"));
    refused("has no column \"z\" to leave out", run("plan", data, "--ignore", "z"));
    refused("has no column \"9\" to take as label", run("plan", data, "--label", "9"));
    for (String option : List.of("--header", "--no-header", "--regression")) {
      refused(option + " is for CSV files", CliRun.of("plan", "--data", "digits", option));
    }
    refused("--ignore is for CSV files", CliRun.of("plan", "--data", "digits", "--ignore", "1"));
    refused("/dev/zero: is a device or a pipe", run("plan", Path.of("/dev/zero")));
  }
}
