package dev.halfstep.benchmarks.compare;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.halfstep.benchmarks.compare.Comparison.Entry;
import dev.halfstep.benchmarks.compare.Statistics.Estimate;
import dev.halfstep.benchmarks.harness.Work;
import dev.halfstep.benchmarks.harness.Work.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes the results of a folder's forks: {@code README.md}, {@code results.json} and figures. */
final class ResultsPage {
  private final Path folder;
  private final List<ForkRecord> forks;
  private final Comparison comparison;
  private final Report report;

  /** A line of {@code results.json}; {@code ratio} is the contender's time over Halfstep's. */
  record Result(
      String work,
      String contender,
      String setting,
      double medianMicros,
      int rounds,
      Estimate ratio) {}

  ResultsPage(Path folder) throws IOException {
    this.folder = folder;
    this.forks = Rounds.read(folder);
    this.comparison = new Comparison(forks);
    this.report = new Report(comparison);
  }

  /** Writes everything anew; {@code notes.md}, written by hand, is put under the targets. */
  void write() throws IOException {
    if (forks.isEmpty()) {
      throw new IllegalStateException(folder + " holds no measurements: forks.jsonl is not there");
    }
    writeJson();
    figure(Kind.MLP, "mlp.png", "1000-100-2, SGD: samples a second by batch size");
    figure(Kind.CNN, "cnn.png", "MNIST's CNN, Adam: samples a second by batch size");
    Map<String, Double> shares = new LinkedHashMap<>();
    for (Work work : comparison.works(w -> !w.isTraining() && w.kind() != Kind.CALLERS)) {
      Entry ours = Comparison.best(comparison.entries(work), e -> e.contender().equals("halfstep"));
      if (ours != null) {
        shares.put(work.toString(), 100 * comparison.shareOfCeiling(work, ours.median()));
      }
    }
    if (!shares.isEmpty()) {
      Figures.bars(
          folder.resolve("kernels.png"), "Kernels: share of the ceiling", "per cent", shares);
    }
    Files.writeString(folder.resolve("README.md"), page());
  }

  private void figure(Kind kind, String file, String title) throws IOException {
    List<Figures.Line> lines = new ArrayList<>();
    List<String> names = new ArrayList<>(List.of("halfstep"));
    names.addAll(report.peers());
    for (String name : names) {
      Figures.Line line = report.throughput(kind, name);
      if (!line.x().isEmpty()) {
        lines.add(line);
      }
    }
    if (!lines.isEmpty()) {
      Figures.lines(folder.resolve(file), title, "batch size", "samples/s", lines);
    }
  }

  private void writeJson() throws IOException {
    List<Result> results = new ArrayList<>();
    for (Work work : comparison.works(w -> true)) {
      Entry ours = Comparison.best(comparison.entries(work), e -> e.contender().equals("halfstep"));
      for (Entry entry : comparison.entries(work)) {
        results.add(
            new Result(
                work.toString(),
                entry.contender(),
                entry.setting(),
                entry.median(),
                entry.rounds().size(),
                Comparison.ratio(entry, ours == null ? entry : ours)));
      }
    }
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(folder.resolve("results.json").toFile(), results);
  }

  private String page() throws IOException {
    StringBuilder text = new StringBuilder("# Throughput beside other libraries\n\n");
    text.append(Machine.describe()).append("\n\nContenders: ");
    List<String> versions = new ArrayList<>();
    comparison.versions().forEach((name, version) -> versions.add(name + " (" + version + ")"));
    text.append(String.join("; ", versions)).append(".\n\n");
    text.append("Each contender is a process of its own; they run in turn, round after round (")
        .append(forks.stream().mapToInt(ForkRecord::round).max().orElse(0))
        .append(" rounds at most; ")
        .append(forks.get(0).started())
        .append(" to ")
        .append(forks.get(forks.size() - 1).started())
        .append("). A time is the median over the rounds, of the contender's best setting; a ")
        .append("ratio is the median over the rounds of peer's time / Halfstep's, with the ")
        .append("interval of 95 % (of fewer than 6 rounds: the range). A target is reached when ")
        .append(
            "the whole interval is above it. The floor of a work is the time of its operations ")
        .append(
            "or bytes at the ceilings; data that stay in the caches can be faster. All data are those of [forks.jsonl](forks.jsonl)")
        .append(" and [results.json](results.json).\n\n")
        .append("    ./halfstep bench --peers --full --out ")
        .append("benchmarks/results/")
        .append(folder.getFileName())
        .append("\n\n");
    text.append(
        String.format(
            Locale.ROOT,
            "Ceilings, measured before each round: multiply-adds %s GFLOP/s, y = a x + y %s GB/s.%n",
            comparison.gflops(),
            comparison.gbPerSecond()));
    section(text, "Targets", report.targets(), "");
    Path notes = folder.resolve("notes.md");
    if (Files.exists(notes)) {
      text.append('\n').append(Files.readString(notes));
    }
    section(text, "Training 1000-100-2", report.training(Kind.MLP), "mlp.png");
    section(text, "Training MNIST's CNN", report.training(Kind.CNN), "cnn.png");
    section(text, "Kernels", report.kernels(), "kernels.png");
    section(text, "From the start of the JVM to the end of the first step", report.firstStep(), "");
    section(text, "Halfstep under other conditions", report.conditions(), "");
    List<String> differences =
        comparison.works(w -> true).stream()
            .flatMap(work -> comparison.differences(work, "halfstep").stream())
            .toList();
    text.append("\n## The same work\n\n")
        .append(
            differences.isEmpty()
                ? "The first losses and results of all contenders agree to a thousandth.\n"
                : "NOT the same work: " + String.join("\n- ", differences) + "\n");
    return text.toString();
  }

  private void section(StringBuilder text, String title, Table table, String figure) {
    if (table.isEmpty()) {
      return;
    }
    text.append("\n## ").append(title).append("\n\n");
    if (!figure.isEmpty() && Files.exists(folder.resolve(figure))) {
      text.append("![").append(title).append("](").append(figure).append(")\n\n");
    }
    text.append(table.markdown());
  }
}
