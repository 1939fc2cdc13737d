package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The rules that DJL does not have, and PyTorch's convention, against their definitions in fp64.
 */
class RulesTest {
  private static final int STEPS = 20;
  private static final int ROWS = 7;
  private static final int COLUMNS = 11;
  private static final int COUNT = ROWS * COLUMNS;

  /** The learning rate of update t, which falls. */
  private static final Tracker RATE = t -> 0.05f / t;

  /** A definition in fp64; changes the parameters and moments given the gradient of update t. */
  private interface Definition {
    void update(double[] p, double[] g, double[] m, double[] v, int t, double rate);
  }

  /** The largest difference to the definition after some updates, from gradients drawn by lot. */
  private static double difference(Optimizer optimizer, Shape shape, Definition definition) {
    Random random = new Random(5);
    int count = (int) shape.size();
    float[] start = Networks.normal(random, count);
    double[] p = doubles(start);
    double[] m = new double[count];
    double[] v = new double[count];
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.create(start, shape);
      for (int t = 1; t <= STEPS; t++) {
        float[] gradient = Networks.normal(random, count);
        optimizer.update("p", weight, manager.create(gradient, shape));
        definition.update(p, doubles(gradient), m, v, t, RATE.getNewValue(t));
      }
      float[] actual = weight.toFloatArray();
      double largest = 0;
      for (int i = 0; i < count; i++) {
        largest = Math.max(largest, Math.abs(actual[i] - p[i]));
      }
      assertTrue(!Arrays.equals(start, actual), "the weights have moved");
      return largest;
    }
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  private static double norm(double[] values) {
    return Math.sqrt(Arrays.stream(values).map(x -> x * x).sum());
  }

  private static void require(Optimizer optimizer, Definition definition) {
    assertEquals(0, difference(optimizer, new Shape(ROWS, COLUMNS), definition), 2e-6);
  }

  /** m and v of Adam, and then m^ / (sqrt(v^) + eps). */
  private static double[] adam(double[] g, double[] m, double[] v, int t, double eps) {
    double[] direction = new double[g.length];
    for (int i = 0; i < g.length; i++) {
      m[i] += (1 - 0.9f) * (g[i] - m[i]);
      v[i] = 0.999f * v[i] + (1 - 0.999f) * g[i] * g[i];
      direction[i] =
          m[i] / (1 - Math.pow(0.9f, t)) / (Math.sqrt(v[i] / (1 - Math.pow(0.999f, t))) + eps);
    }
    return direction;
  }

  @Test
  void adamWAsPyTorch() {
    require(
        HalfstepOptimizer.adamW()
            .optConvention(Convention.PYTORCH)
            .optLearningRateTracker(RATE)
            .optWeightDecays(0.1f)
            .optEpsilon(0.01f)
            .build(),
        (p, g, m, v, t, rate) -> {
          double[] direction = adam(g, m, v, t, 0.01f);
          for (int i = 0; i < p.length; i++) {
            p[i] -= rate * 0.1f * p[i] + rate * direction[i];
          }
        });
  }

  @Test
  void adamAsPyTorch() {
    require(
        HalfstepOptimizer.adam()
            .optConvention(Convention.PYTORCH)
            .optLearningRateTracker(RATE)
            .optWeightDecays(0.1f)
            .build(),
        (p, g, m, v, t, rate) -> {
          for (int i = 0; i < p.length; i++) {
            g[i] += 0.1f * p[i];
          }
          double[] direction = adam(g, m, v, t, 1e-8f);
          for (int i = 0; i < p.length; i++) {
            p[i] -= rate * direction[i];
          }
        });
  }

  private static Definition sgd(boolean nesterov) {
    return (p, g, m, v, t, rate) -> {
      for (int i = 0; i < p.length; i++) {
        double d = g[i] + 0.01f * p[i];
        m[i] = 0.9f * m[i] + d;
        p[i] -= rate * (nesterov ? d + 0.9f * m[i] : m[i]);
      }
    };
  }

  @Test
  void momentumAsPyTorch() {
    require(
        HalfstepOptimizer.sgd()
            .optConvention(Convention.PYTORCH)
            .optLearningRateTracker(RATE)
            .optMomentum(0.9f)
            .optWeightDecays(0.01f)
            .build(),
        sgd(false));
  }

  @Test
  void nesterovsMomentumUnderBothConventions() {
    for (Convention convention : Convention.values()) {
      require(
          HalfstepOptimizer.sgd()
              .optConvention(convention)
              .optLearningRateTracker(RATE)
              .optMomentum(0.9f)
              .optNesterov(true)
              .optWeightDecays(0.01f)
              .build(),
          sgd(true));
    }
  }

  @Test
  void clippingOnBothSidesAsPyTorch() {
    require(
        HalfstepOptimizer.sgd()
            .optConvention(Convention.PYTORCH)
            .optLearningRateTracker(RATE)
            .setRescaleGrad(2)
            .optClipGrad(0.5f)
            .build(),
        (p, g, m, v, t, rate) -> {
          for (int i = 0; i < p.length; i++) {
            p[i] -= rate * Math.max(-0.5, Math.min(0.5, 2 * g[i]));
          }
        });
  }

  @Test
  void lamb() {
    Optimizer lamb =
        HalfstepOptimizer.lamb().optLearningRateTracker(RATE).optWeightDecays(0.1f).build();
    require(lamb, lamb(0.1f));
    Optimizer ofVector =
        HalfstepOptimizer.lamb().optLearningRateTracker(RATE).optWeightDecays(0.1f).build();
    assertEquals(0, difference(ofVector, new Shape(COUNT), lamb(0)), 2e-6, "no decay of biases");
  }

