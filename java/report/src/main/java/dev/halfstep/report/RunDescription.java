package dev.halfstep.report;

import dev.halfstep.data.CsvData;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Model;
import dev.halfstep.train.Trainer;
import java.util.Optional;

/**
 * The names and texts of a report that a trainer does not know.
 *
 * <pre>{@code
 * RunDescription run =
 *     RunDescription.of(trainer).withModel("two convolutions").withTable(houses);
 * }</pre>
 *
 * @param data what is trained on
 * @param model what is trained
 * @param recipe how
 * @param table where the data are a CSV file: how it was read, its target and what is doubtful in
 *     it
 */
public record RunDescription(String data, String model, Recipe recipe, Optional<CsvData> table) {
  /**
   * The name of the training data, the model's layers, and the numbers of the trainer's options.
   */
  public static RunDescription of(Trainer trainer) {
    return new RunDescription(
        trainer.options().trainingData().name(),
        layers(trainer.options().sessionOptions().model()),
        Recipe.of(trainer.options()),
        Optional.empty());
  }

  /**
   * The layers of a model on one line; of a network of named inputs and outputs, all that it says.
   */
  private static String layers(Model model) {
    Layer layer = model.layer();
    return (layer == null ? model.toString() : layer.toString()).strip().replaceAll("\\s+", " ");
  }

  /** The same description with another name for the data. */
  public RunDescription withData(String data) {
    return new RunDescription(data, model, recipe, table);
  }

  /** The same description with another name for the model. */
  public RunDescription withModel(String model) {
    return new RunDescription(data, model, recipe, table);
  }

  /** The same description with another recipe. */
  public RunDescription withRecipe(Recipe recipe) {
    return new RunDescription(data, model, recipe, table);
  }

  /** The same description for data that come from a CSV file. */
  public RunDescription withTable(CsvData table) {
    return new RunDescription(data, model, recipe, Optional.of(table));
  }
}
