package dev.halfstep.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.halfstep.study.RulesOfThumb.Effort;
import dev.halfstep.study.RulesOfThumb.Range;
import dev.halfstep.study.RulesOfThumb.Task;
import org.junit.jupiter.api.Test;

final class RulesOfThumbTest {
  private static final int ROOM = 1 << 20;

  @Test
  void epochsFallWithTheSizeOfTheData() {
    assertEquals(new Range(50, 100), RulesOfThumb.epochs(9_999, Effort.USUAL));
    assertEquals(new Range(20, 50), RulesOfThumb.epochs(10_000, Effort.USUAL));
    assertEquals(new Range(20, 50), RulesOfThumb.epochs(100_000, Effort.USUAL));
    assertEquals(new Range(10, 20), RulesOfThumb.epochs(100_001, Effort.USUAL));
    assertEquals(new Range(3, 10), RulesOfThumb.epochs(5_000_000, Effort.USUAL));
    assertEquals(new Range(40, 100), RulesOfThumb.epochs(60_000, Effort.COMPLEX));
    assertEquals(new Range(10, 25), RulesOfThumb.epochs(60_000, Effort.FINE_TUNING));
    assertEquals(new Range(1, 5), RulesOfThumb.epochs(5_000_000, Effort.FINE_TUNING));
    assertThrows(IllegalArgumentException.class, () -> RulesOfThumb.epochs(0, Effort.USUAL));
  }

  @Test
  void batchesFollowTaskDataNormalisationAndMemory() {
    assertEquals(new Range(32, 128), RulesOfThumb.batchSizes(Task.IMAGES, 60_000, false, ROOM));
    assertEquals(new Range(64, 256), RulesOfThumb.batchSizes(Task.IMAGES, 100_001, false, ROOM));
    assertEquals(new Range(16, 64), RulesOfThumb.batchSizes(Task.TEXT, 60_000, false, ROOM));
    assertEquals(new Range(8, 32), RulesOfThumb.batchSizes(Task.GENERATIVE, 60_000, false, ROOM));
    assertEquals(new Range(8, 32), RulesOfThumb.batchSizes(Task.OTHER, 999, false, ROOM));
    assertEquals(new Range(32, 32), RulesOfThumb.batchSizes(Task.OTHER, 999, true, ROOM));
    assertEquals(new Range(32, 64), RulesOfThumb.batchSizes(Task.OTHER, 60_000, false, 100));
    assertEquals(new Range(8, 16), RulesOfThumb.batchSizes(Task.OTHER, 20, false, ROOM));
    assertThrows(
        IllegalArgumentException.class, () -> RulesOfThumb.batchSizes(Task.TEXT, 9, false, 0));
  }
}
