package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What only a process of its own shows: signals, a disk that ends, the default folder. */
final class ProcessTest {
  private static final int PATIENCE_SECONDS = 300;

  @TempDir Path folder;

  /** A shell command line that runs the program after the given shell commands. */
  private Process start(String before, String... args) throws IOException {
    List<String> command = new ArrayList<>();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    // SIGINT works again where the tests were started in the background, which ignores it.
    String then = " exec env --default-signal=INT,TERM,HUP \"$0\" \"$@\"";
    command.addAll(List.of("bash", "-c", before + then, java));
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", classPath()));
    String cache = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (cache != null) {
      command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }
    command.add(Main.class.getName());
    command.addAll(List.of(args));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    // Whoever reads its output must not wait for ever.
    CompletableFuture.delayedExecutor(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .execute(process::destroyForcibly);
    return process;
  }

  /** Surefire's own class path is in a manifest; it says what stands there in a property. */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  private static int ended(Process process) throws InterruptedException {
    assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it does not end");
    return process.exitValue();
  }

  private static void signal(String name, Process process)
      throws IOException, InterruptedException {
    String pid = Long.toString(process.pid());
    assertEquals(0, new ProcessBuilder("kill", "-" + name, pid).start().waitFor());
  }

  /** As timeout(1) does, and a terminal that is closed: one for the program, one for its group. */
  private static void signalTwice(String name, Process process)
      throws IOException, InterruptedException {
    String kill = "kill -" + name + " " + process.pid();
    assertEquals(0, new ProcessBuilder("bash", "-c", kill + "; " + kill).start().waitFor());
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static final List<String> FILES =
      List.of("model.safetensors", "report.json", "training_curves.png");

  /** Reads lines up to one that begins so, which is returned. */
  private static String upTo(BufferedReader out, String beginning) throws IOException {
    String line = out.readLine();
    while (line != null && !line.startsWith(beginning)) {
      line = out.readLine();
    }
    assertNotNull(line, "there is no line that begins with " + beginning);
    return line;
  }

  private JsonNode report(String run) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(run).resolve("report.json").toFile());
  }

  @Test
  void aPathThatTheLocaleCannotNameIsRefusedWithTheLocale() throws Exception {
    Process process =
        start("export LC_ALL=C; ", "train", "--data", "csv:" + folder + "/Bl\u00fcten.csv");
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(2, ended(process), output);
    assertTrue(output.contains("is not a path"), output);
    assertTrue(output.contains("set LC_ALL=C.UTF-8"), output);
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
  void aSignalEndsARunCleanlyWithItsFilesWritten(String name, int status)
      throws IOException, InterruptedException {
    Process process = start("", "train", "--epochs", "100000", "--out", "run", "--data", "random");
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      upTo(out, "epoch ");
      signalTwice(name, process);
      List<String> rest = out.lines().toList();
      assertEquals(status, ended(process), rest.toString());
      assertTrue(rest.contains("interrupted by SIG" + name), rest.toString());
    }
    assertEquals(FILES, names(folder.resolve("run")));
    JsonNode report = report("run");
    assertEquals("interrupted by SIG" + name, report.at("/stopReason").asText());
    assertTrue(report.at("/bestEpoch").asInt() >= 1);
    assertTrue(report.at("/test/loss").isNumber());
  }

