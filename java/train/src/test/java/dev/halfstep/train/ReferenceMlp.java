package dev.halfstep.train;

import dev.halfstep.optim.Adam;
import dev.halfstep.optim.AdamW;
import dev.halfstep.optim.Lamb;
import dev.halfstep.optim.Lars;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.Sgd;
import java.util.Arrays;

/**
 * A multilayer perceptron with ReLU, softmax cross-entropy and every optimizer in plain fp64,
 * written from their definitions, as a reference for training.
 */
public final class ReferenceMlp {
  public final int[] sizes;
  public final double[][] weights; // [layer][out * in]
  public final double[][] biases;
  private final double[][] weightGradients;
  private final double[][] biasGradients;
  private final double[][][] moments; // [weights or biases of a layer][first, second]
  private int updates;
  private double weightSum;
  public double lossSum;
  public double correct;

  public double labelSmoothing;
  public int ignoreLabel = -1;
  public double[] classWeights;
  public double clipNorm;
  public double[] rateFactors; // factor of the learning rate by layer
  public double[] decayFactors;

  public ReferenceMlp(int... sizes) {
    this.sizes = sizes;
    int layers = sizes.length - 1;
    weights = new double[layers][];
    biases = new double[layers][];
    weightGradients = new double[layers][];
    biasGradients = new double[layers][];
    moments = new double[2 * layers][2][];
    classWeights = new double[sizes[layers]];
    Arrays.fill(classWeights, 1);
    rateFactors = new double[layers];
    decayFactors = new double[layers];
    Arrays.fill(rateFactors, 1);
    Arrays.fill(decayFactors, 1);
    for (int l = 0; l < layers; l++) {
      weights[l] = new double[sizes[l] * sizes[l + 1]];
      biases[l] = new double[sizes[l + 1]];
      weightGradients[l] = new double[weights[l].length];
      biasGradients[l] = new double[biases[l].length];
      moments[2 * l] = new double[2][weights[l].length];
      moments[2 * l + 1] = new double[2][biases[l].length];
    }
  }

  /** Sets sums and gradients to 0. */
  public void begin() {
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

  public double loss() {
    return lossSum / weightSum;
  }

  /** Adds one sample to sums and gradients. */
  public void add(float[] x, int from, int label) {
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
  public double gradientNorm() {
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

  /** Makes one update of all parameters; biases do not decay. */
  public void update(Optimizer rule, double learningRate, double momentum) {
    updates++;
    double scale = multiplier();
    for (int l = 0; l < weights.length; l++) {
      for (boolean bias : new boolean[] {false, true}) {
        double[] gradient = (bias ? biasGradients : weightGradients)[l].clone();
        for (int i = 0; i < gradient.length; i++) {
          gradient[i] *= scale;
        }
        double[] p = (bias ? biases : weights)[l];
        double[][] state = moments[2 * l + (bias ? 1 : 0)];
        double decay = bias ? 0 : rule.weightDecay() * decayFactors[l];
        double rate = rateFactors[l] * learningRate;
        if (rule instanceof Sgd sgd) {
          sgd(sgd, rate, momentum, decay, p, gradient, state[0]);
        } else if (rule instanceof Lars lars) {
          lars(lars, rate, momentum, decay, bias, p, gradient, state[0]);
        } else {
          adaptive(rule, rate, momentum, decay, p, gradient, state);
        }
      }
    }
  }

  private void sgd(
      Sgd rule,
      double rate,
      double momentum,
      double decay,
      double[] p,
      double[] gradient,
      double[] v) {
    for (int i = 0; i < p.length; i++) {
      double g = gradient[i] + decay * p[i];
      v[i] = updates == 1 ? g : momentum * v[i] + g;
      p[i] -= rate * (rule.nesterov() ? g + momentum * v[i] : v[i]);
    }
  }

  private static void lars(
      Lars rule,
      double rate,
      double momentum,
      double decay,
      boolean bias,
      double[] p,
      double[] gradient,
      double[] v) {
    double norm = norm(p);
    double gradientNorm = norm(gradient);
    boolean fitted = !bias && norm > 0 && gradientNorm > 0;
    double r = fitted ? rule.trust() * norm / (gradientNorm + decay * norm + 1e-8) : 1;
    for (int i = 0; i < p.length; i++) {
      v[i] = momentum * v[i] + r * (gradient[i] + decay * p[i]);
      p[i] -= rate * v[i];
    }
  }

  /**
   * Updates one parameter tensor. Adam adds the decay to the gradient; AdamW and LAMB add it to the
   * step, whose length LAMB then scales.
   */
  private void adaptive(
      Optimizer rule,
      double rate,
      double beta1,
      double decay,
      double[] p,
      double[] gradient,
      double[][] state) {
    double beta2 = 0;
    double eps = 0;
    if (rule instanceof Adam adam) {
      beta2 = adam.beta2();
      eps = adam.eps();
    } else if (rule instanceof AdamW adamW) {
      beta2 = adamW.beta2();
      eps = adamW.eps();
    } else if (rule instanceof Lamb lamb) {
      beta2 = lamb.beta2();
      eps = lamb.eps();
    }
    boolean coupled = rule instanceof Adam;
    double[] m = state[0];
    double[] v = state[1];
    double[] step = new double[p.length];
    for (int i = 0; i < p.length; i++) {
      double g = gradient[i] + (coupled ? decay * p[i] : 0);
      m[i] += (1 - beta1) * (g - m[i]);
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      double corrected = m[i] / (1 - Math.pow(beta1, updates));
      double root = Math.sqrt(v[i] / (1 - Math.pow(beta2, updates)));
      step[i] = corrected / (root + eps) + (coupled ? 0 : decay * p[i]);
    }
    boolean fitted = rule instanceof Lamb && norm(p) > 0 && norm(step) > 0;
    double r = fitted ? norm(p) / norm(step) : 1;
    for (int i = 0; i < p.length; i++) {
      p[i] -= rate * r * step[i];
    }
  }

  private static double norm(double[] values) {
    return Math.sqrt(Arrays.stream(values).map(x -> x * x).sum());
  }
}
