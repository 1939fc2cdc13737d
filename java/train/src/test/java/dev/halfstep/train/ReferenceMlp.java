package dev.halfstep.train;

import java.util.Arrays;

/**
 * A multilayer perceptron with ReLU, softmax cross-entropy, SGD and AdamW in plain fp64, written
 * from the definitions of PyTorch: what training is compared with.
 */
final class ReferenceMlp {
  final int[] sizes;
  final double[][] weights; // [layer][out * in]
  final double[][] biases;
  private final double[][] weightGradients;
  private final double[][] biasGradients;
  private final double[][][] moments; // [weights or biases of a layer][first, second]
  private int updates;
  private double weightSum;
  double lossSum;
  double correct;

  double labelSmoothing;
  int ignoreLabel = -1;
  double[] classWeights;
  double clipNorm;

  ReferenceMlp(int... sizes) {
    this.sizes = sizes;
    int layers = sizes.length - 1;
    weights = new double[layers][];
    biases = new double[layers][];
    weightGradients = new double[layers][];
    biasGradients = new double[layers][];
    moments = new double[2 * layers][2][];
    classWeights = new double[sizes[layers]];
    Arrays.fill(classWeights, 1);
    for (int l = 0; l < layers; l++) {
      weights[l] = new double[sizes[l] * sizes[l + 1]];
      biases[l] = new double[sizes[l + 1]];
      weightGradients[l] = new double[weights[l].length];
      biasGradients[l] = new double[biases[l].length];
      moments[2 * l] = new double[2][weights[l].length];
      moments[2 * l + 1] = new double[2][biases[l].length];
    }
  }

  /** Sets the sums and the gradients to 0. */
  void begin() {
    lossSum = 0;
    weightSum = 0;
    correct = 0;
    for (double[] gradient : weightGradients) {
      Arrays.fill(gradient, 0);
    }
    for (double[] gradient : biasGradients) {
      Arrays.fill(gradient, 0);
    }
  }

  double loss() {
    return lossSum / weightSum;
  }

  /** Adds one sample to sums and gradients. */
  void add(float[] x, int from, int label) {
    int layers = weights.length;
    double[][] values = new double[layers + 1][];
    values[0] = new double[sizes[0]];
    for (int i = 0; i < sizes[0]; i++) {
      values[0][i] = x[from + i];
    }
    for (int l = 0; l < layers; l++) {
      values[l + 1] = new double[sizes[l + 1]];
      for (int o = 0; o < sizes[l + 1]; o++) {
        double sum = biases[l][o];
        for (int i = 0; i < sizes[l]; i++) {
          sum += weights[l][o * sizes[l] + i] * values[l][i];
        }
        values[l + 1][o] = l + 1 < layers ? Math.max(sum, 0) : sum;
      }
    }
    if (label == ignoreLabel) {
      return;
    }
    double[] gradient = lossGradient(values[layers], label);
    for (int l = layers - 1; l >= 0; l--) {
      double[] before = new double[sizes[l]];
      for (int o = 0; o < sizes[l + 1]; o++) {
        biasGradients[l][o] += gradient[o];
        for (int i = 0; i < sizes[l]; i++) {
          weightGradients[l][o * sizes[l] + i] += gradient[o] * values[l][i];
          before[i] += gradient[o] * weights[l][o * sizes[l] + i];
        }
      }
      for (int i = 0; i < sizes[l]; i++) {
        before[i] = values[l][i] > 0 ? before[i] : 0;
      }
      gradient = before;
    }
  }

  private double[] lossGradient(double[] logits, int label) {
    int classes = logits.length;
    double max = Arrays.stream(logits).max().orElseThrow();
    double sum = Arrays.stream(logits).map(z -> Math.exp(z - max)).sum();
    double[] gradient = new double[classes];
    double totalTarget = 0;
    for (int c = 0; c < classes; c++) {
      double q = (c == label ? 1 - labelSmoothing : 0) + labelSmoothing / classes;
      double target = classWeights[c] * q;
      lossSum -= target * (logits[c] - max - Math.log(sum));
      gradient[c] -= target;
      totalTarget += target;
    }
    for (int c = 0; c < classes; c++) {
      gradient[c] += totalTarget * Math.exp(logits[c] - max) / sum;
    }
    weightSum += classWeights[label];
    boolean largest = true;
    for (int c = 0; c < classes; c++) {
      largest &= c == label || logits[c] < logits[label];
    }
    correct += largest ? 1 : 0;
    return gradient;
  }

  /** The norm of the mean gradient. */
  double gradientNorm() {
    double sum = 0;
    for (int l = 0; l < weights.length; l++) {
      sum += Arrays.stream(weightGradients[l]).map(g -> g * g).sum();
      sum += Arrays.stream(biasGradients[l]).map(g -> g * g).sum();
    }
    return Math.sqrt(sum) / weightSum;
  }

  private double multiplier() {
    double norm = gradientNorm();
    double clip = clipNorm > 0 && norm > clipNorm ? clipNorm / (norm + 1e-6) : 1;
    return clip / weightSum;
  }

  void sgd(Sgd rule, double rate, double momentum) {
    updates++;
    double scale = multiplier();
    for (int l = 0; l < weights.length; l++) {
      sgd(rule, rate, momentum, scale, rule.weightDecay(), weights[l], weightGradients[l], 2 * l);
      sgd(rule, rate, momentum, scale, 0, biases[l], biasGradients[l], 2 * l + 1);
    }
  }

  private void sgd(
      Sgd rule,
      double rate,
      double momentum,
      double scale,
      double decay,
      double[] p,
      double[] gradient,
      int slot) {
    double[] v = moments[slot][0];
    for (int i = 0; i < p.length; i++) {
      double g = gradient[i] * scale + decay * p[i];
      v[i] = updates == 1 ? g : momentum * v[i] + g;
      p[i] -= rate * (rule.nesterov() ? g + momentum * v[i] : v[i]);
    }
  }

  void adamW(AdamW rule, double rate, double beta1) {
    updates++;
    double scale = multiplier();
    for (int l = 0; l < weights.length; l++) {
      adamW(rule, rate, beta1, scale, rule.weightDecay(), weights[l], weightGradients[l], 2 * l);
      adamW(rule, rate, beta1, scale, 0, biases[l], biasGradients[l], 2 * l + 1);
    }
  }

  private void adamW(
      AdamW rule,
      double rate,
      double beta1,
      double scale,
      double decay,
      double[] p,
      double[] gradient,
      int slot) {
    double[] m = moments[slot][0];
    double[] v = moments[slot][1];
    double beta2 = rule.beta2();
    for (int i = 0; i < p.length; i++) {
      double g = gradient[i] * scale;
      p[i] -= rate * decay * p[i];
      m[i] += (1 - beta1) * (g - m[i]);
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      double corrected = m[i] / (1 - Math.pow(beta1, updates));
      double root = Math.sqrt(v[i] / (1 - Math.pow(beta2, updates)));
      p[i] -= rate * corrected / (root + rule.eps());
    }
  }
}
