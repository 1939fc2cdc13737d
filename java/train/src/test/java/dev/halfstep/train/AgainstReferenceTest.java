package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.nn.Model;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares twenty steps of training with the same steps in fp64. */
@Tag("sim")
class AgainstReferenceTest {
  private static final int STEPS = 20;
  private static final int BATCH = 12;
  private static final double TOLERANCE = 2e-5;

  private final SmallTask task = new SmallTask(STEPS * BATCH, true);
  private final Model model = SmallTask.model();
  private final ReferenceMlp reference = SmallTask.reference(model);
  private final float[] rates = new float[STEPS];
  private final float[] momenta = new float[STEPS];

  private SessionBuilder options(Optimizer optimizer) {
    for (int i = 0; i < STEPS; i++) {
      rates[i] = optimizer.learningRate() * (1 + i % 4);
      momenta[i] = Math.max(optimizer.momentum() - 0.01f * i, 0);
    }
    reference.ignoreLabel = -100;
    return TrainingSession.builder(model)
        .device(TestDevice.ID)
        .batchSize(BATCH)
        .loss(Loss.crossEntropy().ignoreLabel(-100))
        .optimizer(optimizer);
  }

  private void compare(SessionBuilder options) {
    try (TrainingSession session = options.open()) {
      session.data(task.data);
      session.schedule(rates, momenta);
      session.run(STEPS);
      StepBlock block = session.drain();
      for (int step = 0; step < STEPS; step++) {
        reference.begin();
        for (int i = step * BATCH; i < (step + 1) * BATCH; i++) {
          reference.add(task.x, i * SmallTask.FEATURES, task.y[i]);
        }
        assertEquals(reference.loss(), block.loss(step), TOLERANCE, "loss of step " + step);
        assertEquals(reference.correct, block.correct(step), "correct in step " + step);
        assertEquals(rates[step], block.learningRate(step));
        if (options.checksGradients()) {
          assertEquals(reference.gradientNorm(), block.gradientNorm(step), TOLERANCE);
        }
        reference.update(options.optimizer(), rates[step], momenta[step]);
      }
      session.store();
    }
    String[] layers = {"0", "2"};
    for (int l = 0; l < layers.length; l++) {
      assertNear(reference.weights[l], model.get(layers[l] + ".weight"));
      assertNear(reference.biases[l], model.get(layers[l] + ".bias"));
    }
  }

