package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("sim")
class OptimizerStepKernelTest {
  private static final int COUNT = 19;

  @Test
  void adamWFollowsItsRuleOverSeveralSteps() {
    OptimizerStepKernel step =
        OptimizerStepKernel.adamW(COUNT).learningRate(0.01f).weightDecay(0.1f).build();
    float[] parameters = Values.wave(COUNT, 1);
    float[] moment1 = new float[COUNT];
    float[] moment2 = new float[COUNT];
    HostStepState state = new HostStepState();
    double[] p = new double[COUNT];
    double[] m = new double[COUNT];
    double[] v = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      p[i] = parameters[i];
    }
    for (int t = 1; t <= 3; t++) {
      float[] gradients = Values.wave(COUNT, t + 1);
      state.weight(1);
      step.run(parameters, gradients, moment1, moment2, state);
      state.endStep();
      for (int i = 0; i < COUNT; i++) {
        double g = gradients[i];
        p[i] -= 0.01 * 0.1 * p[i];
        m[i] += 0.1 * (g - m[i]);
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        double mean = m[i] / (1 - Math.pow(0.9, t));
        p[i] -= 0.01 * mean / (Math.sqrt(v[i] / (1 - Math.pow(0.999, t))) + 1e-8);
        assertEquals(p[i], parameters[i], 1e-5, "step " + t + ", parameter " + i);
      }
    }
    assertEquals(3, state.performed());
  }

  /** A caller who counts steps gets the same bits as a caller with a state. */
  @Test
  void aStepThatTheCallerCountsIsThatOfAState() {
    OptimizerStepKernel counted = OptimizerStepKernel.adam(COUNT).build();
    float[] p = Values.wave(COUNT, 1);
    float[] m = new float[COUNT];
    float[] v = new float[COUNT];
    float[] expected = Values.wave(COUNT, 1);
    float[] expectedM = new float[COUNT];
    float[] expectedV = new float[COUNT];
    HostStepState state = new HostStepState();
    for (int t = 1; t <= 3; t++) {
      float[] gradients = Values.wave(COUNT, t + 1);
      float rate = 0.01f / t;
      counted.step(t, rate).run(p, gradients, m, v, null);
      state.weight(1);
      OptimizerStepKernel.adam(COUNT)
          .learningRate(rate)
          .build()
          .run(expected, gradients, expectedM, expectedV, state);
      state.endStep();
      assertArrayEquals(expected, p, "step " + t);
    }
    for (long number : new long[] {0, -3}) {
      var refused = assertThrows(IllegalArgumentException.class, () -> counted.step(number, 0.01f));
      assertEquals(
          "the number of the step is " + number + ": steps are counted from 1",
          refused.getMessage());
    }
    for (float rate : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> counted.step(1, rate));
    }
  }

  /** Keras and DJL: p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps). */
  @Test
  void epsCanBeAddedBeforeDebiasing() {
    float eps = 0.01f;
    OptimizerStepKernel step =
        OptimizerStepKernel.adam(COUNT).eps(eps).epsBeforeDebiasing(true).build().step(3, 0.1f);
    float[] p = new float[COUNT];
    float[] gradients = Values.wave(COUNT, 1);
    step.run(p, gradients, new float[COUNT], new float[COUNT], null);
    for (int i = 0; i < COUNT; i++) {
      double g = gradients[i];
      double root = Math.sqrt(1 - Math.pow(0.999, 3));
      double expected =
          -0.1 * root / (1 - Math.pow(0.9, 3)) * 0.1 * g / (Math.sqrt(0.001 * g * g) + eps);
      assertEquals(expected, p[i], 1e-6, "parameter " + i);
    }
    assertThrows(
        IllegalArgumentException.class,
        () ->
            OptimizerStepKernel.lamb(COUNT)
                .epsBeforeDebiasing(true)
                .build()
                .run(p, gradients, new float[COUNT], new float[COUNT], null));
  }

  @Test
  void everyFormGivesTheSameBits() {
    OptimizerStepKernel step =
        OptimizerStepKernel.sgd(COUNT).momentum(0.9f, true).weightDecay(0.01f).build();
    float[] gradients = Values.wave(COUNT, 2);
    float[] arrays = Values.wave(COUNT, 1);
    step.run(arrays, gradients, new float[COUNT], null, null);

    FloatBuffer buffer = Values.direct(Values.wave(COUNT, 1));
    FloatBuffer moment = Values.direct(new float[COUNT]);
    step.run(buffer, Values.direct(gradients), moment, null, null);
    assertArrayEquals(arrays, Values.array(buffer));

    try (Device device = TestDevice.open()) {
      Tensor parameters = device.tensor(Shape.of(COUNT), Values.wave(COUNT, 1));
      Tensor g = device.tensor(Shape.of(COUNT), gradients);
      Tensor v = device.tensor(Shape.of(COUNT), new float[COUNT]);
      step.run(device.stream(), parameters, g, v, null, null);
      assertComputed(arrays, parameters.toFloats());
    }
  }

  @Test
  void theGradientCheckFindsNormAndInfinity() {
    HostStepState state = new HostStepState();
    state.weight(2);
    StepKernels.gradientCheck(new float[] {3, 4}, state, 2, 1);
    assertEquals(5, state.gradientNorm(), 1e-5);
    assertFalse(state.nonfinite());
    OptimizerStepKernel step = OptimizerStepKernel.sgd(2).learningRate(1).checked(true).build();
    float[] parameters = {0, 0};
    step.run(parameters, new float[] {3, 4}, null, null, state);
    assertArrayEquals(new float[] {-0.6f, -0.8f}, parameters, 1e-4f, "clipped to norm 1");

    float[] infinite = {3, Float.POSITIVE_INFINITY};
    StepKernels.gradientCheck(infinite, state, 2, 0);
    assertTrue(state.nonfinite());
    step.run(parameters, infinite, null, null, state);
    assertArrayEquals(new float[] {-0.6f, -0.8f}, parameters, 1e-4f, "the step is skipped");
  }

  @Test
  void aHostStateOfWeightZeroIsRefused() {
    float[] p = {1, 2};
    float[] g = {3, 4};
    HostStepState state = new HostStepState();
    OptimizerStepKernel step = OptimizerStepKernel.sgd(2).learningRate(1).build();
    OptimizerStepKernel checked = OptimizerStepKernel.sgd(2).learningRate(1).checked(true).build();
    for (OptimizerStepKernel one : new OptimizerStepKernel[] {step, checked}) {
      assertThrows(IllegalStateException.class, () -> one.run(p, g, null, null, state));
      FloatBuffer buffer = Values.direct(p);
      assertThrows(
          IllegalStateException.class, () -> one.run(buffer, Values.direct(g), null, null, state));
    }
    var refused =
        assertThrows(IllegalStateException.class, () -> StepKernels.gradientCheck(g, state, 1, 0));
    assertTrue(refused.getMessage().contains("weight is 0"), refused::getMessage);
    assertArrayEquals(new float[] {1, 2}, p);

    state.weight(2);
    step.run(p, g, null, null, state);
    assertArrayEquals(new float[] {-0.5f, 0}, p);
  }

  @Test
  void missingMomentsAndImpossibleRatesAreRefused() {
    float[] p = new float[2];
    float[] g = new float[2];
    OptimizerStepKernel adamW = OptimizerStepKernel.adamW(2).build();
    var refused =
        assertThrows(IllegalArgumentException.class, () -> adamW.run(p, g, null, null, null));
    assertTrue(refused.getMessage().contains("moment1 and moment2"), refused::getMessage);
    OptimizerStepKernel momentum = OptimizerStepKernel.sgd(2).momentum(0.9f, false).build();
    assertThrows(IllegalArgumentException.class, () -> momentum.run(p, g, null, null, null));
    for (float rate : new float[] {-1, Float.NaN}) {
      OptimizerStepKernel bad = OptimizerStepKernel.sgd(2).learningRate(rate).build();
      assertThrows(IllegalArgumentException.class, () -> bad.run(p, g, null, null, null));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> adamW.run(p, new float[1], new float[2], new float[2], null));
    assertThrows(IllegalArgumentException.class, () -> OptimizerStepKernel.sgd(-1));
  }
}
