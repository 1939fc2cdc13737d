package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.nn.ModelFileException;
import dev.halfstep.nn.Safetensors;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import dev.halfstep.train.TrainingPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

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
  /** The name of a run's options in its checkpoints. */
  private static final String ARGUMENTS = "arguments";

  private static final String CURVES = "training_curves.png";

  private final PrintWriter out;
  private final PrintWriter err;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final MeasureOptions measures = new MeasureOptions();
  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for the run's files (default: runs/<time>).")
  private @Nullable String folder;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description =
          "Writes a checkpoint into the folder after every N updates, and keeps the last two.")
  private @Nullable Integer checkpointEvery;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description =
          "Goes on with the run whose checkpoints are in DIR, under its own options, to the same"
              + " files as if it had never ended; takes no other option.")
  private @Nullable String resume;

  @Spec private @Nullable CommandSpec spec;
  private Optional<Safetensors.Contents> checkpoint = Optional.empty();

  TrainCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    if (resume != null) {
      return resumed(resume).call();
    }
    Path jsonFile = json.check();
    Optional<Path> given =
        Optional.ofNullable(folder).map(name -> OutputFolder.check("--out", name));
    if (given.isEmpty()) {
      OutputFolder.check("--out", OutputFolder.DEFAULT);
    }
    if (checkpointEvery != null) {
      RunOptions.atLeastOne("--checkpoint-every", checkpointEvery);
    }
    RunSetup setup = options.load();
    measures.apply(setup.trainer());
    try (Device device = options.openDevice();
        Interruption interruption = Interruption.listen()) {
      OutputFolder output = OutputFolder.open(given);
      try {
        return run(setup, device, output, jsonFile, interruption);
      } finally {
        output.discardIfEmpty();
      }
    }
  }

  /** The command with the options of the run that left its checkpoints in a folder. */
  private TrainCommand resumed(String name) throws IOException {
    if (arguments().stream().anyMatch(word -> !word.startsWith("--resume") && !word.equals(name))) {
      throw new UsageException(
          "--resume goes on under the options of the run itself and takes no other.");
    }
    Path path = OutputFolder.check("--resume", name);
    Safetensors.Contents newest;
    try {
      newest = Checkpoints.newest(path);
    } catch (ModelFileException e) {
      throw new UsageException("--resume " + name + ": " + e.getMessage());
    }
    List<String> words = Json.words(newest.metadata().getOrDefault(ARGUMENTS, "[]"));
    if (words.isEmpty()) {
      throw new UsageException(
          "--resume " + name + ": " + newest.file() + " is no checkpoint of halfstep train");
    }
    TrainCommand command = new TrainCommand(out, err);
    Cli.withNumbers(new CommandLine(command)).parseArgs(words.toArray(String[]::new));
    command.folder = name;
    command.checkpoint = Optional.of(newest);
    return command;
  }

  /** What stood behind {@code halfstep train}. */
  private List<String> arguments() {
    List<String> words =
        spec == null ? List.of() : spec.commandLine().getParseResult().originalArgs();
    boolean named = !words.isEmpty() && words.get(0).equals("train");
    return named ? words.subList(1, words.size()) : words;
  }

  private TrainerBuilder trainer(RunSetup setup, Device device, OutputFolder output)
      throws IOException {
    TrainerBuilder trainer = measures.apply(setup.trainer(device));
    if (checkpointEvery != null) {
      trainer =
          trainer.checkpoints(
              new Checkpoints(
                  output.path(), checkpointEvery, Map.of(ARGUMENTS, Json.text(arguments()))));
    }
    return checkpoint.map(trainer::resume).orElse(trainer);
  }

  private int run(
      RunSetup setup,
      Device device,
      OutputFolder output,
      @Nullable Path jsonFile,
      Interruption interruption)
      throws IOException {
    ProgressBar progress = new ProgressBar(out, ProgressBar.isTerminal());
    Trainer trainer = trainer(setup, device, output).callbacks(interruption, progress).build();
    TrainingPlan plan = trainer.plan();
    out.print(PlanCommand.summary(setup, device, plan));
    checkpoint.ifPresent(from -> out.println("resumes  " + from.file()));
    out.flush(); // the first line of progress may be long in coming
    History history = trainer.fit();
    Report report = Report.of(setup, device, plan, history);
    output.write(staging -> writeFiles(staging, setup, report));
    try {
      json.write(jsonFile, report);
    } finally {
      Picture.write(
          output.path().resolve(CURVES), () -> new CurvesFigure(report, history).png(), err);
    }
    Advice.print(out, report.findings());
    conclude(output, history);
    boolean failed = history.stopReason().kind() == StopReason.Kind.NOT_FINITE;
    return failed ? Cli.FAILED : interruption.status();
  }

  private static void writeFiles(Path staging, RunSetup setup, Report report) throws IOException {
    Json.write(staging.resolve("report.json"), report);
    Map<String, String> metadata =
        Map.of(
            ModelCard.KEY,
            Json.line(setup.card()),
            "halfstep.data",
            report.data(),
            "halfstep.version",
            report.halfstep());
    setup.model().save(staging.resolve("model.safetensors"), metadata);
  }

  /** Whose weights the model has. */
  private static String weights(History history) {
    if (history.bestEpoch() > 0) {
      return "epoch " + history.bestEpoch();
    }
    return history.stepLosses().length > 0 ? "the last step" : "the beginning";
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
                    weights(history)));
    out.printf(Locale.ROOT, "%.1f s, written to %s%n", history.seconds(), output.path());
  }
}
