package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class DigitsTest {
  private static final int PIXELS = 28 * 28;

  @Test
  void samplesAreAFunctionOfSeedAndIndexAlone() {
    Split small = Digits.generate(20, 10, 3);
    Split large = Digits.generate(70, 30, 3);
    byte[] few = bytes(small.heldOut());
    byte[] many = bytes(large.train());
    assertArrayEquals(few, Arrays.copyOfRange(many, 20 * PIXELS, 30 * PIXELS));
    assertFalse(Arrays.equals(bytes(small.train()), bytes(Digits.generate(20, 10, 4).train())));
    assertFalse(Arrays.equals(Digits.draw(3, 7), Digits.draw(3, 17)));
  }

  /** The pixels may change only with the drawing code, not with machine or JDK. */
  @Test
  void pixelsAreFixedForever() {
    CRC32 sum = new CRC32();
    sum.update(bytes(Digits.generate(100, 1, 42).train()));
    assertEquals(2_334_873_908L, sum.getValue());
  }

  @Test
  void digitsAreBalancedImagesOfBytes() {
    Split split = Digits.generate(500, 100, 0);
    for (Dataset part : new Dataset[] {split.train(), split.heldOut()}) {
      assertEquals(DType.U8, ArrayDataset.copyOf(part).features().type());
      assertEquals(Shape.of(28, 28, 1), part.sampleShape());
      int[] counts = new int[part.classes()];
      for (int i = 0; i < part.size(); i++) {
        counts[part.label(i)]++;
      }
      int[] equal = new int[10];
      Arrays.fill(equal, part.size() / 10);
      assertArrayEquals(equal, counts);
    }
  }

  @Test
  void normalizedPixelsHaveMeanZeroAndDeviationOne() {
    Dataset train = Digits.generate(5000, 1, 9).train();
    Normalization normalization = ArrayDataset.copyOf(train).features().normalization();
    double sum = 0;
    double squares = 0;
    byte[] pixels = bytes(train);
    for (byte pixel : pixels) {
      double x = normalization.apply(pixel & 0xFF, 0);
      sum += x;
      squares += x * x;
    }
    assertEquals(0, sum / pixels.length, 0.01);
    assertEquals(1, squares / pixels.length, 0.02);
  }

  @Test
  void strokesStayInTheImage() {
    byte[] pixels = bytes(Digits.generate(2000, 1, 1).train());
    int bright = 0;
    for (int i = 0; i < pixels.length; i++) {
      int column = i % 28;
      int row = i / 28 % 28;
      if (column == 0 || column == 27 || row == 0 || row == 27) {
        bright += (pixels[i] & 0xFF) > 128 ? 1 : 0;
      }
    }
    assertTrue(bright < 2000 / 20, bright + " bright pixels on the borders of 2000 digits");
  }

  /** The nearest mean image classifies poorly, and the nearest of 2,000 examples well. */
  @Test
  void digitsCanBeLearnedButNotByTheirMeans() {
    int train = 2000;
    int test = 200;
    Split split = Digits.generate(train, test, 5);
    byte[] known = bytes(split.train());
    byte[] asked = bytes(split.heldOut());
    float[] means = new float[10 * PIXELS];
    for (int i = 0; i < known.length; i++) {
      means[i / PIXELS % 10 * PIXELS + i % PIXELS] += (known[i] & 0xFF) * 10f / train;
    }
    int byMeans = 0;
    int byExamples = 0;
    for (int i = 0; i < test; i++) {
      double[] nearest = {Double.MAX_VALUE, Double.MAX_VALUE};
      int[] answer = new int[2];
      for (int k = 0; k < train; k++) {
        double toMean = 0;
        double toExample = 0;
        for (int p = 0; p < PIXELS; p++) {
          int x = asked[i * PIXELS + p] & 0xFF;
          int difference = x - (known[k * PIXELS + p] & 0xFF);
          toExample += difference * difference;
          if (k < 10) {
            float fromMean = x - means[k * PIXELS + p];
            toMean += fromMean * fromMean;
          }
        }
        if (k < 10 && toMean < nearest[0]) {
          nearest[0] = toMean;
          answer[0] = k;
        }
        if (toExample < nearest[1]) {
          nearest[1] = toExample;
          answer[1] = k % 10;
        }
      }
      byMeans += answer[0] == split.heldOut().label(i) ? 1 : 0;
      byExamples += answer[1] == split.heldOut().label(i) ? 1 : 0;
    }
    assertTrue(byMeans < test * 0.8, "nearest mean: " + byMeans + " of " + test);
    assertTrue(byExamples > test * 0.8, "nearest example: " + byExamples + " of " + test);
  }

  @Test
  void numbersOfSamplesMustBePositive() {
    assertThrows(IllegalArgumentException.class, () -> Digits.generate(0, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> Digits.generate(1, -1, 0));
  }

  private static byte[] bytes(Dataset data) {
    ByteBuffer buffer = ArrayDataset.copyOf(data).features().buffer();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
