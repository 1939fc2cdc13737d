package dev.halfstep.benchmarks.compare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The programs of the contenders, and how they are run. */
final class Contenders {
  private static final String HALFSTEP = "dev.halfstep.benchmarks.HalfstepContender";

  /**
   * Halfstep compared with itself under other conditions. Its name differs so that these times are
   * not mixed with those measured beside the peers.
   */
  static final String USUAL = "halfstep usual";

  private static final String PEERS = "dev.halfstep.benchmarks.peers.";
  private static final Pattern CEILINGS =
      Pattern.compile("multiply-adds ([0-9.]+) GFLOP/s, axpy ([0-9.]+) GB/s");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path root;

  /**
   * A program.
   *
   * @param command the command line without the works
   * @param environment environment variables to set
   * @param setting the setting for all works; empty for the program's own settings
   * @param spinning the number of processes that keep a core busy beside it
   */
  record Program(
      String name,
      List<String> command,
      Map<String, String> environment,
      String setting,
      int spinning) {}

  Contenders(Path root) {
    this.root = root;
  }

  /** Halfstep from the class path of this process. */
  Program halfstep() {
    return halfstep("halfstep", System.getProperty("java.class.path"));
  }

  /** Another build of Halfstep. */
  Program halfstep(String name, String classPath) {
    return new Program(name, command(classPath), Map.of(), "", 0);
  }

  /** Halfstep as usual, and under unfavourable conditions. */
  List<Program> conditions() {
    List<String> command = command(System.getProperty("java.class.path"));
    return List.of(
        new Program(USUAL, command, Map.of(), "", 0),
        new Program("halfstep 1 thread", command, Map.of(), "1 thread", 0),
        new Program("halfstep 4 threads", command, Map.of(), "4 threads", 0),
        new Program("halfstep beside a busy process", command, Map.of(), "", 1),
        new Program("halfstep with AVX2", command, Map.of("HALFSTEP_CPU_ISA", "avx2"), "", 0));
  }

  private static List<String> command(String classPath) {
    return List.of("-XX:+UseSerialGC", "-Xmx3g", "-cp", classPath, HALFSTEP);
  }

  /**
   * The peers. The environment gives each its best result: OpenBLAS would spin against an OpenMP
   * pool, and JavaCPP would read the process's memory use at each allocation.
   */
  List<Program> peers() {
    Map<String, String> oneBlasThread = Map.of("OPENBLAS_NUM_THREADS", "1");
    return List.of(
        peer("pytorch", "PytorchContender", oneBlasThread),
        peer("djl", "DjlContender", oneBlasThread),
        peer("onednn", "OnednnContender", Map.of()),
        peer("nd4j", "Nd4jContender", Map.of("OMP_NUM_THREADS", "1")));
  }

  private Program peer(String folder, String main, Map<String, String> environment) {
    Path target = root.resolve("benchmarks/peers/" + folder + "/target");
    if (!Files.isDirectory(target.resolve("classes"))
        || !Files.isDirectory(target.resolve("lib"))) {
      throw new IllegalStateException(
          target + " holds no peer: build it with ./halfstep bench --peers");
    }
    return new Program(
        folder.equals("nd4j") ? "dl4j" : folder,
        List.of(
            "-Xmx3g",
            "-Dorg.bytedeco.javacpp.maxBytes=0",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-cp",
            target.resolve("classes") + ":" + target.resolve("lib") + "/*",
            PEERS + main),
        environment,
        "",
        0);
  }

  /** Runs a program's fork and reads what it measured; other lines that it prints are dropped. */
  List<ForkRecord.Measurement> run(Program program, double seconds, List<String> works)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(program.command());
    command.add(Double.toString(seconds));
    for (String work : works) {
      command.add(program.setting().isEmpty() ? work : work + "=" + program.setting());
    }
    List<Process> spinning = new ArrayList<>();
    try {
      for (int i = 0; i < program.spinning(); i++) {
        spinning.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
      }
      List<ForkRecord.Measurement> measured = new ArrayList<>();
      for (String line : lines(command, program.environment(), program.name())) {
        if (line.startsWith("{\"contender\":")) {
          measured.add(measurement(line));
        }
      }
      return measured;
    } finally {
      spinning.forEach(Process::destroyForcibly);
    }
  }

  private static ForkRecord.Measurement measurement(String line) throws JsonProcessingException {
    return JSON.readValue(line, ForkRecord.Measurement.class);
  }

  /** The machine's ceilings now: multiply-adds in registers, and y = a x + y out of memory. */
  List<ForkRecord.Measurement> ceilings() throws IOException {
    List<String> command = List.of(root + "/target/native/bench/halfstep_bench", "ceilings alone");
    for (String line : lines(command, Map.of(), "halfstep_bench")) {
      Matcher matcher = CEILINGS.matcher(line);
      if (matcher.find()) {
        return List.of(ceiling("gflops", matcher.group(1)), ceiling("gb_per_s", matcher.group(2)));
      }
    }
    throw new IOException(command + " did not say what the machine's ceilings are");
  }

  private static ForkRecord.Measurement ceiling(String what, String value) {
    double number = Double.parseDouble(value);
    return new ForkRecord.Measurement("machine", "", what, "", number, number, 1, List.of());
  }

  private static List<String> lines(List<String> command, Map<String, String> more, String name)
      throws IOException {
    Path errors = Files.createTempFile("halfstep-fork", ".log");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
      builder.environment().putAll(more);
      Process process = builder.start();
      List<String> lines = new ArrayList<>();
      try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          lines.add(line);
        }
      }
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException(
            name + " ended with status " + status + ":\n" + Files.readString(errors));
      }
      return lines;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + name + " ran", e);
    } finally {
      Files.deleteIfExists(errors);
    }
  }
}
