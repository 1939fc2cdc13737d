package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OrderTest {
  /** The expected orders come from an independent program that follows Order's documentation. */
  @Test
  void permutationsAreFixedForever() {
    assertArrayEquals(new int[] {9, 3, 6, 8, 4, 0, 2, 5, 7, 1}, Order.permutation(42, 0, 10));
    assertArrayEquals(new int[] {7, 9, 8, 3, 6, 0, 1, 2, 4, 5}, Order.permutation(42, 1, 10));
    assertArrayEquals(
        new int[] {3, 8, 9, 7, 6, 1, 4, 0, 2, 5}, Order.permutation(-1, (1L << 33) + 7, 10));
  }

  @Test
  void everySampleIsVisitedOnceInAnEpoch() {
    for (int n : new int[] {0, 1, 2, 3, 1000, 60_000}) {
      int[] sorted = Order.permutation(7, 3, n);
      Arrays.sort(sorted);
      assertArrayEquals(IntStream.range(0, n).toArray(), sorted);
    }
  }

  @Test
  void seedAndEpochAloneDecide() {
    int[] order = Order.permutation(5, 9, 500);
    Order.permutation(6, 1, 33);
    int[] again = new int[500];
    Arrays.fill(again, -1);
    Order.fill(5, 9, again);
    assertArrayEquals(order, again);
    assertFalse(Arrays.equals(order, Order.permutation(5, 10, 500)));
    assertFalse(Arrays.equals(order, Order.permutation(6, 9, 500)));
  }

  @Test
  void allPermutationsAreEquallyLikely() {
    Map<String, Integer> counts = new HashMap<>();
    for (int epoch = 0; epoch < 24_000; epoch++) {
      counts.merge(Arrays.toString(Order.permutation(1, epoch, 4)), 1, Integer::sum);
    }
    assertEquals(24, counts.size());
    counts.forEach((order, count) -> assertEquals(1000, count, 130, order));
  }

  @Test
  void aNegativeNumberOfSamplesIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Order.permutation(1, 1, -1));
  }
}
