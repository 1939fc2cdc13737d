package dev.halfstep.benchmarks.compare;

import dev.halfstep.benchmarks.compare.Contenders.Program;
import dev.halfstep.benchmarks.harness.Work.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code halfstep bench}. */
@Command(
    name = "halfstep bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures Halfstep: training throughput against batch size and single kernels, with the share"
          + " of what the machine can do, in about a minute.",
      "With --peers beside DJL, PyTorch, oneDNN and DL4J, each in a process of its own, in turn;"
          + " what is there of an earlier run is kept, so that a comparison can be taken in slices."
    })
public final class Bench implements Callable<Integer> {
  private static final int FULL_ROUNDS = 11;
  private static final int SHORT_ROUNDS = 3;
  private static final int UNFINISHED = 3;
  private static final double QUICK_SECONDS = 0.7;

  @Option(names = "--peers", description = "Beside the peers (their jars are 470 MB to download).")
  private boolean peers;

  @Option(
      names = "--full",
      description = "11 rounds of everything: intervals of 95 %%, half an hour. Otherwise 3.")
  private boolean full;

  @Option(names = "--rounds", description = "So many rounds.")
  private int rounds;

  @Option(
      names = "--only",
      split = ",",
      description = "Of mlp, cnn, kernels, start, robust; otherwise all.")
  private List<Group> only = List.of(Group.values());

  @Option(
      names = "--contenders",
      split = ",",
      description = "Of halfstep, pytorch, djl, onednn, dl4j; otherwise all.")
  private List<String> contenders = List.of();

  @Option(
      names = "--seconds",
      description = "End before so many have passed; the same command goes on from there.")
  private double seconds = Double.MAX_VALUE;

  @Option(
      names = "--out",
      description = "Folder of the results; otherwise target/bench/ and the date.")
  private @Nullable Path out;

  @Option(names = "--page", description = "Only writes the results page anew.")
  private boolean page;

  @Option(
      names = "--against",
      description = "Class path of another build of Halfstep: pairs of it and this one.")
  private @Nullable String against;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Path root = Path.of(System.getProperty("halfstep.root", "."));
  private final Contenders programs = new Contenders(root);

  /** Runs the command and ends the JVM with its exit status. */
  public static void main(String[] arguments) {
    System.setProperty("java.awt.headless", "true");
    System.exit(
        new CommandLine(new Bench()).setCaseInsensitiveEnumValuesAllowed(true).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    if (!peers && !page && against == null) {
      quick();
      return 0;
    }
    Path folder = out != null ? out : root.resolve("target/bench/" + LocalDate.now(ZoneOffset.UTC));
    boolean complete = page || compare(folder);
    new ResultsPage(folder).write();
    System.out.println("results: " + folder.resolve("README.md"));
    if (!complete) {
      System.out.println("not all rounds are there yet: the same command goes on from here");
    }
    return complete ? 0 : UNFINISHED;
  }

  private boolean compare(Path folder) throws IOException {
    int wanted = rounds > 0 ? rounds : full ? FULL_ROUNDS : SHORT_ROUNDS;
    Rounds all = new Rounds(programs, folder, seconds);
    Set<String> known = new TreeSet<>();
    only.forEach(group -> programsOf(group).forEach(program -> known.add(program.name())));
    for (String name : contenders) {
      if (!known.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "no contender is called '" + name + "': there are " + String.join(", ", known));
      }
    }
    for (Group group : only) {
      List<Program> running = new ArrayList<>(programsOf(group));
      running.removeIf(program -> !contenders.isEmpty() && !contenders.contains(program.name()));
      if (!all.run(group, running, wanted)) {
        return false;
      }
    }
    return true;
  }

  private List<Program> programsOf(Group group) {
    if (against != null) {
      return List.of(programs.halfstep(), programs.halfstep("before", against));
    }
    if (group == Group.ROBUST) {
      return programs.conditions();
    }
    List<Program> all = new ArrayList<>(List.of(programs.halfstep()));
    all.addAll(programs.peers());
    return all;
  }

  private void quick() throws IOException {
    String now = LocalDate.now(ZoneOffset.UTC).toString();
    List<ForkRecord.Measurement> ceilings = programs.ceilings();
    List<ForkRecord.Measurement> measured =
        programs.run(programs.halfstep(), QUICK_SECONDS, Group.quick());
    Comparison comparison =
        new Comparison(
            List.of(
                new ForkRecord("", 1, "machine", now, 0, ceilings),
                new ForkRecord("", 1, "halfstep", now, 0, measured)));
    Report report = new Report(comparison);
    System.out.println(Machine.describe());
    System.out.printf(
        "Ceilings: multiply-adds %.0f GFLOP/s, y = a x + y out of memory %.1f GB/s%n",
        comparison.gflops().median(), comparison.gbPerSecond().median());
    System.out.println(
        "\nTraining 1000-100-2, SGD, FP32\n\n" + report.training(Kind.MLP).terminal());
    System.out.println(
        "Training MNIST's CNN, Adam, FP32\n\n" + report.training(Kind.CNN).terminal());
    System.out.println("Kernels\n\n" + report.kernels().terminal());
    System.out.println(
        "Above 100 %: the data stayed in the caches. Peers: ./halfstep bench --peers");
  }
}
