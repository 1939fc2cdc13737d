package dev.halfstep.examples;

import static java.util.Objects.requireNonNull;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Values;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
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
 * A model with two outputs: one trunk, a head that says the value of a house and one that says
 * which of three kinds it is. Their losses are weighed and added in one function, and two metrics
 * say how good each head is.
 */
public final class TwoHeads {
  private static final int FEATURES = 10;
  private static final int KINDS = 3;

  private TwoHeads() {}

  /** Squared error of the value, and half of the cross-entropy of the kind. */
  static final Loss VALUE_AND_KIND =
      Loss.ofNamed(
          "value and kind",
          (outputs, targets) -> {
            Value error =
                Ops.subtract(
                    requireNonNull(outputs.get("value")), requireNonNull(targets.get("value")));
            Value value = Ops.mean(Ops.multiply(error, error), 1); // [batch]
            Value kind =
                Ops.crossEntropyRows(
                    requireNonNull(outputs.get("kind")),
                    requireNonNull(targets.get("kind"))); // [batch]
            return Ops.add(value, Ops.scale(kind, 0.5f));
          });

  /** Houses: what is known of each, its value and its kind. */
  private static final class Houses {
    private final float[][] features;
    private final float[][] values;
    private final int[] kinds;

    Houses(int houses, long seed) {
      features = new float[houses][FEATURES];
      values = new float[houses][1];
      kinds = new int[houses];
      Random random = new Random(seed);
      for (int i = 0; i < houses; i++) {
        float[] x = features[i];
        for (int j = 0; j < FEATURES; j++) {
          x[j] = (float) random.nextGaussian();
        }
        values[i][0] = Math.abs(x[0]) + 0.5f * x[1];
        kinds[i] = x[2] + x[3] < -0.6 ? 0 : x[2] + x[3] < 0.6 ? 1 : 2;
      }
    }

    ArrayDataset data(String name) {
      return ArrayDataset.builder(name)
          .input("features", Features.of(features))
          .target("value", Values.of(values))
          .target("kind", Labels.of(kinds, KINDS))
          .build();
    }

    /** The root of the mean squared error of values. */
    double rmse(float[] said) {
      double sum = 0;
      for (int i = 0; i < said.length; i++) {
        sum += (said[i] - values[i][0]) * (said[i] - values[i][0]);
      }
      return Math.sqrt(sum / said.length);
    }

    /** The share of kinds that have the largest logit. */
    double accuracy(float[] logits) {
      int right = 0;
      for (int i = 0; i < kinds.length; i++) {
        int best = 0;
        for (int kind = 1; kind < KINDS; kind++) {
          best = logits[i * KINDS + kind] > logits[i * KINDS + best] ? kind : best;
        }
        right += best == kinds[i] ? 1 : 0;
      }
      return (double) right / kinds.length;
    }
  }

  /**
   * Prints how good both heads are on houses held out, after each epoch.
   *
   * @param args the number of epochs, 10 if it is not given
   */
  public static void main(String[] args) {
    Model model =
        Model.of(
            List.of(ModelInput.of("features", Shape.of(FEATURES))),
            (scope, inputs) -> {
              Sequential layers =
                  Sequential.of(new Linear(64), new ReLU(), new Linear(32), new ReLU());
              Value trunk = scope.apply("trunk", layers, requireNonNull(inputs.get("features")));
              return Map.of(
                  "value", scope.apply("value", new Linear(1), trunk),
                  "kind", scope.apply("kind", new Linear(KINDS), trunk));
            });
    Houses heldOut = new Houses(1000, 2);
    Metric rmse =
        Metric.ofNamed(
            "val_rmse", false, (said, data) -> heldOut.rmse(requireNonNull(said.get("value"))));
    Metric accuracy =
        Metric.ofNamed(
            "val_kind", true, (said, data) -> heldOut.accuracy(requireNonNull(said.get("kind"))));
    for (EpochRecord epoch :
        Trainer.builder(model, new Houses(4000, 1).data("houses"))
            .validation(heldOut.data("houses held out"))
            .loss(VALUE_AND_KIND)
            .metrics(rmse, accuracy)
            .optimizer(Optimizer.adam(0.003))
            .batchSize(32)
            .epochs(args.length > 0 ? Integer.parseInt(args[0]) : 10)
            .seed(1)
            .fit()
            .epochs()) {
      System.out.printf(
          "epoch %d: loss %.3f, value rmse %.2f, kind accuracy %.1f %%%n",
          epoch.epoch(),
          epoch.validation().orElseThrow().loss(),
          rmse.of(epoch),
          100 * accuracy.of(epoch));
    }
  }
}
