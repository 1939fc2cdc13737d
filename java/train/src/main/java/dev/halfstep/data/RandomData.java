package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.random.Philox;
import dev.halfstep.random.RandomStream;
import java.nio.ByteBuffer;

/**
 * Samples of standard normal numbers with two classes, generated in any number, for studies of
 * speed and of batch size. Sample i is a pure function of (seed, i).
 */
public final class RandomData {
  /** The default number of training samples. */
  public static final int TRAIN_SAMPLES = 1024;

  /** The default number of test samples. */
  public static final int TEST_SAMPLES = 256;

  /** The default number of features. */
  public static final int FEATURES = 1000;

  /** The distance of each class's centre from the origin, for learnable data. */
  private static final double CENTRE = 2;

  private static final int CLASSES = 2;

  /** The random sequence of the hidden direction; samples use the sequences from 0 on. */
  private static final long DIRECTION = -1;

  private RandomData() {}

  /**
   * 1,024 training and 256 test samples of 1,000 features, with random labels: there is nothing to
   * learn, and a correct test accuracy is about 50 %.
   */
  public static Split unlearnable(long seed) {
    return unlearnable(TRAIN_SAMPLES, TEST_SAMPLES, FEATURES, seed);
  }

  /**
   * Other numbers of samples and features with random labels.
   *
   * @throws IllegalArgumentException if one of the numbers is not positive
   */
  public static Split unlearnable(int train, int test, int features, long seed) {
    return generate("random", train, test, features, seed, 0);
  }

  /**
   * The learnable counterpart of {@link #unlearnable(long)}: 1,024 + 256 samples of 1,000 features.
   *
   * @see #learnable(int, int, int, long)
   */
  public static Split learnable(long seed) {
    return learnable(TRAIN_SAMPLES, TEST_SAMPLES, FEATURES, seed);
  }

  /**
   * Two overlapping clouds: x = n + 2 s u with standard normal n, s = -1 for class 0 and 1 for
   * class 1, and one hidden direction u of length 1. The best possible rule, the sign of x u, is
   * right for 97.7 % of samples (the normal distribution function of 2).
   *
   * @throws IllegalArgumentException if one of the numbers is not positive
   */
  public static Split learnable(int train, int test, int features, long seed) {
    return generate("random learnable", train, test, features, seed, CENTRE);
  }

  private static Split generate(
      String name, int train, int test, int features, long seed, double centre) {
    if (train <= 0 || test <= 0 || features <= 0) {
      throw new IllegalArgumentException(
          "random data need positive numbers of samples and features: train "
              + train
              + ", test "
              + test
              + ", features "
              + features);
    }
    long key = RandomStream.DATA.key(seed);
    double[] direction = direction(new Philox(key, DIRECTION), features);
    int samples = Math.addExact(train, test);
    ByteBuffer values =
        DirectBuffers.allocate(DType.F32, (long) samples * features, "random features");
    int[] labels = new int[samples];
    for (int i = 0; i < samples; i++) {
      Philox random = new Philox(key, i);
      labels[i] = random.nextInt(CLASSES);
      double along = labels[i] == 0 ? -centre : centre;
      for (int feature = 0; feature < features; feature++) {
        values.putFloat((float) (random.nextNormal() + along * direction[feature]));
      }
    }
    Dataset all =
        ArrayDataset.of(
            name,
            Features.adopt(values.flip(), DType.F32, Shape.of(features)),
            Labels.of(labels, CLASSES));
    return new Split(all.slice(0, train), all.slice(train, samples));
  }

  private static double[] direction(Philox random, int features) {
    double[] direction = new double[features];
    double squares = 0;
    for (int i = 0; i < features; i++) {
      direction[i] = random.nextNormal();
      squares += direction[i] * direction[i];
    }
    double length = Math.sqrt(squares);
    for (int i = 0; i < features; i++) {
      direction[i] /= length;
    }
    return direction;
  }
}
