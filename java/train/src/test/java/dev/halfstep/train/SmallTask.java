package dev.halfstep.train;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import java.util.OptionalInt;
import java.util.Random;

/** A small learnable classification task, and a model for it. */
public final class SmallTask {
  public static final int FEATURES = 19;
  public static final int HIDDEN = 13;
  public static final int CLASSES = 5;

  public final float[] x;
  public final int[] y;
  public final Dataset data;

  /** A task with {@code samples} samples; with {@code ignored} every seventh label is -100. */
  public SmallTask(int samples, boolean ignored) {
    Random random = new Random(11);
    x = new float[samples * FEATURES];
    y = new int[samples];
    for (int i = 0; i < samples; i++) {
      y[i] = random.nextInt(CLASSES);
      for (int j = 0; j < FEATURES; j++) {
        x[i * FEATURES + j] = (float) (random.nextGaussian() + (j % CLASSES == y[i] ? 1 : 0));
      }
      if (ignored && i % 7 == 3) {
        y[i] = -100;
      }
    }
    data =
        ArrayDataset.of(
            "small task",
            Features.of(x, Shape.of(FEATURES)),
            Labels.of(y, Shape.of(), CLASSES, OptionalInt.of(-100)));
  }

  public SmallTask(int samples) {
    this(samples, false);
  }

  public static Model model() {
    return Model.of(
            Shape.of(FEATURES), Sequential.of(new Linear(HIDDEN), new ReLU(), new Linear(CLASSES)))
        .initialize(5);
  }

  /** The reference with the weights of the model. */
  public static ReferenceMlp reference(Model model) {
    ReferenceMlp reference = new ReferenceMlp(FEATURES, HIDDEN, CLASSES);
    String[] layers = {"0", "2"};
    for (int l = 0; l < layers.length; l++) {
      copy(model.get(layers[l] + ".weight"), reference.weights[l]);
      copy(model.get(layers[l] + ".bias"), reference.biases[l]);
    }
    return reference;
  }

  private static void copy(float[] from, double[] to) {
    for (int i = 0; i < from.length; i++) {
      to[i] = from[i];
    }
  }
}
