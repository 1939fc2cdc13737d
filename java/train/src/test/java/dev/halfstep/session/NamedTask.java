package dev.halfstep.session;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Values;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.Tanh;
import dev.halfstep.optim.Loss;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Samples with two inputs and two targets, and a model with two towers and two heads for them. */
final class NamedTask {
  static final int USER = 5;
  static final int ITEM = 7;
  static final int WIDTH = 6;
  static final int KINDS = 3;

  final float[] user;
  final float[] item;
  final float[] scores;
  final int[] kinds;
  final ArrayDataset data;

  NamedTask(int samples) {
    Random random = new Random(3);
    user = new float[samples * USER];
    item = new float[samples * ITEM];
    scores = new float[samples];
    kinds = new int[samples];
    for (int i = 0; i < user.length; i++) {
      user[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < item.length; i++) {
      item[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < samples; i++) {
      scores[i] = user[i * USER] * item[i * ITEM];
      kinds[i] = (user[i * USER + 1] > 0 ? 1 : 0) + (item[i * ITEM + 1] > 0 ? 1 : 0);
    }
    data = data(Features.of(user, Shape.of(USER)), Labels.of(kinds, KINDS));
  }

  /** The same samples with these users and kinds. */
  ArrayDataset data(Features users, Labels labels) {
    return ArrayDataset.builder("ratings")
        .input("user", users)
        .input("item", Features.of(item, Shape.of(ITEM)))
        .target("score", Values.of(scores, Shape.of(1)))
        .target("kind", labels)
        .build();
  }

  /** Two heads on the product of two towers. The inputs are in another order than in the data. */
  static Model model() {
    return Model.of(
            List.of(ModelInput.of("item", Shape.of(ITEM)), ModelInput.of("user", Shape.of(USER))),
            (scope, inputs) -> {
              Value user = scope.apply("user", new Linear(WIDTH), inputs.get("user"));
              Value item = scope.apply("item", new Linear(WIDTH), inputs.get("item"));
              Value both = scope.apply("act", new Tanh(), Ops.multiply(user, item));
              Map<String, Value> outputs = new LinkedHashMap<>();
              outputs.put("score", scope.apply("score", new Linear(1), both));
              outputs.put("kind", scope.apply("kind", new Linear(KINDS), both));
              return outputs;
            })
        .initialize(7);
  }

  /** Squared error of the score and half of the cross-entropy of the kind. */
  static Loss loss() {
    return Loss.ofNamed(
        "score and kind",
        (outputs, targets) -> {
          Value error = Ops.subtract(outputs.get("score"), targets.get("score"));
          Value squares = Ops.mean(Ops.multiply(error, error), 1);
          Value entropy = Ops.crossEntropyRows(outputs.get("kind"), targets.get("kind"));
          return Ops.add(squares, Ops.scale(entropy, 0.5f));
        });
  }

  /** The mean loss of the samples in [from, to), in double precision. */
  double reference(Model model, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      double[] u = linear(model, "user", doubles(user, i * USER, USER), WIDTH);
      double[] v = linear(model, "item", doubles(item, i * ITEM, ITEM), WIDTH);
      double[] both = new double[WIDTH];
      for (int j = 0; j < WIDTH; j++) {
        both[j] = Math.tanh(u[j] * v[j]);
      }
      double error = linear(model, "score", both, 1)[0] - scores[i];
      double[] logits = linear(model, "kind", both, KINDS);
      double total = 0;
      for (double logit : logits) {
        total += Math.exp(logit);
      }
      sum += error * error + 0.5 * (Math.log(total) - logits[kinds[i]]);
    }
    return sum / (to - from);
  }

  private static double[] doubles(float[] values, int from, int count) {
    double[] part = new double[count];
    for (int i = 0; i < count; i++) {
      part[i] = values[from + i];
    }
    return part;
  }

  private static double[] linear(Model model, String layer, double[] x, int out) {
    float[] weight = model.get(layer + ".weight");
    float[] bias = model.get(layer + ".bias");
    double[] y = new double[out];
    for (int o = 0; o < out; o++) {
      y[o] = bias[o];
      for (int j = 0; j < x.length; j++) {
        y[o] += (double) weight[o * x.length + j] * x[j];
      }
    }
    return y;
  }
}
