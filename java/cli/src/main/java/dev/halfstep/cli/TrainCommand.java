package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.report.Advice;
import dev.halfstep.report.CurvesFigure;
import dev.halfstep.report.Json;
import dev.halfstep.report.PlanReport;
import dev.halfstep.report.Report;
import dev.halfstep.report.RunDescription;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
  private static final String OPTIONS = "options";

  /**
   * Options that a checkpoint must not hold: where to write, and others that do not change the run.
   */
  private static final Set<String> NOT_OF_THE_RUN =
      Set.of("--resume", "--out", "--json", "--help", "--version");

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
          "Writes a checkpoint into the folder after every N updates and where the run is"
              + " interrupted, and keeps the last two; those of an earlier run are removed when"
              + " the first one stands.")
  private @Nullable Integer checkpointEvery;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description =
          "Goes on with the run whose checkpoints are in DIR, under its own options, to the same"
              + " files as if it had never ended; takes no other option but --json.")
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
    RunSetup setup = options.load(jsonFile);
    measures.apply(setup.trainer());
    try (Device device = options.openDevice();
        Interruption interruption = Interruption.listen();
        OutputFolder output = OutputFolder.open(given)) {
      return run(setup, device, output, jsonFile, interruption);
    }
  }

  /** The command with the options of the run that left its checkpoints in a folder. */
  private TrainCommand resumed(String name) throws IOException {
    List<String> own = new ArrayList<>();
    for (OptionSpec option : matched()) {
      if (option.longestName().equals("--json")) {
        own.addAll(words(option.longestName(), option.originalStringValues()));
      } else if (!option.longestName().equals("--resume")) {
        throw new UsageException(
            "--resume goes on under the options of the run itself and takes no other than --json.");
      }
    }
    Path path = OutputFolder.check("--resume", name);
    Safetensors.Contents newest;
    try {
      newest = Checkpoints.newest(path);
    } catch (ModelFileException e) {
      throw new UsageException("--resume " + name + ": " + e.getMessage());
    }
    TrainCommand command = new TrainCommand(out, err);
    CommandLine line = NumberConverters.register(new CommandLine(command)).setExpandAtFiles(false);
    try {
      List<String> words = saved(newest, line.getCommandSpec());
      words.addAll(own);
      line.parseArgs(words.toArray(String[]::new));
    } catch (IllegalArgumentException | ParameterException e) {
      throw new UsageException(
          "--resume "
              + name
              + ": "
              + newest.file()
              + " is no checkpoint of halfstep train, or of another version: "
              + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
    }
    command.folder = name;
    command.checkpoint = Optional.of(newest);
    return command;
  }

  /**
   * The options of a run that a checkpoint holds.
   *
   * @throws IllegalArgumentException if it has others
   */
  private static List<String> saved(Safetensors.Contents checkpoint, CommandSpec spec) {
    String text = checkpoint.metadata().get(OPTIONS);
    if (text == null) {
      throw new IllegalArgumentException("it has no options");
    }
    List<String> words = new ArrayList<>();
    Json.lists(text)
        .forEach(
            (option, values) -> {
              if (!option.startsWith("--")
                  || NOT_OF_THE_RUN.contains(option)
                  || spec.findOption(option) == null) {
                throw new IllegalArgumentException("it has the option " + option);
              }
              words.addAll(words(option, values));
            });
    return words;
  }

  /** An option as it is given: its values are never taken for options or files of them. */
  private static List<String> words(String option, List<String> values) {
    return values.isEmpty()
        ? List.of(option)
        : values.stream().map(value -> option + "=" + value).toList();
  }

  /** The options that were given. */
  private List<OptionSpec> matched() {
    return spec == null ? List.of() : spec.commandLine().getParseResult().matchedOptions();
  }

  private TrainerBuilder trainer(RunSetup setup, Device device, OutputFolder output)
      throws IOException {
    TrainerBuilder trainer = measures.apply(setup.trainer(device));
    if (checkpointEvery != null) {
      Map<String, List<String>> given = new LinkedHashMap<>();
      for (OptionSpec option : matched()) {
        if (!NOT_OF_THE_RUN.contains(option.longestName())) {
          given.put(option.longestName(), option.originalStringValues());
        }
      }
      trainer =
          trainer.checkpoints(
              new Checkpoints(output.path(), checkpointEvery, Map.of(OPTIONS, Json.line(given))));
    }
    return checkpoint.map(trainer::resume).orElse(trainer);
  }

  /**
   * The trainer.
   *
   * @throws UsageException if the checkpoint is not one that this run can go on from
   */
  private Trainer build(TrainerBuilder builder) {
    if (checkpoint.isEmpty()) {
      return RecipeOptions.possible(builder::build);
    }
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new UsageException("--resume " + folder + ": " + e.getMessage());
    }
  }

  private int run(
      RunSetup setup,
      Device device,
      OutputFolder output,
      @Nullable Path jsonFile,
      Interruption interruption)
      throws IOException {
    ProgressBar progress = new ProgressBar(out, ProgressBar.isTerminal(), setup.scores());
    Trainer trainer = build(trainer(setup, device, output).callbacks(interruption, progress));
    RunDescription description = setup.description();
    out.print(PlanReport.summary(trainer, description));
    checkpoint.ifPresent(from -> out.println("resumes  " + from.file()));
    out.flush(); // the first line of progress may take long
    History history = trainer.fit();
    Report report = Report.of(trainer, history, description);
    output.write(staging -> writeFiles(staging, setup, report));
    if (checkpointEvery == null && checkpoint.isEmpty()) {
      Checkpoints.clear(output.path()); // those of an earlier run, whose results are replaced
    }
    try {
      json.write(jsonFile, report);
    } finally {
      Picture.write(
          output.path().resolve(CURVES), () -> CurvesFigure.of(report, history).png(), err);
    }
    out.print(Advice.lines(report.findings()));
    conclude(setup, output, history);
    boolean failed = history.stopReason().kind() == StopReason.Kind.NOT_FINITE;
    return failed ? ExitStatus.FAILED : interruption.status();
  }

  private static void writeFiles(Path staging, RunSetup setup, Report report) throws IOException {
    report.write(staging.resolve("report.json"));
    Map<String, String> metadata =
        Map.of("halfstep.data", report.data(), "halfstep.version", report.halfstep());
    setup.card().save(staging.resolve("model.safetensors"), setup.model(), metadata);
  }

  /** Whose weights the model has. */
  private static String weights(History history) {
    if (history.bestEpoch() > 0) {
      return "epoch " + history.bestEpoch();
    }
    return history.stepLosses().length > 0 ? "the last step" : "the beginning";
  }

  private void conclude(RunSetup setup, OutputFolder output, History history) {
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
                    setup.scores().described(test),
                    weights(history)));
    out.printf(Locale.ROOT, "%.1f s, written to %s%n", history.seconds(), output.path());
  }
}
