package dev.halfstep.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {
  /** The numbers are those of philox4x32 with 10 rounds in Random123's tests/kat_vectors. */
  @Test
  void blocksAreThoseOfRandom123() {
    assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, block(0, 0, 0));
    assertArrayEquals(
        new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, block(-1, -1, -1));
    assertArrayEquals(
        new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        block(0x85a308d3243f6a88L, 0x0370734413198a2eL, 0x299f31d0a4093822L));
  }

  @Test
  void aSequenceIsItsBlocksOneAfterTheOther() {
    long key = 77;
    long sequence = 0x1_0000_0005L;
    Philox random = new Philox(key, sequence);
    for (int b = 0; b < 3; b++) {
      for (int word : block(b, sequence, key)) {
        assertEquals(word, random.nextInt());
      }
    }
  }

  /**
   * The expected numbers come from an independent program; 2^32 mod 1,500,000,000 makes rejections
   * frequent.
   */
  @Test
  void boundedNumbersRejectWhatWouldFavourSome() {
    Philox random = new Philox(0x299f31d0a4093822L, 0x0370734413198a2eL);
    int[] expected = {
      572695925, 968243957, 359296850, 288891371, 62809927, 936121947, 373736795, 777960923
    };
    for (int value : expected) {
      assertEquals(value, random.nextInt(1_500_000_000));
    }
  }

  @Test
  void boundedNumbersAreEquallyLikely() {
    Philox random = new Philox(1, 2);
    int[] counts = new int[7];
    for (int i = 0; i < 70_000; i++) {
      counts[random.nextInt(7)]++;
    }
    for (int count : counts) {
      assertEquals(10_000, count, 400);
    }
    assertThrows(IllegalArgumentException.class, () -> random.nextInt(0));
    assertThrows(IllegalArgumentException.class, () -> random.nextInt(-3));
  }

  @Test
  void fractionsCoverTheUnitInterval() {
    Philox random = new Philox(3, 4);
    double sum = 0;
    double sumOfDoubles = 0;
    for (int i = 0; i < 100_000; i++) {
      float single = random.nextFloat();
      double wide = random.nextDouble();
      assertTrue(single >= 0 && single < 1 && wide >= 0 && wide < 1);
      sum += single;
      sumOfDoubles += wide;
    }
    assertEquals(0.5, sum / 100_000, 0.005);
    assertEquals(0.5, sumOfDoubles / 100_000, 0.005);
  }

  @Test
  void normalNumbersHaveTheMomentsOfTheStandardNormal() {
    Philox random = new Philox(5, 6);
    int n = 200_000;
    double[] moments = new double[5];
    for (int i = 0; i < n; i++) {
      double x = random.nextNormal();
      for (int power = 1; power <= 4; power++) {
        moments[power] += Math.pow(x, power) / n;
      }
    }
    assertEquals(0, moments[1], 0.01);
    assertEquals(1, moments[2], 0.02);
    assertEquals(0, moments[3], 0.05);
    assertEquals(3, moments[4], 0.1);
  }

  @Test
  void everyPurposeAndSeedHasAKeyOfItsOwn() {
    Set<Long> keys = new HashSet<>();
    for (RandomStream stream : RandomStream.values()) {
      for (long seed = -2; seed <= 2; seed++) {
        assertTrue(keys.add(stream.key(seed)), stream + " " + seed);
      }
    }
    assertEquals(0x53ba6cfdfcdb2127L, RandomStream.INITIAL_WEIGHTS.key(42));
    assertEquals(0xa8875dcbd36c0225L, RandomStream.ORDER.key(42));
    assertEquals(0xabaf0dabbac70475L, RandomStream.DROPOUT.key(42));
    assertEquals(0xd6cbaeb5539023bcL, RandomStream.AUGMENTATION.key(42));
    assertEquals(0x4b20b5d25099d809L, RandomStream.DATA.key(42));
  }

  private static int[] block(long low, long high, long key) {
    int[] out = new int[4];
    Philox.block(low, high, key, out);
    return out;
  }
}
