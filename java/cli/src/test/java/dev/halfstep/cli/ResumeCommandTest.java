package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.files.Safetensors;
import dev.halfstep.train.Checkpoints;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code train --resume}: which run it goes on with, and what it takes from its checkpoint. */
final class ResumeCommandTest {
  @TempDir Path folder;
  private Path csv;
  private Path run;

  @BeforeEach
  void writeData() throws IOException {
    csv = folder.resolve("data.csv");
    writeData(0);
    run = folder.resolve("run");
  }

  private void writeData(double shift) throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("x,y,class\n");
    for (int i = 0; i < 100; i++) {
      text.append(random.nextGaussian() + (i < 50 ? shift : 0)).append(',');
      text.append(random.nextGaussian()).append(',').append(i % 2).append('\n');
    }
    Files.writeString(csv, text);
  }

  /** 72 samples train, in 9 updates an epoch. */
  private CliRun train(String... options) {
    List<String> args =
        new ArrayList<>(
            List.of("train", "--device", "cpu", "--data", "csv:" + csv, "--out", "" + run));
    args.addAll(List.of("--model", "mlp:4", "--batch-size", "8", "--checkpoint-every", "10"));
    args.addAll(List.of(options));
    return CliRun.of(args.toArray(String[]::new));
  }

  private CliRun resume(String... more) {
    List<String> args = new ArrayList<>(List.of("train", "--resume", "" + run));
    args.addAll(Arrays.asList(more));
    return CliRun.of(args.toArray(String[]::new));
  }

  private List<String> checkpoints() throws IOException {
    try (Stream<Path> files = Files.list(run)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.contains("checkpoint"))
          .sorted()
          .toList();
    }
  }

  @Test
  void aRunWithoutCheckpointsLeavesNoneOfTheRunThatItReplaces() throws IOException {
    assertEquals(0, train("--epochs", "9").status());
    String[] args = {"train", "--device", "cpu", "--data", "csv:" + csv, "--out", "" + run};
    assertEquals(0, CliRun.of(args).status());
    assertEquals(List.of(), checkpoints());
    assertEquals(2, resume().status());
  }

  @Test
  void aSecondRunInTheFolderIsTheOneThatIsResumed() throws IOException {
    assertEquals(0, train("--epochs", "9", "--seed", "1").status());
    assertEquals(
        List.of("checkpoint-1-70.safetensors", "checkpoint-1-80.safetensors"), checkpoints());
    assertEquals(0, train("--epochs", "3", "--seed", "2").status());
    assertEquals(
        List.of("checkpoint-2-10.safetensors", "checkpoint-2-20.safetensors"), checkpoints());
    byte[] weights = Files.readAllBytes(run.resolve("model.safetensors"));
    Files.delete(run.resolve("model.safetensors"));
    CliRun resumed = resume();
    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(resumed.out().contains("checkpoint-2-20.safetensors"), resumed.out());
    assertArrayEquals(weights, Files.readAllBytes(run.resolve("model.safetensors")));
    assertEquals(
        2, new ObjectMapper().readTree(run.resolve("report.json").toFile()).at("/seed").asInt());
  }

  @Test
  void theOptionsOfTheRunAreTakenAndThoseOfTheNewCommandAreNone() throws IOException {
    Path words =
        Files.writeString(folder.resolve("words"), "--epochs 4 --trace 1.weight[0],1.bias[1]");
    Path json = folder.resolve("r.json");
    CliRun first = train("@" + words, "--gradient-noise", "--lr=0.02", "--json", "" + json);
    assertEquals(0, first.status(), first.err());
    Files.delete(json);
    Files.delete(words);
    CliRun resumed = resume();
    assertEquals(0, resumed.status(), resumed.err());
    assertFalse(Files.exists(json));
    assertEquals(0, resume("--json", "" + json).status());
    assertEquals(4, new ObjectMapper().readTree(json.toFile()).at("/epochs").size());
    assertEquals(2, new ObjectMapper().readTree(json.toFile()).at("/traces").size());
    CliRun more = resume("--epochs", "3");
    assertEquals(2, more.status());
    assertTrue(more.err().contains("takes no other than --json"), more.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          null                            | expected an object of lists of texts
          [null]                          | expected an object of lists of texts
          {'--epochs':[null]}             | expected an object of lists of texts
          {'--epochs':'3'}                | expected an object of lists of texts
          not JSON                        | is no checkpoint of halfstep train
          {'--epochs':['many']}           | 'many' is not a whole number
          {'--json':['VICTIM']}           | it has the option --json
          {'--out':['VICTIM']}            | it has the option --out
          {'--resume':['RUN']}            | it has the option --resume
          {'--help':[]}                   | it has the option --help
          {'--version':[]}                | it has the option --version
          {'-h':[]}                       | it has the option -h
          {'@VICTIM':[]}                  | it has the option @VICTIM
          {'--frobnicate':['1']}          | it has the option --frobnicate
          {'--model':['@VICTIM']}         | unknown --model '@VICTIM'
          """)
  void aCheckpointSaysNothingButTheOptionsOfARun(String options, String message)
      throws IOException {
    assertEquals(0, train("--epochs", "2").status());
    Path victim = Files.writeString(folder.resolve("victim"), "secret");
    Safetensors.Contents good = Checkpoints.newest(run);
    Map<String, String> texts = new LinkedHashMap<>(good.metadata());
    String text = options.replace('\'', '"').replace("VICTIM", "" + victim);
    texts.put("options", text.replace("RUN", "" + run));
    Safetensors.write(good.file(), good.tensors(), texts);
    CliRun resumed = resume();
    assertEquals(2, resumed.status(), resumed.err());
    assertTrue(resumed.err().contains(message.replace("VICTIM", "" + victim)), resumed.err());
    assertTrue(resumed.err().startsWith("halfstep train: "), resumed.err());
    assertTrue(resumed.err().lines().count() <= 2, resumed.err());
    assertFalse((resumed.err() + resumed.out()).contains("secret"), resumed.err());
    assertEquals("secret", Files.readString(victim));
  }

  @Test
  void otherDataUnderTheSameNameAreRefused() throws IOException {
    assertEquals(0, train("--epochs", "2").status());
    writeData(0.001);
    CliRun resumed = resume();
    assertEquals(2, resumed.status(), resumed.err());
    assertTrue(resumed.err().contains("checkpoint-1-10.safetensors: "), resumed.err());
    assertTrue(resumed.err().contains("features of the training samples"), resumed.err());
    writeData(0);
    assertEquals(0, resume().status());
  }
}
