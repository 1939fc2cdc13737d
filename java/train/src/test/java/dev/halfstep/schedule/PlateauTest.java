package dev.halfstep.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.halfstep.metric.Metric;
import org.junit.jupiter.api.Test;

/** Compares reduce-on-plateau with the results of PyTorch's ReduceLROnPlateau. */
final class PlateauTest {
  private static double[] multipliers(Plateau rule, double... values) {
    double[] result = new double[values.length];
    Plateau.State state = rule.begin();
    for (int i = 0; i < values.length; i++) {
      state = rule.next(state, values[i]);
      result[i] = state.multiplier();
    }
    return result;
  }

  @Test
  void aConstantMetricHalvesTheRateWhenBadEpochsPassThePatience() {
    assertArrayEquals(
        new double[] {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25},
        multipliers(Plateau.of(Metric.VAL_LOSS, 0.5, 2), 3, 3, 3, 3, 3, 3, 3, 3));
  }

  @Test
  void relativeThresholdsAreShares() {
    Plateau tenth = Plateau.of(Metric.VAL_LOSS, 0.5, 0).withRelativeThreshold(0.1);
    assertArrayEquals(new double[] {1, 0.5, 0.5}, multipliers(tenth, 10, 9.5, 8.9));
    Plateau rising = Plateau.of(Metric.VAL_ACCURACY, 0.5, 0).withRelativeThreshold(0.1);
    assertArrayEquals(new double[] {1, 0.5, 0.5}, multipliers(rising, 0.5, 0.54, 0.56));
  }

  @Test
  void absoluteThresholdsAreDifferences() {
    Plateau rule = Plateau.of(Metric.VAL_LOSS, 0.5, 0).withAbsoluteThreshold(1);
    assertArrayEquals(new double[] {1, 0.5, 0.5, 0.25}, multipliers(rule, 10, 9, 8.9, 8));
    assertArrayEquals(new double[] {1, 1}, multipliers(rule, -1, -3));
  }

  @Test
  void aCooldownCountsNothing() {
    Plateau rule = Plateau.of(Metric.VAL_LOSS, 0.5, 0).withCooldown(2);
    assertArrayEquals(new double[] {1, 0.5, 0.5, 0.5, 0.25}, multipliers(rule, 1, 1, 1, 1, 1));
  }

  @Test
  void theMultiplierHasALeastValue() {
    Plateau rule = Plateau.of(Metric.VAL_LOSS, 0.1, 0).withLeast(0.05);
    assertArrayEquals(new double[] {1, 0.1, 0.05, 0.05}, multipliers(rule, 1, 1, 1, 1), 1e-15);
  }

  @Test
  void aRelativeThresholdOnANegativeMetricIsRejected() {
    Plateau rule = Plateau.of(Metric.VAL_LOSS, 0.5, 2);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> rule.next(rule.begin(), -1));
    assertEquals(true, e.getMessage().contains("val_loss"), e.getMessage());
  }

  @Test
  void impossibleRulesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Plateau.of(Metric.VAL_LOSS, 1, 2));
    assertThrows(IllegalArgumentException.class, () -> Plateau.of(Metric.VAL_LOSS, 0.5, -1));
  }
}