  private static Definition lamb(double decay) {
    return (p, g, m, v, t, rate) -> {
      double[] u = adam(g, m, v, t, 1e-6f);
      for (int i = 0; i < p.length; i++) {
        u[i] += decay * p[i];
      }
      double ratio = norm(p) / norm(u);
      for (int i = 0; i < p.length; i++) {
        p[i] -= rate * ratio * u[i];
      }
    };
  }

  @Test
  void lars() {
    require(
        HalfstepOptimizer.lars()
            .optLearningRateTracker(RATE)
            .optWeightDecays(0.1f)
            .optTrust(0.5f)
            .build(),
        (p, g, m, v, t, rate) -> {
          double ratio = 0.5f * norm(p) / (norm(g) + 0.1f * norm(p) + 1e-8f);
          for (int i = 0; i < p.length; i++) {
            m[i] = 0.9f * m[i] + ratio * (g[i] + 0.1f * p[i]);
            p[i] -= rate * m[i];
          }
        });
    Optimizer ofVector =
        HalfstepOptimizer.lars().optLearningRateTracker(RATE).optWeightDecays(0.1f).build();
    Definition plain =
        (p, g, m, v, t, rate) -> {
          for (int i = 0; i < p.length; i++) {
            m[i] = 0.9f * m[i] + g[i];
            p[i] -= rate * m[i];
          }
        };
    assertEquals(0, difference(ofVector, new Shape(COUNT), plain), 2e-6, "biases as SGD");
  }

  /** DJL debiases by the largest count of any parameter, PyTorch by the parameter's own. */
  @Test
  void aParameterThatJoinsLaterCountsByTheConvention() {
    for (Convention convention : Convention.values()) {
      Optimizer ours =
          HalfstepOptimizer.adam()
              .optConvention(convention)
              .optLearningRateTracker(Tracker.fixed(1))
              .build();
      try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
        NDArray early = manager.create(new float[] {0});
        NDArray late = manager.create(new float[] {0});
        NDArray gradient = manager.create(new float[] {1});
        for (int t = 1; t < 10; t++) {
          ours.update("early", early, gradient);
        }
        ours.update("late", late, gradient);
        int t = convention == Convention.DJL ? 9 : 1;
        double expected =
            -0.1 * Math.sqrt(1 - Math.pow(0.999f, t)) / (1 - Math.pow(0.9f, t)) / Math.sqrt(0.001);
        assertEquals(expected, late.getFloat(), 1e-5, convention.toString());
      }
    }
  }

  /** As in DJL, a tracker sees the parameter's id and the update's number. */
  @Test
  void trackersAreAskedWithIdAndNumber() {
    StringBuilder asked = new StringBuilder();
    Optimizer sgd =
        HalfstepOptimizer.sgd()
            .optLearningRateTracker(
                (String id, int number) -> {
                  asked.append(id).append(number).append(' ');
                  return number == 6 ? 0.5f : 0;
                })
            .optBeginNumUpdate(4)
            .build();
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.create(new float[] {1, 2});
      NDArray gradient = manager.create(new float[] {1, -1});
      sgd.update("w", weight, gradient);
      assertArrayEquals(new float[] {1, 2}, weight.toFloatArray());
      sgd.update("w", weight, gradient);
      assertArrayEquals(new float[] {0.5f, 2.5f}, weight.toFloatArray());
    }
    assertEquals("w5 w6 ", asked.toString());
  }

  @Test
  void optionsOfOtherRulesAndOutOfRangeAreRefused() {
    refused("AdamW has no momentum", () -> HalfstepOptimizer.adamW().optMomentum(0.9f));
    refused("LARS has no Nesterov", () -> HalfstepOptimizer.lars().optNesterov(true));
    refused("SGD has no beta1", () -> HalfstepOptimizer.sgd().optBeta1(0.9f));
    refused("LARS has no beta2", () -> HalfstepOptimizer.lars().optBeta2(0.9f));
    refused("SGD has no epsilon", () -> HalfstepOptimizer.sgd().optEpsilon(1));
    refused("Adam has no trust", () -> HalfstepOptimizer.adam().optTrust(1));
    refused("beta1 is 1.0", () -> HalfstepOptimizer.adam().optBeta1(1).build());
    refused("beta2 is NaN", () -> HalfstepOptimizer.adam().optBeta2(Float.NaN).build());
    refused("momentum is -0.1", () -> HalfstepOptimizer.sgd().optMomentum(-0.1f).build());
    refused("epsilon is -1.0", () -> HalfstepOptimizer.adam().optEpsilon(-1).build());
    refused("weight decay is -1.0", () -> HalfstepOptimizer.adamW().optWeightDecays(-1).build());
    refused("factor of gradients is 0.0", () -> HalfstepOptimizer.adam().setRescaleGrad(0).build());
    refused("limit of gradients", () -> HalfstepOptimizer.adam().optClipGrad(Float.NaN).build());
    refused("trust coefficient is 0.0", () -> HalfstepOptimizer.lars().optTrust(0).build());
    refused("needs a momentum", () -> HalfstepOptimizer.sgd().optNesterov(true).build());
  }

  private static void refused(String message, Runnable call) {
    String said = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(said.contains(message), said);
  }
}
