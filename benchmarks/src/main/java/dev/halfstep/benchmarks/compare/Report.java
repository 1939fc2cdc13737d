package dev.halfstep.benchmarks.compare;

import dev.halfstep.benchmarks.compare.Comparison.Entry;
import dev.halfstep.benchmarks.compare.Statistics.Estimate;
import dev.halfstep.benchmarks.harness.Work;
import dev.halfstep.benchmarks.harness.Work.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes a comparison as tables. */
final class Report {
  private static final String HALFSTEP = "halfstep";
  private static final String NONE = "";

  private final Comparison comparison;
  private final List<String> peers;

  Report(Comparison comparison) {
    this.comparison = comparison;
    this.peers =
        comparison.versions().keySet().stream().filter(name -> !name.startsWith(HALFSTEP)).toList();
  }

  /** The contenders besides Halfstep. */
  List<String> peers() {
    return peers;
  }

  /** Training of a network by batch size. */
  Table training(Kind kind) {
    List<String> heading = new ArrayList<>(List.of("B", "us/step", "samples/s", "ceiling"));
    Table table = table(heading);
    for (Work work : comparison.works(work -> work.kind() == kind)) {
      Entry ours = ours(work);
      if (ours == null) {
        continue;
      }
      double micros = ours.median();
      List<String> row = new ArrayList<>();
      row.add(Integer.toString(work.size(0)));
      row.add(number(micros));
      row.add(String.format(Locale.ROOT, "%,.0f", samplesPerSecond(work, micros)));
      row.add(percent(comparison.shareOfCeiling(work, micros)));
      addPeers(row, work, ours);
      table.row(row);
    }
    return table;
  }

  /** Single kernels. */
  Table kernels() {
    Table table = table(new ArrayList<>(List.of("kernel", "us", "GFLOP/s", "GB/s", "ceiling")));
    for (Work work : comparison.works(work -> !work.isTraining() && work.kind() != Kind.CALLERS)) {
      Entry ours = ours(work);
      if (ours == null) {
        continue;
      }
      double micros = ours.median();
      List<String> row = new ArrayList<>();
      row.add(work.toString());
      row.add(number(micros));
      row.add(work.flops() == 0 ? NONE : number(work.flops() * 1e-3 / micros));
      row.add(number(work.bytes() * 1e-3 / micros));
      row.add(percent(comparison.shareOfCeiling(work, micros)));
      addPeers(row, work, ours);
      table.row(row);
    }
    return table;
  }

  private Table table(List<String> heading) {
    if (!peers.isEmpty()) {
      heading.addAll(peers);
      heading.add("best peer / halfstep");
    }
    return new Table(heading.toArray(String[]::new));
  }

  private void addPeers(List<String> row, Work work, Entry ours) {
    if (peers.isEmpty()) {
      return;
    }
    for (String peer : peers) {
      Entry best = Comparison.best(comparison.entries(work), e -> e.contender().equals(peer));
      row.add(best == null ? NONE : number(best.median()) + " (" + best.setting() + ")");
    }
    Entry best = Comparison.best(comparison.entries(work), e -> peers.contains(e.contender()));
    row.add(best == null ? NONE : Comparison.ratio(best, ours).toString());
  }

  /**
   * A table of the targets: whether each is reached, and how far Halfstep's time is from the floor.
   */
  Table targets() {
    Table table =
        new Table("work", "against", "target", "measured", "verdict", "halfstep / its floor");
    for (Target target : Target.ALL) {
      Work work = Work.parse(target.work());
      Entry ours = ours(work);
      Entry against = Comparison.best(comparison.entries(work), target::isAgainst);
      if (ours != null && against != null) {
        Estimate ratio = Comparison.ratio(against, ours);
        table.row(
            List.of(
                target.work(),
                against.contender() + ", " + against.setting(),
                number(target.ratio()),
                ratio.toString(),
                target.verdict(ratio),
                number(1 / comparison.shareOfCeiling(work, ours.median()))));
      }
    }
    return table;
  }

  /** The time to the first step. */
  Table firstStep() {
    Table table = new Table("contender", "ms to the end of the first step");
    for (Work work : comparison.works(work -> work.kind() == Kind.FIRST_STEP)) {
      for (Entry entry : comparison.entries(work)) {
        table.row(List.of(entry.contender(), number(entry.median() / 1e3)));
      }
    }
    return table;
  }

  /** Halfstep under other conditions: times by work, and their ratios to the usual times. */
  Table conditions() {
    Table table = new Table("work", "condition", "us", "times the usual");
    for (Work work : comparison.works(work -> true)) {
      List<Entry> all =
          comparison.entries(work).stream()
              .filter(entry -> entry.contender().startsWith(HALFSTEP + " "))
              .toList();
      Entry usual = Comparison.best(all, entry -> entry.contender().equals(Contenders.USUAL));
      if (usual == null) {
        continue;
      }
      for (Entry other : all) {
        table.row(
            List.of(
                work.toString(),
                other.contender().substring(HALFSTEP.length() + 1),
                number(other.median()),
                Comparison.ratio(other, usual).toString()));
      }
    }
    return table;
  }

  /** A contender's samples a second by batch size, in its best settings. */
  Figures.Line throughput(Kind kind, String contender) {
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (Work work : comparison.works(work -> work.kind() == kind)) {
      Entry best = Comparison.best(comparison.entries(work), e -> e.contender().equals(contender));
      if (best != null) {
        x.add((double) work.size(0));
        y.add(samplesPerSecond(work, best.median()));
      }
    }
    return new Figures.Line(contender, x, y);
  }

  private @Nullable Entry ours(Work work) {
    return Comparison.best(comparison.entries(work), e -> e.contender().equals(HALFSTEP));
  }

  private static double samplesPerSecond(Work work, double micros) {
    return 1e6 * work.size(0) / micros;
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  /** A number with three significant digits. */
  static String number(double value) {
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }
}