  private static void assertNear(double[] expected, float[] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < actual.length; i++) {
      assertEquals(expected[i], actual[i], TOLERANCE, "element " + i);
    }
  }

  /** The first layer learns more slowly and decays more; the second is one group with its bias. */
  @ParameterizedTest
  @MethodSource("rules")
  void layersLearnAndDecayAtRatesOfTheirOwn(Optimizer rule) {
    reference.rateFactors = new double[] {0.25, 2};
    reference.decayFactors = new double[] {3, 0};
    compare(
        options(rule)
            .groups(
                ParameterGroup.of("0.*").withRate(0.25).withDecay(3),
                ParameterGroup.of("*").withRate(2).withDecay(0)));
  }

  static List<Optimizer> rules() {
    return List.of(
        Optimizer.sgd(0.05).withMomentum(0.9).withWeightDecay(0.1),
        Optimizer.adam(0.002).withWeightDecay(0.1),
        Optimizer.adamW(0.002).withWeightDecay(0.1),
        Optimizer.lars(0.1).withWeightDecay(0.1),
        Optimizer.lamb(0.002).withWeightDecay(0.1));
  }

  @Test
  void aGroupThatNoStepMovesStays() {
    float[] first = model.get("0.weight").clone();
    float[] second = model.get("2.weight").clone();
    try (TrainingSession session =
        options(Optimizer.adamW(0.01)).groups(ParameterGroup.of("0.*").withRate(0)).open()) {
      session.data(task.data);
      session.run(3);
      session.store();
    }
    assertArrayEquals(first, model.get("0.weight"));
    assertFalse(Arrays.equals(second, model.get("2.weight")));
  }

  @Test
  void sgdWithoutMomentum() {
    compare(options(Optimizer.sgd(0.1)));
  }

  @Test
  void sgdWithMomentumAndDecay() {
    compare(options(Optimizer.sgd(0.05).withMomentum(0.9).withWeightDecay(0.01)));
  }

  @Test
  void sgdWithNesterovsMomentum() {
    compare(options(Optimizer.sgd(0.05).withNesterov(0.8)));
  }

  @Test
  void adamW() {
    // The first steps divide gradients by their own size. With a larger eps, fp32 and fp64 stay
    // comparable if a gradient is nearly 0.
    compare(options(Optimizer.adamW(0.002).withEps(1e-4).withWeightDecay(0.1)));
  }

  @Test
  void adam() {
    compare(options(Optimizer.adam(0.002).withEps(1e-4).withWeightDecay(0.1)));
  }

  @Test
  void lars() {
    compare(options(Optimizer.lars(0.5).withTrust(0.02).withWeightDecay(0.01)));
  }

  /** Even without decay, only biases have the plain learning rate. */
  @Test
  void larsWithoutWeightDecay() {
    compare(options(Optimizer.lars(0.5).withTrust(0.02).withWeightDecay(0)));
  }

  @Test
  void larsOnMicroBatchesWithClipping() {
    reference.clipNorm = 0.3;
    compare(options(Optimizer.lars(0.5).withTrust(0.02)).clipNorm(0.3).microBatch(5));
  }

  @Test
  void lamb() {
    compare(options(Optimizer.lamb(0.005).withEps(1e-4).withWeightDecay(0.1)));
  }

  @Test
  void optimizersRefuseWhatIsImpossible() {
    assertThrows(IllegalArgumentException.class, () -> Optimizer.adam(-0.1));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.adam(0.1).withBetas(0.9, 1));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.lamb(0.1).withBetas(1, 0.9));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.lamb(0.1).withEps(-1));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.lars(0.1).withTrust(0));
    assertThrows(IllegalArgumentException.class, () -> Optimizer.lars(0.1).withWeightDecay(-1));
  }

  @Test
  void clippingByTheGlobalNorm() {
    reference.clipNorm = 0.3;
    compare(options(Optimizer.sgd(0.1)).clipNorm(0.3));
  }

  @Test
  void theMeasuredNormChangesNothing() {
    compare(options(Optimizer.sgd(0.1)).gradientNorm(true));
  }

  @Test
  void labelSmoothingAndClassWeights() {
    reference.labelSmoothing = 0.1;
    reference.classWeights = new double[] {1, 0.5, 2, 1.5, 0.25};
    compare(
        options(Optimizer.sgd(0.1))
            .loss(
                Loss.crossEntropy()
                    .ignoreLabel(-100)
                    .labelSmoothing(0.1)
                    .classWeights(1, 0.5f, 2, 1.5f, 0.25f)));
  }

  @Test
  void microBatchesThatDivideTheBatch() {
    compare(options(Optimizer.sgd(0.1).withMomentum(0.9)).microBatch(4));
  }

  @Test
  void microBatchesWithARest() {
    reference.classWeights = new double[] {1, 0.5, 2, 1.5, 0.25};
    reference.clipNorm = 0.5;
    compare(
        options(Optimizer.adamW(0.002).withEps(1e-4))
            .loss(Loss.crossEntropy().ignoreLabel(-100).classWeights(1, 0.5f, 2, 1.5f, 0.25f))
            .clipNorm(0.5)
            .microBatch(5));
  }

  @Test
  void microBatchesOfOneSample() {
    compare(options(Optimizer.sgd(0.1)).microBatch(1));
  }

  @Test
  void theReferenceItselfLearns() {
    double first = 0;
    for (int epoch = 0; epoch < 30; epoch++) {
      reference.begin();
      for (int i = 0; i < 100; i++) {
        reference.add(task.x, i * SmallTask.FEATURES, Math.max(task.y[i], 0));
      }
      first = epoch == 0 ? reference.loss() : first;
      reference.update(Optimizer.sgd(0.5), 0.5, 0);
    }
    assertTrue(reference.loss() < 0.5 * first, reference.loss() + " after " + first);
  }
}
