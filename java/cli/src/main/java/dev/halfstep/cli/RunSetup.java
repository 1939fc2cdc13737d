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
    int epochs,
    int batchSize,
    long seed) {

  /** The storage type of activations; there is no other yet. */
  static final String PRECISION = "fp32";

  /** The trainer of this run, without callbacks. */
  TrainerBuilder trainer(Device device) {
    TrainerBuilder builder =
        Trainer.builder(model, train)
            .device(device)
            .optimizer(optimizer)
            .epochs(epochs)
            .batchSize(batchSize)
            .seed(seed)
            .test(test);
    return validation.map(builder::validation).orElse(builder);
  }

  /** How many samples each part has. */
  Report.Samples samples() {
    return new Report.Samples(train.size(), validation.map(Dataset::size).orElse(0), test.size());
  }
}
