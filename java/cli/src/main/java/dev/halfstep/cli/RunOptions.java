package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Split;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.report.ModelCard;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of a run, which {@code plan} and {@code train} share, and all checks of them. */
final class RunOptions {
  @Option(
      names = "--data",
      paramLabel = "SOURCE",
      defaultValue = "digits",
      description = {
        "What to train on (default: ${DEFAULT-VALUE}):",
        "digits: 12,000 drawn digits of 28 x 28, no file needed",
        "mnist:DIR: MNIST's IDX files or others so named (Fashion-MNIST, KMNIST; EMNIST as"
            + " mnist:DIR/emnist-letters), gzip or not; of the test files alone a fifth tests",
        "idx:SAMPLES,LABELS[,SAMPLES,LABELS]: IDX files of any type, the second pair for tests"
            + " (default: a fifth of the first); standardised, classes as the labels are",
        "csv:FILE: columns of numbers and texts and a label, gzip or not; a fifth of the rows"
            + " tests",
        "random: 1,280 x 1,000 normals with labels drawn by lot"
      })
  private String data = "digits";

  @Mixin private final CsvOptions csv = new CsvOptions();

  @Option(
      names = "--val-fraction",
      paramLabel = "F",
      defaultValue = "0.1",
      description =
          "Part of the training data that is held out for validation, drawn from each class, the"
              + " same for every --seed; 0: none (default: ${DEFAULT-VALUE}).")
  private double validationFraction = 0.1;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = "mlp:256,128",
      description =
          "mlp:UNITS[,UNITS...]: a perceptron with ReLU and one hidden layer for each number; cnn:"
              + " two convolutions with pooling and a hidden layer, for images (default:"
              + " ${DEFAULT-VALUE}).")
  private String model = "mlp:256,128";

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "32",
      description = "Samples an update (default: ${DEFAULT-VALUE}).")
  private int batchSize = 32;

  @Mixin private final OptimizerOptions optimizer = new OptimizerOptions();

  @Mixin private final RecipeOptions recipe = new RecipeOptions();

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      defaultValue = "fp32",
      description =
          "How activations and weights of layers are stored: fp32, bf16, or fp16 with loss scaling;"
              + " tf32: as fp32, with products rounded to TF32 on GPUs; updates and sums are fp32"
              + " always (default: ${DEFAULT-VALUE}).")
  private String precision = "fp32";

  @Option(
      names = "--data-memory",
      paramLabel = "MB",
      description =
          "Megabytes of the device's memory that data may take; what does not fit streams, with the"
              + " same results (default: as many as there are).")
  private @Nullable Integer dataMemory;

  @Mixin private final DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Draws the initial weights and the order of the samples; the data do not depend on it"
              + " (default: ${DEFAULT-VALUE}).")
  private long seed;

  /**
   * Checks everything and loads the data. The device is not yet open: {@link RunSetup#open} does
   * that.
   *
   * @param written files that the command is to write, where it is to
   * @throws UsageException for what the user can put right
   */
  RunSetup load(@Nullable Path... written) {
    for (@Nullable Path file : written) {
      if (file != null) {
        OutputFolder.requireOther(file, "--data", DataSource.place(data));
      }
    }
    atLeastOne("--batch-size", batchSize);
    ModelSpec spec = ModelSpec.parse(model);
    Optimizer chosen = optimizer.optimizer();
    List<ParameterGroup> groups = optimizer.groups();
    device.check();
    Optional<Long> dataBytes =
        Optional.ofNullable(dataMemory).map(mb -> 1_000_000L * atLeastOne("--data-memory", mb));
    if (!RunSetup.PRECISIONS.containsKey(precision)) {
      throw new UsageException(
          "unknown --precision '"
              + precision
              + "'."
              + Suggestion.didYouMean(precision, List.copyOf(RunSetup.PRECISIONS.keySet())),
          "Possible are fp32, tf32, bf16 and fp16.");
    }
    if (!(validationFraction >= 0 && validationFraction < 1)) {
      throw new UsageException(
          "--val-fraction must be at least 0 and below 1, not " + validationFraction);
    }
    DataSource.Loaded loaded = DataSource.load(data, csv, validationFraction);
    Split parts = loaded.parts();
    Dataset train = parts.train();
    Optional<Dataset> validation = Optional.empty();
    if (validationFraction > 0) {
      if (train.size() < 2) {
        throw new UsageException(
            "--data " + data + ": 1 training sample cannot be split; give --val-fraction 0");
      }
      // A CSV file's rows are in a drawn order already, and its statistics leave out the last ones.
      Split split =
          loaded.csv().isPresent()
              ? train.splitLast(validationFraction)
              : train.split(validationFraction, DataSource.SEED);
      train = split.train();
      validation = Optional.of(split.heldOut());
    }
    if (batchSize > train.size()) {
      throw new UsageException(
          "--batch-size "
              + batchSize
              + " is larger than the "
              + train.size()
              + " training samples"
              + validation.map(v -> " (" + v.size() + " more are held out)").orElse("")
              + ".",
          "Possible are 1 to " + train.size() + ".");
    }
    RunSetup setup =
        new RunSetup(
            this.data,
            this.model,
            train,
            validation,
            parts.heldOut(),
            spec.model(train.sampleShape(), loaded.outputs()),
            ModelCard.of(model, train, loaded.csv()),
            loaded.csv(),
            chosen,
            groups,
            recipe,
            precision,
            batchSize,
            dataBytes,
            seed);
    setup.trainer();
    return setup;
  }

  /**
   * Opens the device with as many threads as were asked for.
   *
   * @throws UsageException if there is no such device here
   */
  Device openDevice() {
    return device.open();
  }

  /** The value, which must be at least 1. */
  static int atLeastOne(String option, int value) {
    if (value < 1) {
      throw new UsageException(option + " must be at least 1, not " + value);
    }
    return value;
  }
}
