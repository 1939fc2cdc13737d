package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.nn.Block;
import ai.djl.training.optimizer.Adam;
import ai.djl.training.optimizer.AdamW;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.FixedPerVarTracker;
import ai.djl.training.tracker.Tracker;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** DJL's own optimizers and ours train one network to the same weights. */
class SameNumbersTest {
  private static final int STEPS = 50;
  private static final float TOLERANCE = 1e-6f;

  private static Tracker falling() {
    return Tracker.cosine().setBaseValue(0.05f).optFinalValue(0).setMaxUpdates(40).build();
  }

  private static Tracker inSteps() {
    return Tracker.factor().setBaseValue(0.05f).setFactor(0.5f).optMaxUpdates(40).build();
  }

  private static Arguments pair(String name, Supplier<Optimizer> djl, Supplier<Optimizer> ours) {
    return Arguments.of(name, djl, ours);
  }

  static Stream<Arguments> optimizers() {
    return Stream.of(
        pair("AdamW", () -> AdamW.builder().build(), () -> HalfstepOptimizer.adamW().build()),
        pair(
            "AdamW with options",
            () ->
                AdamW.builder()
                    .optLearningRateTracker(Tracker.fixed(0.01f))
                    .optWeightDecays(0.1f)
                    .optBeta1(0.8f)
                    .optBeta2(0.98f)
                    .optEpsilon(1e-3f)
                    .build(),
            () ->
                HalfstepOptimizer.adamW()
                    .optLearningRateTracker(Tracker.fixed(0.01f))
                    .optWeightDecays(0.1f)
                    .optBeta1(0.8f)
                    .optBeta2(0.98f)
                    .optEpsilon(1e-3f)
                    .build()),
        pair(
            "Adam with decay, another beginning and factor",
            () ->
                Adam.builder()
                    .optWeightDecays(0.05f)
                    .optBeginNumUpdate(20)
                    .setRescaleGrad(0.25f)
                    .build(),
            () ->
                HalfstepOptimizer.adam()
                    .optWeightDecays(0.05f)
                    .optBeginNumUpdate(20)
                    .setRescaleGrad(0.25f)
                    .build()),
        pair(
            "Adam, clipped",
            () -> Adam.builder().setRescaleGrad(4).optClipGrad(0.01f).build(),
            () -> HalfstepOptimizer.adam().setRescaleGrad(4).optClipGrad(0.01f).build()),
        pair(
            "SGD",
            () ->
                Optimizer.sgd()
                    .setLearningRateTracker(falling())
                    .optWeightDecays(0.01f)
                    .setRescaleGrad(2)
                    .build(),
            () ->
                HalfstepOptimizer.sgd()
                    .optLearningRateTracker(falling())
                    .optWeightDecays(0.01f)
                    .setRescaleGrad(2)
                    .build()),
        pair(
            "SGD with momentum, falling rate",
            () ->
                Optimizer.sgd()
                    .setLearningRateTracker(falling())
                    .optMomentum(0.9f)
                    .optWeightDecays(0.01f)
                    .setRescaleGrad(0.5f)
                    .build(),
            () ->
                HalfstepOptimizer.sgd()
                    .optLearningRateTracker(falling())
                    .optMomentum(0.9f)
                    .optWeightDecays(0.01f)
                    .setRescaleGrad(0.5f)
                    .build()),
        pair(
            "SGD with momentum, clipped, rate in steps",
            () ->
                Optimizer.sgd()
                    .setLearningRateTracker(inSteps())
                    .optMomentum(0.5f)
                    .optClipGrad(0.005f)
                    .build(),
            () ->
                HalfstepOptimizer.sgd()
                    .optLearningRateTracker(inSteps())
                    .optMomentum(0.5f)
                    .optClipGrad(0.005f)
                    .build()),
        pair(
            "a tracker by parameter",
            () ->
                Adam.builder()
                    .optLearningRateTracker(
                        FixedPerVarTracker.builder().setDefaultValue(0.002f).build())
                    .build(),
            () ->
                HalfstepOptimizer.adam()
                    .optLearningRateTracker(
                        FixedPerVarTracker.builder().setDefaultValue(0.002f).build())
                    .build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("optimizers")
  void weightsAreThoseOfDjlsOptimizer(
      String name, Supplier<Optimizer> djl, Supplier<Optimizer> ours) {
    requireSame(Networks::mlp, djl, ours, name);
  }

  private static void requireSame(
      Supplier<Block> network, Supplier<Optimizer> djl, Supplier<Optimizer> ours, String name) {
    List<float[]> before = Networks.train(network.get(), djl.get(), 0);
    List<float[]> expected = Networks.train(network.get(), djl.get(), STEPS);
    List<float[]> actual = Networks.train(network.get(), ours.get(), STEPS);
    assertTrue(expected.size() >= 4, expected.size() + " parameters");
    assertTrue(distance(before, expected) > 1e-2, "DJL's optimizer has moved the weights");
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), actual.get(i), TOLERANCE, name + ", parameter " + i);
    }
  }

  /** The gradients of all these layers' parameters are such as the kernels take. */
  @Test
  void layersOfOtherKinds() {
    Supplier<Optimizer> djl =
        () ->
            Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.02f)).optMomentum(0.8f).build();
    Supplier<Optimizer> ours =
        () ->
            HalfstepOptimizer.sgd()
                .optLearningRateTracker(Tracker.fixed(0.02f))
                .optMomentum(0.8f)
                .build();
    requireSame(Networks::cnn, djl, ours, "cnn");
    requireSame(Networks::lstm, djl, ours, "lstm");
  }

  /** The same bits each time, however often a network is trained. */
  @Test
  void oneSeedGivesTheSameBits() {
    List<float[]> first = Networks.train(Networks.mlp(), HalfstepOptimizer.lamb().build(), 10);
    List<float[]> second = Networks.train(Networks.mlp(), HalfstepOptimizer.lamb().build(), 10);
    for (int i = 0; i < first.size(); i++) {
      assertArrayEquals(first.get(i), second.get(i));
    }
  }

  @Test
  void pytorchsConventionGivesOtherNumbersWhereEpsCounts() {
    Supplier<HalfstepOptimizer.Builder> adam = () -> HalfstepOptimizer.adam().optEpsilon(1e-3f);
    List<float[]> djl = Networks.train(Networks.mlp(), adam.get().build(), STEPS);
    List<float[]> pytorch =
        Networks.train(Networks.mlp(), adam.get().optConvention(Convention.PYTORCH).build(), STEPS);
    assertTrue(distance(djl, pytorch) > 1e-4, "a difference of " + distance(djl, pytorch));
  }

  private static double distance(List<float[]> a, List<float[]> b) {
    double largest = 0;
    for (int i = 0; i < a.size(); i++) {
      for (int k = 0; k < a.get(i).length; k++) {
        largest = Math.max(largest, Math.abs(a.get(i)[k] - b.get(i)[k]));
      }
    }
    return largest;
  }
}