  @Test
  void aSignalWithinTheFirstEpochLeavesTheWeightsOfTheLastStep()
      throws IOException, InterruptedException {
    Process process =
        start("", "train", "--epochs", "9", "--out", "run", "--model", "cnn", "--batch-size", "1");
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      upTo(out, "a step ");
      signal("INT", process);
      List<String> rest = out.lines().toList();
      assertEquals(130, ended(process), rest.toString());
      assertTrue(rest.contains("interrupted by SIGINT"), rest.toString());
    }
    assertEquals(FILES, names(folder.resolve("run")));
    assertEquals(0, report("run").at("/epochs").size());
    assertEquals(0, report("run").at("/bestEpoch").asInt());
    assertTrue(report("run").at("/test/loss").isNumber());
  }

  @Test
  void aSecondSignalEndsTheProgramAtOnce() throws IOException, InterruptedException {
    // Updates of 9,000 images, a few seconds each: that long the first signal is not looked at.
    Process process =
        start(
            "",
            "train",
            "--epochs",
            "9",
            "--out",
            "run",
            "--model",
            "cnn",
            "--batch-size",
            "9000",
            "--micro-batch",
            "32",
            "--threads",
            "1");
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      upTo(out, "a step ");
      Thread.sleep(700);
      signal("INT", process);
      Thread.sleep(700);
      signal("INT", process);
      assertEquals(130, ended(process));
      assertEquals(List.of(), out.lines().filter(line -> line.startsWith("epoch")).toList());
    }
    // Nothing but what begins with a dot: a lock that nobody holds any more.
    assertEquals(
        List.of(),
        names(folder.resolve("run")).stream().filter(name -> !name.startsWith(".")).toList());
  }

  @Test
  void aJvmThatHandlesNoSignalsTrains() throws IOException, InterruptedException {
    Process process =
        start(
            "export JAVA_TOOL_OPTIONS=-Xrs;",
            "train",
            "--epochs",
            "1",
            "--out",
            "run",
            "--data",
            "random");
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(process), out);
    assertFalse(out.contains("Exception"), out);
    assertEquals(FILES, names(folder.resolve("run")));
    Process predict =
        start(
            "export JAVA_TOOL_OPTIONS=-Xrs;",
            "predict",
            "--model-file",
            "run/model.safetensors",
            "--data",
            "random");
    out = new String(predict.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(predict), out);
  }

  @Test
  void aMissingTemporaryFolderCostsNothing() throws IOException, InterruptedException {
    Process process =
        start(
            "export JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=/nonexistent;",
            "train",
            "--epochs",
            "1",
            "--out",
            "run",
            "--data",
            "random");
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(process), out);
    assertFalse(out.contains("cannot be drawn"), out);
    assertEquals(FILES, names(folder.resolve("run")));
  }

  @Test
  void aJavaThatCannotDrawLosesThePictureAlone() throws IOException, InterruptedException {
    String before =
        "export"
            + " JAVA_TOOL_OPTIONS='--limit-modules=java.base,java.logging,jdk.unsupported,jdk.jfr';";
    Process process = start(before, "train", "--epochs", "1", "--out", "run", "--data", "random");
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(process), out);
    assertTrue(out.contains("run/training_curves.png cannot be drawn here"), out);
    assertEquals(List.of("model.safetensors", "report.json"), names(folder.resolve("run")));
    Process find =
        start(before, "lr-find", "--data", "random", "--steps", "20", "--figure", "f.png");
    out = new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(find), out);
    assertTrue(out.contains("f.png cannot be drawn here"), out);
  }

  @Test
  void aKilledRunIsResumedToTheSameFiles() throws IOException, InterruptedException {
    List<String> options =
        List.of(
            "train",
            "--data",
            "random",
            "--epochs",
            "40",
            "--checkpoint-every",
            "25",
            "--batch-schedule",
            "double:20",
            "--schedule",
            "plateau:0.5,1",
            "--seed",
            "3");
    List<String> args = new ArrayList<>(options);
    args.addAll(List.of("--out", "whole"));
    Process whole = start("", args.toArray(String[]::new));
    String wholeOut = new String(whole.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(whole), wholeOut);

    args.set(args.size() - 1, "killed");
    Process killed = start("", args.toArray(String[]::new));
    Path checkpoint = folder.resolve("killed").resolve("checkpoint-1-75.safetensors");
    while (killed.isAlive() && !Files.exists(checkpoint)) {
      Thread.sleep(1);
    }
    signal("KILL", killed);
    assertEquals(137, ended(killed));
    assertTrue(Files.notExists(folder.resolve("killed").resolve("report.json")));

    Process resumed = start("", "train", "--resume", "killed");
    String out = new String(resumed.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(resumed), out);
    assertTrue(out.contains("resumes  killed/checkpoint-"), out);
    assertEquals(names(folder.resolve("whole")), names(folder.resolve("killed")));
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("whole").resolve("model.safetensors")),
        Files.readAllBytes(folder.resolve("killed").resolve("model.safetensors")));
    assertEquals(withoutTimes("whole"), withoutTimes("killed"));
  }

  private String withoutTimes(String run) throws IOException {
    String report = Files.readString(folder.resolve(run).resolve("report.json"));
    return report.replaceAll("\"(seconds|samplesPerSecond|wallSeconds)\" : [^,\n]*", "");
  }

  @Test
  void whenTheDiskIsFullWhatStoodStaysAndNothingElse() throws IOException, InterruptedException {
    String[] args = {"train", "--epochs", "1", "--out", "run", "--data", "random"};
    Process first = start("", args);
    String firstOut = new String(first.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(first), firstOut);
    Path run = folder.resolve("run");
    List<String> names = names(run);
    byte[] report = Files.readAllBytes(run.resolve("report.json"));
    byte[] weights = Files.readAllBytes(run.resolve("model.safetensors"));

    // No file may grow beyond 200 kB: the weights, of 1.2 MB, do not fit.
    Process second = start("ulimit -f 200;", args);
    String out = new String(second.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(1, ended(second), out);
    String message = out.lines().reduce((a, b) -> b).orElse("");
    assertTrue(message.startsWith("halfstep train: run: the run's files cannot be written: "), out);
    assertEquals(names, names(run));
    assertArrayEquals(report, Files.readAllBytes(run.resolve("report.json")));
    assertArrayEquals(weights, Files.readAllBytes(run.resolve("model.safetensors")));

    Process third = start("ulimit -f 200;", "train", "--epochs", "1", "--data", "random");
    String thirdOut = new String(third.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(1, ended(third), thirdOut);
    assertEquals(List.of(), names(folder.resolve("runs")));
  }

  @Test
  void runsGoIntoAFolderNamedAfterTheTime() throws IOException, InterruptedException {
    Process process = start("", "train", "--epochs", "1", "--data", "random");
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(process), out);
    String[] runs = folder.resolve("runs").toFile().list();
    assertEquals(1, runs == null ? 0 : runs.length);
    assertTrue(runs[0].matches("\\d{4}-\\d\\d-\\d\\d_\\d\\d-\\d\\d-\\d\\d"), runs[0]);
    assertTrue(out.contains("written to runs/" + runs[0]), out);
    assertNull(folder.resolve("run").toFile().list());
  }

  @Test
  void anInterruptedRunIsResumedToTheSameFiles() throws IOException, InterruptedException {
    String[] args = {
      "train",
      "--data",
      "random",
      "--epochs",
      "300",
      "--model",
      "mlp:8",
      "--lr",
      "1e-4",
      "--checkpoint-every",
      "1000000",
      "--out",
      "whole"
    };
    Process whole = start("", args);
    String wholeOut = new String(whole.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(whole), wholeOut);
    args[args.length - 1] = "stopped";
    Process stopped = start("", args);
    try (BufferedReader out = stopped.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      while (line != null && !line.startsWith("epoch ")) {
        line = out.readLine();
      }
      signal("TERM", stopped);
      List<String> rest = out.lines().toList();
      assertEquals(143, ended(stopped), rest.toString());
    }
    Process resumed = start("", "train", "--resume", "stopped");
    String out = new String(resumed.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, ended(resumed), out);
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("whole").resolve("model.safetensors")),
        Files.readAllBytes(folder.resolve("stopped").resolve("model.safetensors")));
    assertEquals(withoutTimes("whole"), withoutTimes("stopped"));
  }

  @Test
  void twoRunsDoNotShareAFolder() throws IOException, InterruptedException {
    String[] args = {"train", "--data", "random", "--epochs", "100000", "--out", "run"};
    Process first = start("", args);
    try (BufferedReader out = first.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      while (line != null && !line.startsWith("epoch ")) {
        line = out.readLine();
      }
      Process second = start("", args);
      String refusal = new String(second.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(2, ended(second), refusal);
      assertTrue(refusal.contains("run: another run writes there"), refusal);
      signal("INT", first);
      List<String> rest = out.lines().toList();
      assertEquals(130, ended(first), rest.toString());
    }
    assertEquals(
        List.of("model.safetensors", "report.json", "training_curves.png"),
        names(folder.resolve("run")));
  }

  @Test
  void outputThatCannotBeWrittenIsAFailure() throws IOException, InterruptedException {
    Process process = start("exec 3>&1; exec >/dev/full;", "devices");
    assertEquals(1, ended(process));
  }
}
