package dev.halfstep.benchmarks.compare;

import dev.halfstep.benchmarks.compare.Statistics.Estimate;
import dev.halfstep.benchmarks.harness.Work;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The combined results of a comparison's forks. */
final class Comparison {
  /** The relative difference up to which two results count as equal. */
  private static final double SAME = 1e-3;

  private final Map<String, List<Entry>> works = new LinkedHashMap<>();
  private final Map<String, String> versions = new TreeMap<>();
  private final List<Double> gflops = new ArrayList<>();
  private final List<Double> gbPerSecond = new ArrayList<>();

  /**
   * A contender's times at a work in one of its settings.
   *
   * @param rounds micros of a step or call by round
   * @param check numbers of its first run's result
   */
  record Entry(
      String contender, String setting, TreeMap<Integer, Double> rounds, List<Double> check) {
    double median() {
      return Statistics.median(List.copyOf(rounds.values()));
    }
  }

  Comparison(List<ForkRecord> forks) {
    for (ForkRecord fork : forks) {
      for (ForkRecord.Measurement measured : fork.measurements()) {
        if (measured.contender().equals("machine")) {
          (measured.work().equals("gflops") ? gflops : gbPerSecond).add(measured.micros());
        } else {
          versions.put(fork.contender(), measured.version());
          entry(fork.contender(), measured).rounds().put(fork.round(), measured.micros());
        }
      }
    }
  }

  private Entry entry(String contender, ForkRecord.Measurement measured) {
    List<Entry> entries = works.computeIfAbsent(measured.work(), work -> new ArrayList<>());
    for (Entry entry : entries) {
      if (entry.contender().equals(contender) && entry.setting().equals(measured.setting())) {
        return entry;
      }
    }
    Entry entry = new Entry(contender, measured.setting(), new TreeMap<>(), measured.check());
    entries.add(entry);
    return entry;
  }

  /** The works of a kind, in the order in which they were first done. */
  List<Work> works(Predicate<Work> wanted) {
    return works.keySet().stream().map(Work::parse).filter(wanted).toList();
  }

  /** All contenders with their versions. */
  Map<String, String> versions() {
    return versions;
  }

  /** All contenders that did a work. */
  List<Entry> entries(Work work) {
    return works.getOrDefault(work.toString(), List.of());
  }

  /** A contender's best setting at a work; null if it did not do it. */
  static @Nullable Entry best(List<Entry> entries, Predicate<Entry> wanted) {
    return entries.stream()
        .filter(wanted)
        .min(Comparator.comparingDouble(Entry::median))
        .orElse(null);
  }

  /** How many times as fast one contender is as another, over the rounds that both have. */
  static Estimate ratio(Entry slower, Entry faster) {
    return Statistics.estimate(
        slower.rounds().entrySet().stream()
            .filter(round -> faster.rounds().containsKey(round.getKey()))
            .map(
                round ->
                    round.getValue() / Objects.requireNonNull(faster.rounds().get(round.getKey())))
            .toList());
  }

  /** Describes how results differ from those of {@code from} at a work; empty if they agree. */
  List<String> differences(Work work, String from) {
    Entry reference = best(entries(work), entry -> entry.contender().equals(from));
    List<String> differences = new ArrayList<>();
    if (reference == null) {
      return differences;
    }
    for (Entry entry : entries(work)) {
      double scale = reference.check().stream().mapToDouble(Math::abs).max().orElse(0);
      for (int i = 0; i < Math.min(entry.check().size(), reference.check().size()); i++) {
        if (!(Math.abs(entry.check().get(i) - reference.check().get(i)) <= SAME * scale)) {
          differences.add(
              work
                  + ": "
                  + entry.contender()
                  + " found "
                  + entry.check()
                  + ", "
                  + from
                  + " "
                  + reference.check());
          break;
        }
      }
    }
    return differences;
  }

  /** The ceiling of multiply-adds, in GFLOP/s. */
  Estimate gflops() {
    return Statistics.estimate(gflops);
  }

  /** The ceiling of y = a x + y out of memory, in GB/s. */
  Estimate gbPerSecond() {
    return Statistics.estimate(gbPerSecond);
  }

  /** The share of a work's ceiling, of arithmetic or of memory, that a time of it reaches. */
  double shareOfCeiling(Work work, double micros) {
    double floor =
        Math.max(
            work.flops() / gflops().median(),
            work.isTraining() ? 0 : work.bytes() / gbPerSecond().median());
    return floor * 1e-3 / micros;
  }
}
