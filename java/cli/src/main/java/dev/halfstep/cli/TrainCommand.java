package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.nn.Model;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainingPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code halfstep train}: trains a model and leaves report, curves and weights in a folder. */
@Command(
    name = "train",
    description = {
      "Trains a model, validates it after every epoch and tests the best one.",
      "Leaves report.json, training_curves.png and model.safetensors in a folder. Ctrl-C ends a"
          + " run early with its files written; a second one at once."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {
  private final PrintWriter out;
  private final PrintWriter err;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for the run's files (default: runs/<time>).")
  private @Nullable String folder;

  TrainCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException, ReflectiveOperationException {
    Path jsonFile = json.check();
    Optional<Path> given =
        Optional.ofNullable(folder).map(name -> OutputFolder.check("--out", name));
    if (given.isEmpty()) {
      OutputFolder.check("--out", OutputFolder.DEFAULT);
    }
    RunSetup setup = options.load();
    try (Device device = options.openDevice()) {
      OutputFolder output = OutputFolder.open(given);
      try {
        return run(setup, device, output, jsonFile);
      } finally {
        output.discardIfEmpty();
      }
    }
  }

  private int run(RunSetup setup, Device device, OutputFolder output, @Nullable Path jsonFile)
      throws IOException, ReflectiveOperationException {
    try (Interruption interruption = Interruption.listen()) {
      ProgressBar progress = new ProgressBar(out, ProgressBar.isTerminal());
      Trainer trainer = setup.trainer(device).callbacks(interruption, progress).build();
      TrainingPlan plan = trainer.plan();
      out.print(PlanCommand.summary(setup, device, plan));
      History history = trainer.fit();
      Report report = Report.of(setup, device, plan, history);
      output.write(staging -> writeFiles(staging, setup.model(), report, history));
      json.write(jsonFile, report);
      conclude(output, history);
      boolean failed = history.stopReason().kind() == StopReason.Kind.NOT_FINITE;
      return failed ? Cli.FAILED : interruption.status();
    }
  }

  private void writeFiles(Path staging, Model model, Report report, History history)
      throws IOException {
    Json.write(staging.resolve("report.json"), report);
    model.save(
        staging.resolve("model.safetensors"),
        Map.of("model", report.model(), "data", report.data(), "halfstep", report.halfstep()));
    try {
      Files.write(staging.resolve("training_curves.png"), new CurvesFigure(report, history).png());
    } catch (LinkageError | RuntimeException e) {
      // No java.desktop, no fonts: the run is worth more than its picture.
      err.println("halfstep train: training_curves.png cannot be drawn here (" + e + ")");
    }
  }

  private void conclude(OutputFolder output, History history) {
    StopReason reason = history.stopReason();
    if (reason.kind() == StopReason.Kind.NOT_FINITE) {
      err.println("halfstep train: " + reason.text());
    } else if (!reason.text().equals("completed")) {
      out.println(reason.text());
    }
    history
        .test()
        .ifPresent(
            test ->
                out.printf(
                    Locale.ROOT,
                    "test %s (weights of %s)%n",
                    ProgressBar.described(test),
                    history.bestEpoch() == 0 ? "the last step" : "epoch " + history.bestEpoch()));
    out.printf(Locale.ROOT, "%.1f s, written to %s%n", history.seconds(), output.path());
  }
}
