package dev.halfstep.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.benchmarks.compare.Statistics.Estimate;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  /** 1, 2, ... n in some order. */
  private static List<Double> shuffled(int n) {
    List<Double> values =
        IntStream.rangeClosed(1, n).mapToObj(i -> (double) i).collect(Collectors.toList());
    Collections.shuffle(values, new Random(n));
    return values;
  }

  @Test
  void medianIsTheMiddleOrTheMeanOfTheMiddleTwo() {
    assertEquals(6, Statistics.median(shuffled(11)));
    assertEquals(5.5, Statistics.median(shuffled(10)));
    assertThrows(IllegalArgumentException.class, () -> Statistics.median(List.of()));
  }

  /** The order statistics that tables of the sign test give for 95 %. */
  @Test
  void intervalLiesBetweenTheTabulatedOrderStatistics() {
    int[][] tabulated = {{6, 1}, {8, 1}, {9, 2}, {11, 2}, {12, 3}, {15, 4}, {20, 6}, {25, 8}};
    for (int[] row : tabulated) {
      Estimate estimate = Statistics.estimate(shuffled(row[0]));
      assertEquals(row[1], estimate.low(), "n = " + row[0]);
      assertEquals(row[0] + 1 - row[1], estimate.high(), "n = " + row[0]);
      assertTrue(estimate.isSure());
    }
  }

  @Test
  void fewValuesGiveTheirRangeAndAreNotSure() {
    Estimate estimate = Statistics.estimate(shuffled(5));
    assertEquals(1, estimate.low());
    assertEquals(5, estimate.high());
    assertFalse(estimate.isSure());
  }
}
