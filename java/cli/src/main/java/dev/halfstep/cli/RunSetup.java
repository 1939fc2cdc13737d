package dev.halfstep.cli;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvDoubt;
import dev.halfstep.data.Dataset;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.report.ModelCard;
import dev.halfstep.report.RunDescription;
import dev.halfstep.report.Scores;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A run whose options have been checked and whose data are loaded.
 *
 * @param data what was given for {@code --data}
 * @param modelName what was given for {@code --model}
 * @param card what the file of weights will say of the network
 * @param csv more on the data, where they are a CSV file
 * @param precision one of {@link #PRECISIONS}
 * @param dataMemory bytes of the device's memory that data may take, if there is a bound
 */
record RunSetup(
    String data,
    String modelName,
    Dataset train,
    Optional<Dataset> validation,
    Dataset test,
    Model model,
    ModelCard card,
    Optional<CsvData> csv,
    Optimizer optimizer,
    List<ParameterGroup> groups,
    RecipeOptions recipe,
    String precision,
    int batchSize,
    Optional<Long> dataMemory,
    long seed) {

  private static final String TF32 = "tf32";

  /** The storage types that {@code --precision} names. */
  static final Map<String, DType> PRECISIONS =
      Map.of("fp32", DType.F32, TF32, DType.F32, "bf16", DType.BF16, "fp16", DType.F16);

  /**
   * The trainer of this run, without callbacks and device.
   *
   * @throws UsageException if the options ask for something impossible
   */
  TrainerBuilder trainer() {
    long bound = dataMemory.orElse(Long.MAX_VALUE);
    TrainerBuilder builder =
        Trainer.builder(model, train)
            .optimizer(optimizer)
            .batchSize(batchSize)
            .seed(seed)
            .session(
                options ->
                    options.storage(storage()).tf32(precision.equals(TF32)).dataMemory(bound))
            .test(test);
    try {
      builder = builder.groups(groups.toArray(ParameterGroup[]::new));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--group: " + e.getMessage());
    }
    builder = validation.map(builder::validation).orElse(builder);
    if (regression()) {
      String metric = recipe.recipe().earlyStopping();
      if (metric != null && !metric.endsWith("_loss")) {
        throw new UsageException(
            "--early-stopping " + metric + " is for classes, but numbers are predicted.",
            "Possible are train_loss and val_loss.");
      }
      builder = builder.loss(Loss.meanSquaredError());
    }
    return recipe.apply(builder, validation.isPresent());
  }

  /** Whether numbers are predicted, and not classes. */
  boolean regression() {
    return scores().target().isPresent();
  }

  /** The scores for models on these data. */
  Scores scores() {
    return csv.map(Scores::of).orElse(Scores.OF_CLASSES);
  }

  /** Doubts about how the data were read. */
  List<CsvDoubt> doubts() {
    return csv.map(CsvData::doubts).orElse(List.of());
  }

  private DType storage() {
    return Objects.requireNonNull(PRECISIONS.get(precision), precision);
  }

  /** The trainer of this run on a device, without callbacks. */
  TrainerBuilder trainer(Device device) {
    return trainer().device(device);
  }

  /**
   * Batch sizes that are to be compared.
   *
   * @throws UsageException if one is less than 1 or more than the training samples
   */
  int[] checkedBatchSizes(String option, List<Integer> sizes) {
    for (int size : sizes) {
      RunOptions.atLeastOne(option, size);
      if (size > train.size()) {
        throw new UsageException(
            option + " " + size + " is larger than the " + train.size() + " training samples.");
      }
    }
    return sizes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The description of this run for reports. */
  RunDescription description() {
    return new RunDescription(data, modelName, recipe.recipe(), csv);
  }
}
