package dev.halfstep.benchmarks.compare;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.benchmarks.compare.Contenders.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs contenders in turn, round after round, and writes their measurements to {@code forks.jsonl}.
 * A round that is in the file is not run again, so a comparison can be made in several sittings.
 */
final class Rounds {
  private static final String MACHINE = "machine";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Contenders contenders;
  private final Path file;
  private final List<ForkRecord> forks;
  private final long deadline;

  /**
   * Continues the comparison of a folder.
   *
   * @param seconds no fork is begun that is expected to end later than this from now
   */
  Rounds(Contenders contenders, Path folder, double seconds) throws IOException {
    this.contenders = contenders;
    this.file = Files.createDirectories(folder).resolve("forks.jsonl");
    this.forks = new ArrayList<>(read(folder));
    this.deadline = System.nanoTime() + (long) (1e9 * Math.min(seconds, 1e6));
  }

  /** The records of a folder; empty if it does not exist yet. */
  static List<ForkRecord> read(Path folder) throws IOException {
    Path file = folder.resolve("forks.jsonl");
    List<ForkRecord> forks = new ArrayList<>();
    if (Files.exists(file)) {
      try (Stream<String> lines = Files.lines(file)) {
        for (String line : (Iterable<String>) lines::iterator) {
          forks.add(JSON.readValue(line, ForkRecord.class));
        }
      }
    }
    return forks;
  }

  /**
   * Runs the forks that are missing of this number of rounds. Each round first measures the
   * machine's ceilings; odd rounds run the contenders in reverse order.
   *
   * @return whether all rounds are complete now
   */
  boolean run(Group group, List<Program> programs, int rounds) throws IOException {
    for (int round = 1; round <= rounds; round++) {
      if (!run(group, round, MACHINE, contenders::ceilings)) {
        return false;
      }
      List<Program> order = new ArrayList<>(programs);
      if (round % 2 == 1) {
        Collections.reverse(order);
      }
      for (Program program : order) {
        List<String> works = group.works();
        if (!run(
            group, round, program.name(), () -> contenders.run(program, group.seconds(), works))) {
          return false;
        }
      }
    }
    return true;
  }

  /** Runs one fork. */
  private interface Measuring {
    List<ForkRecord.Measurement> measure() throws IOException;
  }

  private boolean run(Group group, int round, String contender, Measuring fork) throws IOException {
    double expected = 0;
    for (ForkRecord done : forks) {
      if (done.group().equals(group.id()) && done.contender().equals(contender)) {
        if (done.round() == round) {
          return true;
        }
        expected = done.seconds();
      }
    }
    long start = System.nanoTime();
    if (start + (long) (1e9 * expected) > deadline) {
      return false;
    }
    Instant started = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<ForkRecord.Measurement> measured = fork.measure();
    double seconds = 1e-9 * (System.nanoTime() - start);
    ForkRecord record =
        new ForkRecord(group.id(), round, contender, started.toString(), seconds, measured);
    forks.add(record);
    Files.writeString(
        file,
        JSON.writeValueAsString(record) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    System.err.printf(
        "%s round %d: %s, %d measurements in %.1f s%n",
        group.id(), round, contender, measured.size(), seconds);
    return true;
  }
}
