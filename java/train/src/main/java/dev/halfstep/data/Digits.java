package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.random.Philox;
import dev.halfstep.random.RandomStream;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Digits that look handwritten, drawn by code, so no file is needed. {@code U8 [28, 28, 1]}, bright
 * strokes on a dark ground, 10 classes of equal size.
 *
 * <p>Sample i is a pure function of (seed, i) and shows the digit i mod 10. Size, aspect, slant,
 * rotation, position, width and brightness of the strokes are drawn at random, the points of the
 * strokes are displaced along a wave and by individual random offsets, and noise is added to every
 * pixel.
 */
public final class Digits {
  /** The default number of training samples. */
  public static final int TRAIN_SAMPLES = 10_000;

  /** The default number of test samples. */
  public static final int TEST_SAMPLES = 2_000;

  private static final int CLASSES = 10;
  private static final int SIDE = 28;
  private static final int PIXELS = SIDE * SIDE;

  /** Measured over the training pixels of seed 0. */
  private static final Normalization NORMALIZATION =
      Normalization.of(new double[] {26.06}, new double[] {57.68});

  private final Philox random;
  private final float[] distances = new float[PIXELS];

  private Digits(Philox random) {
    this.random = random;
  }

  /** 10,000 digits for training and 2,000 others for tests. */
  public static Split generate(long seed) {
    return generate(TRAIN_SAMPLES, TEST_SAMPLES, seed);
  }

  /**
   * Other numbers of digits: samples [0, train) for training, and the next {@code test} for tests.
   *
   * @throws IllegalArgumentException if one of the numbers is not positive
   */
  public static Split generate(int train, int test, long seed) {
    if (train <= 0 || test <= 0) {
      throw new IllegalArgumentException(
          "digits need positive numbers of samples: train " + train + ", test " + test);
    }
    int samples = Math.addExact(train, test);
    ByteBuffer pixels = DirectBuffers.allocate(DType.U8, (long) samples * PIXELS, "digits");
    int[] labels = new int[samples];
    for (int i = 0; i < samples; i++) {
      labels[i] = i % CLASSES;
      pixels.put(draw(seed, i));
    }
    Dataset all =
        ArrayDataset.of(
            "digits",
            Features.adopt(pixels.flip(), DType.U8, Shape.of(SIDE, SIDE, 1))
                .withNormalization(NORMALIZATION),
            Labels.of(labels, CLASSES));
    return new Split(
        all.slice(0, train).withName("digits train"),
        all.slice(train, samples).withName("digits test"));
  }

  /** The pixels of one sample, {@code [28, 28]}, row-major. */
  static byte[] draw(long seed, int index) {
    Philox random = new Philox(RandomStream.DATA.key(seed), index);
    return new Digits(random).draw(index % CLASSES);
  }

  private byte[] draw(int digit) {
    double height = between(15, 22);
    double width = height * between(0.6, 0.95);
    double slant = between(-0.2, 0.3);
    double angle = StrictMath.toRadians(between(-14, 14));
    double cos = StrictMath.cos(angle);
    double sin = StrictMath.sin(angle);
    double room = Math.min(3, (SIDE - 4 - height) / 2);
    double shiftX = SIDE / 2.0 + between(-room, room);
    double shiftY = SIDE / 2.0 + between(-room, room);
    double wave = between(-0.07, 0.07);
    double phase = between(0, 6.28);
    float halfWidth = (float) between(0.5, 1.6);
    Arrays.fill(distances, Float.MAX_VALUE);
    double[][] strokes = DigitStrokes.strokes(digit, random.nextInt(DigitStrokes.ways(digit)));
    for (double[] stroke : strokes) {
      float lastX = 0;
      float lastY = 0;
      for (int i = 0; i < stroke.length; i += 2) {
        double fromCentreY = stroke[i + 1] - 0.5 + between(-0.03, 0.03);
        double fromCentreX = stroke[i] - 0.5 + between(-0.03, 0.03);
        fromCentreX += wave * StrictMath.sin(5 * fromCentreY + phase) - slant * fromCentreY;
        double x = fromCentreX * width;
        double y = fromCentreY * height;
        float nextX = (float) (x * cos - y * sin + shiftX);
        float nextY = (float) (x * sin + y * cos + shiftY);
        if (i > 0) {
          segment(lastX, lastY, nextX, nextY, halfWidth);
        }
        lastX = nextX;
        lastY = nextY;
      }
    }
    return pixels(halfWidth, (float) between(150, 255), (float) between(5, 45));
  }

  /**
   * Lowers the stored squared distance of each pixel near a segment to its squared distance from
   * the segment.
   */
  private void segment(float x0, float y0, float x1, float y1, float halfWidth) {
    float reach = halfWidth + 1;
    int left = Math.max(0, (int) (Math.min(x0, x1) - reach));
    int right = Math.min(SIDE - 1, (int) (Math.max(x0, x1) + reach));
    int top = Math.max(0, (int) (Math.min(y0, y1) - reach));
    int bottom = Math.min(SIDE - 1, (int) (Math.max(y0, y1) + reach));
    float dx = x1 - x0;
    float dy = y1 - y0;
    float inverse = 1 / Math.max(dx * dx + dy * dy, 1e-6f);
    for (int row = top; row <= bottom; row++) {
      for (int column = left; column <= right; column++) {
        float fromX = column + 0.5f - x0;
        float fromY = row + 0.5f - y0;
        float along = Math.min(Math.max((fromX * dx + fromY * dy) * inverse, 0), 1);
        float offX = fromX - along * dx;
        float offY = fromY - along * dy;
        int pixel = row * SIDE + column;
        distances[pixel] = Math.min(distances[pixel], offX * offX + offY * offY);
      }
    }
  }

  /**
   * Draws ink on the pixels nearer than half the width, fading out over one pixel, and adds noise.
   */
  private byte[] pixels(float halfWidth, float ink, float noise) {
    byte[] pixels = new byte[PIXELS];
    int bits = 0;
    for (int i = 0; i < PIXELS; i++) {
      float distance = (float) Math.sqrt(distances[i]);
      float cover = Math.min(Math.max(halfWidth + 0.5f - distance, 0), 1);
      bits = (i & 1) == 0 ? random.nextInt() : bits >>> 16;
      // The sum of two random bytes has a triangular distribution, here in [-1, 1].
      float triangular = ((bits & 0xFF) + (bits >>> 8 & 0xFF)) / 255f - 1;
      int value = Math.round(ink * cover + noise * triangular);
      pixels[i] = (byte) Math.min(Math.max(value, 0), 255);
    }
    return pixels;
  }

  private double between(double low, double high) {
    return low + (high - low) * random.nextFloat();
  }
}
