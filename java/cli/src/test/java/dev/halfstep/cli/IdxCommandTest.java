package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** IDX files of other data than MNIST's on the command line. */
final class IdxCommandTest {
  private static final int SIDE = 4;

  @TempDir Path folder;

  /** Images of 4 x 4 whose brightest row says the class: easily learned. */
  private Path images(String name, int type, int samples, IntUnaryOperator classOf)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(type << 8 | 3);
    out.writeInt(samples);
    out.writeInt(SIDE);
    out.writeInt(SIDE);
    for (int i = 0; i < samples * SIDE * SIDE; i++) {
      int sample = i / (SIDE * SIDE);
      boolean bright = i / SIDE % SIDE == classOf.applyAsInt(sample) % SIDE;
      int value = (bright ? 100 : 0) + (i * 7 + sample) % 13;
      switch (type) {
        case 0x08, 0x09 -> out.writeByte(value);
        case 0x0B -> out.writeShort(value);
        case 0x0C -> out.writeInt(value);
        case 0x0D -> out.writeFloat(value);
        default -> out.writeDouble(value);
      }
    }
    return Files.write(folder.resolve(name), bytes.toByteArray());
  }

  private Path labels(String name, int samples, IntUnaryOperator labelOf) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(0x801);
    out.writeInt(samples);
    for (int i = 0; i < samples; i++) {
      out.writeByte(labelOf.applyAsInt(i));
    }
    return Files.write(folder.resolve(name), bytes.toByteArray());
  }

  private CliRun run(String... options) {
    List<String> args =
        new ArrayList<>(List.of("train", "--device", "cpu", "--model", "mlp:16", "--lr", "0.01"));
    args.addAll(List.of("--batch-size", "8", "--out", "" + folder.resolve("run")));
    args.addAll(List.of(options));
    return CliRun.of(args.toArray(String[]::new));
  }

  private JsonNode report() throws IOException {
    return new ObjectMapper().readTree(folder.resolve("run/report.json").toFile());
  }

  @Test
  void filesOfEveryTypeTrainAndPredict() throws IOException {
    Path answers = labels("labels", 200, i -> 5 + i % 4);
    for (int type : new int[] {0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E}) {
      Path samples = images("images", type, 200, i -> i % 4);
      String data = "idx:" + samples + "," + answers;
      CliRun run = run("--data", data);
      assertEquals(0, run.status(), run.err());
      assertEquals(
          "{\"train\":144,\"validation\":16,\"test\":40}", report().at("/samples").toString());
      assertEquals(1, report().at("/test/accuracy").asDouble(), 0.05, "type " + type);
      CliRun predict =
          CliRun.of(
              "predict",
              "--model-file",
              "" + folder.resolve("run/model.safetensors"),
              "--data",
              data,
              "--device",
              "cpu",
              "--out",
              "" + folder.resolve("p.csv"));
      assertEquals(0, predict.status(), predict.err());
      List<String> rows = Files.readAllLines(folder.resolve("p.csv"));
      assertTrue(rows.get(0).startsWith("row,predicted,probability of 5,"), rows.get(0));
      assertTrue(rows.get(4).startsWith("3,8,") && rows.get(4).endsWith(",8"), rows.get(4));
    }
  }

  @Test
  void testSamplesCanLieInFilesOfTheirOwn() throws IOException {
    Path train = images("a", 0x08, 100, i -> i % 4);
    Path test = images("b", 0x08, 20, i -> i % 4);
    String files =
        train
            + ","
            + labels("al", 100, i -> i % 4)
            + ","
            + test
            + ","
            + labels("bl", 20, i -> i % 4);
    CliRun run = run("--data", "idx:" + files, "--val-fraction", "0.2");
    assertEquals(0, run.status(), run.err());
    assertEquals(
        "{\"train\":80,\"validation\":20,\"test\":20}", report().at("/samples").toString());
    CliRun one = run("--data", "idx:" + train);
    assertEquals(2, one.status());
    assertTrue(one.err().contains("names 1 files"), one.err());
    CliRun none = run("--data", "idx:" + train + ",");
    assertEquals(2, none.status());
    assertTrue(none.err().contains("Give it as idx:SAMPLES,LABELS"), none.err());
  }

  @Test
  void filesThatAreSortedByClassAreDrawnFrom() throws IOException {
    images("train-images-idx3-ubyte", 0x08, 400, i -> i / 100);
    labels("train-labels-idx1-ubyte", 400, i -> i / 100);
    CliRun run = run("--data", "mnist:" + folder);
    assertEquals(0, run.status(), run.err());
    assertEquals(
        "{\"train\":288,\"validation\":32,\"test\":80}", report().at("/samples").toString());
    assertTrue(report().at("/epochs/9/valAccuracy").asDouble() > 0.9, report().toString());
    assertTrue(report().at("/test/accuracy").asDouble() > 0.9, report().toString());
  }

  @Test
  void testFilesWithOtherClassesAreSaid() throws IOException {
    images("train-images-idx3-ubyte", 0x08, 100, i -> i % 2);
    labels("train-labels-idx1-ubyte", 100, i -> i % 2);
    images("t10k-images-idx3-ubyte", 0x08, 40, i -> 2);
    labels("t10k-labels-idx1-ubyte", 40, i -> 2);
    CliRun run = run("--data", "mnist:" + folder);
    assertEquals(0, run.status(), run.err());
    assertTrue(
        run.out().contains("test holds classes that training lacks: 2, 40 of its 40 samples"),
        run.out());
    assertTrue(!run.out().contains("train longer"), run.out());
  }

  @Test
  void emnistTrainsUnderItsOwnNames() throws IOException {
    for (String part : List.of("train", "test")) {
      images("emnist-letters-" + part + "-images-idx3-ubyte", 0x08, 104, i -> i % 26);
      labels("emnist-letters-" + part + "-labels-idx1-ubyte", 104, i -> 1 + i % 26);
    }
    CliRun run = run("--data", "mnist:" + folder.resolve("emnist-letters"), "--epochs", "1");
    assertEquals(0, run.status(), run.err());
    CliRun alone = run("--data", "mnist:" + folder, "--epochs", "1");
    assertEquals(0, alone.status(), alone.err());
    String file = folder.resolve("emnist-letters-test-images-idx3-ubyte").toString();
    CliRun predict =
        CliRun.of(
            "predict",
            "--model-file",
            "" + folder.resolve("run/model.safetensors"),
            "--data",
            "idx:" + file + "," + file.replace("images-idx3", "labels-idx1"),
            "--out",
            "" + folder.resolve("p.csv"));
    assertEquals(0, predict.status(), predict.err());
    double accuracy = report().at("/test/accuracy").asDouble();
    assertTrue(
        predict.out().contains(String.format("accuracy %.2f %%", 100 * accuracy)), predict.out());
  }

  @Test
  void aTildeIsTheHome() throws IOException {
    images("train-images-idx3-ubyte", 0x08, 100, i -> i % 4);
    labels("train-labels-idx1-ubyte", 100, i -> i % 4);
    String home = System.getProperty("user.home");
    System.setProperty("user.home", folder.getParent().toString());
    try {
      CliRun run = run("--data", "mnist:~/" + folder.getFileName(), "--epochs", "1");
      assertEquals(0, run.status(), run.err());
    } finally {
      System.setProperty("user.home", home);
    }
  }
}
