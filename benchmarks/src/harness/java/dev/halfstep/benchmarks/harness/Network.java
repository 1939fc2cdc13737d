package dev.halfstep.benchmarks.harness;

import java.util.ArrayList;
import java.util.List;

/** The networks that are trained, with the same first weights and data for every contender. */
public enum Network {
  /** 1000 features, 100 units with ReLU, 2 classes; SGD with learning rate 0.01. */
  MLP(2, 1000, 2.0 * (2 * 100_000 + 3 * 200)),
  /**
   * Images 1 x 28 x 28; convolutions of 3 x 3 with padding 1 to 32 and 64 channels, each with ReLU
   * and the maximum of 2 x 2; 128 units with ReLU; 10 classes; Adam with learning rate 0.001.
   */
  CNN(10, 784, 2.0 * (2 * 784 * 9 * 32 + 3 * (196 * 9 * 32 * 64 + 3136 * 128 + 1280)));

  private static final long WEIGHTS = 1;
  private static final long DATA = 100;

  private final int classes;
  private final int features;
  private final double flopsPerSample;

  Network(int classes, int features, double flopsPerSample) {
    this.classes = classes;
    this.features = features;
    this.flopsPerSample = flopsPerSample;
  }

  /** The number of classes. */
  public int classes() {
    return classes;
  }

  /** The number of features of a sample. */
  public int features() {
    return features;
  }

  /**
   * Floating-point operations of training with one sample: forward and both gradients, but not the
   * gradient of the samples.
   */
  public double flopsPerSample() {
    return flopsPerSample;
  }

  /**
   * Weight and bias of each layer in turn, uniform in +- 1 / sqrt(inputs), in PyTorch's layouts:
   * {@code [out, in]} and {@code [out, in, 3, 3]}, the features of an image in the order of {@code
   * [channels, height, width]}.
   */
  public List<float[]> weights() {
    List<float[]> all = new ArrayList<>();
    for (int[] shape : shapes()) {
      int inputs = 1;
      for (int i = 1; i < shape.length; i++) {
        inputs *= shape[i];
      }
      float bound = (float) (1 / Math.sqrt(inputs));
      all.add(Inputs.uniform(shape[0] * inputs, WEIGHTS + all.size(), bound));
      all.add(Inputs.uniform(shape[0], WEIGHTS + all.size(), bound));
    }
    return all;
  }

  private int[][] shapes() {
    return this == MLP
        ? new int[][] {{100, 1000}, {2, 100}}
        : new int[][] {{32, 1, 3, 3}, {64, 32, 3, 3}, {128, 3136}, {10, 128}};
  }

  /** Standard normal samples {@code [1024, features]}. */
  public float[] samples() {
    return Inputs.normal(Work.SAMPLES * features, DATA);
  }

  /** Random labels of the samples. */
  public int[] labels() {
    return Inputs.labels(Work.SAMPLES, classes);
  }
}
