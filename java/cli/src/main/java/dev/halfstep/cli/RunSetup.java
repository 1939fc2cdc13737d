package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import dev.halfstep.nn.Model;
import dev.halfstep.train.Optimizer;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.Optional;

/**
 * A run whose options have been checked and whose data are loaded.
 *
 * @param data what was given for {@code --data}
 * @param modelName what was given for {@code --model}
 */
record RunSetup(
    String data,
    String modelName,
    Dataset train,
    Optional<Dataset> validation,
    Dataset test,
    Model model,
    Optimizer optimizer,
    RecipeOptions recipe,
    int batchSize,
    long seed) {

  /** The storage type of activations; there is no other yet. */
  static final String PRECISION = "fp32";

  /**
   * The trainer of this run, without callbacks and device.
   *
   * @throws UsageException if the options ask for something impossible
   */
  TrainerBuilder trainer() {
    TrainerBuilder builder =
        Trainer.builder(model, train)
            .optimizer(optimizer)
            .batchSize(batchSize)
            .seed(seed)
            .test(test);
    builder = validation.map(builder::validation).orElse(builder);
    return recipe.apply(builder, validation.isPresent());
  }

  /** The trainer of this run on a device, without callbacks. */
  TrainerBuilder trainer(Device device) {
    return trainer().device(device);
  }

  /** How many samples each part has. */
  Report.Samples samples() {
    return new Report.Samples(train.size(), validation.map(Dataset::size).orElse(0), test.size());
  }
}
