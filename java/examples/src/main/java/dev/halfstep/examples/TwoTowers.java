package dev.halfstep.examples;

import static java.util.Objects.requireNonNull;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Split;
import dev.halfstep.data.Values;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.Trainer;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A model with two inputs: a tower for users and one for items, whose product says how a user rates
 * an item. A single layer of both inputs could only add what it knows of them.
 */
public final class TwoTowers {
  private static final int USER = 8;
  private static final int ITEM = 12;
  private static final int RATINGS = 4000;

  private TwoTowers() {}

  /**
   * Prints the error of ratings held out after each epoch.
   *
   * @param args the number of epochs, 10 if it is not given
   */
  public static void main(String[] args) {
    Model model =
        Model.of(
            List.of(ModelInput.of("user", Shape.of(USER)), ModelInput.of("item", Shape.of(ITEM))),
            (scope, inputs) -> {
              Value user = scope.apply("user", tower(), requireNonNull(inputs.get("user")));
              Value item = scope.apply("item", tower(), requireNonNull(inputs.get("item")));
              Value product = Ops.multiply(user, item);
              return Map.of("rating", scope.apply("head", new Linear(1), product));
            });
    Split ratings = ratings().split(0.2, 1);
    System.out.println("ratings scatter by 1.00, as wrong as their mean is");
    for (EpochRecord epoch :
        Trainer.builder(model, ratings.train())
            .validation(ratings.heldOut())
            .loss(Loss.meanSquaredError())
            .optimizer(Optimizer.adam(0.003))
            .batchSize(32)
            .epochs(args.length > 0 ? Integer.parseInt(args[0]) : 10)
            .seed(1)
            .fit()
            .epochs()) {
      System.out.printf(
          "epoch %d: rmse %.2f%n",
          epoch.epoch(), Math.sqrt(epoch.validation().orElseThrow().loss()));
    }
    // Names tell the inputs apart in prediction too: here one user is asked about one item.
    Map<String, float[]> said =
        model.predict(Map.of("user", new float[USER], "item", new float[ITEM]));
    float[] rating = requireNonNull(said.get("rating"));
    System.out.printf("somebody and something of which nothing is known: %.2f%n", rating[0]);
  }

  private static Sequential tower() {
    return Sequential.of(new Linear(32), new ReLU(), new Linear(16));
  }

  /** How well the tastes of a user, its first three numbers, meet those of an item. */
  private static ArrayDataset ratings() {
    Random random = new Random(1);
    float[][] users = new float[RATINGS][USER];
    float[][] items = new float[RATINGS][ITEM];
    float[][] ratings = new float[RATINGS][1];
    for (int i = 0; i < RATINGS; i++) {
      for (int j = 0; j < USER; j++) {
        users[i][j] = (float) random.nextGaussian();
      }
      for (int j = 0; j < ITEM; j++) {
        items[i][j] = (float) random.nextGaussian();
      }
      for (int j = 0; j < 3; j++) {
        ratings[i][0] += users[i][j] * items[i][j] / (float) Math.sqrt(3);
      }
    }
    return ArrayDataset.builder("ratings")
        .input("user", Features.of(users))
        .input("item", Features.of(items))
        .target("rating", Values.of(ratings))
        .build();
  }
}
