package dev.halfstep.benchmarks.harness;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A piece of work that contenders are timed at, written {@code kind/AxBxC}, such as {@code
 * matmul/64x128}.
 *
 * @param kind the kind of work
 * @param sizes the sizes that the kind lists
 */
public record Work(Kind kind, List<Integer> sizes) {
  /** The kinds of work. */
  public enum Kind {
    /** Training of 1000-100-2 with SGD, {@code [batch]}: an epoch of 1,024 samples. */
    MLP(1),
    /** Training of the convolutional network of {@link Network#CNN} with Adam, {@code [batch]}. */
    CNN(1),
    /** From the start of the process to the end of the first step of the MLP, {@code [batch]}. */
    FIRST_STEP(1),
    /** Products of square matrices, {@code [count, size]}. */
    MATMUL(2),
    /** Softmax cross-entropy, the mean loss and its gradient, {@code [rows, classes]}. */
    CROSS_ENTROPY(2),
    /** Batch normalisation in training, forward and backward, {@code [n, channels, size, size]}. */
    BATCH_NORM(3),
    /** One AdamW step, {@code [parameters]}. */
    ADAMW(1),
    /** Convolution of 3 x 3, padding 1, {@code [n, size, size, in]} to out channels. */
    CONV(4),
    /** The gradient of its input. */
    CONV_DATA(4),
    /** The gradient of its weights. */
    CONV_WEIGHTS(4),
    /**
     * Products of 128 x 128 matrices by {@code [threads]} Java threads at once, 64 each; Halfstep
     * alone.
     */
    CALLERS(1);

    private final int extents;

    Kind(int extents) {
      this.extents = extents;
    }
  }

  /** The samples of an epoch. */
  public static final int SAMPLES = 1024;

  private static final int MOST_CNN_STEPS = 8;

  /** Checks the number of sizes. */
  public Work {
    if (sizes.size() != kind.extents) {
      throw new IllegalArgumentException(kind + " has " + kind.extents + " sizes, not " + sizes);
    }
  }

  /**
   * Reads what {@link #toString} wrote.
   *
   * @throws IllegalArgumentException if the text names no work
   */
  public static Work parse(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException("'" + text + "' is not of the form matmul/64x128");
    }
    return new Work(
        Kind.valueOf(parts[0].toUpperCase(Locale.ROOT)),
        Stream.of(parts[1].split("x", -1)).map(Integer::valueOf).toList());
  }

  /** Whether the work trains a network. */
  public boolean isTraining() {
    return kind == Kind.MLP || kind == Kind.CNN || kind == Kind.FIRST_STEP;
  }

  /** The network that is trained. */
  public Network network() {
    return kind == Kind.CNN ? Network.CNN : Network.MLP;
  }

  /** One of the sizes. */
  public int size(int i) {
    return sizes.get(i);
  }

  /** The optimizer steps of one run, at least 1: times are divided by it. */
  public int steps() {
    return switch (kind) {
      case MLP -> SAMPLES / size(0);
      case CNN -> Math.max(1, Math.min(MOST_CNN_STEPS, SAMPLES / size(0)));
      default -> 1;
    };
  }

  /** The floating-point operations of a step or call, or 0 for a work that is bound by memory. */
  public double flops() {
    double n = size(0);
    return switch (kind) {
      case MLP, CNN -> n * network().flopsPerSample();
      case MATMUL -> 2 * n * Math.pow(size(1), 3);
      case CONV, CONV_DATA, CONV_WEIGHTS -> 2 * n * size(1) * size(1) * 9 * size(2) * size(3);
      case CALLERS -> 2 * n * 64 * Math.pow(128, 3);
      default -> 0;
    };
  }

  /**
   * The bytes that a step or call must move at least. Batch normalisation reads its input twice,
   * and so both operands of its gradient.
   */
  public double bytes() {
    double n = size(0);
    return switch (kind) {
      case MATMUL -> 12 * n * size(1) * size(1);
      case CROSS_ENTROPY -> 8 * n * size(1);
      case BATCH_NORM -> 32 * n * size(1) * size(2) * size(2);
      case ADAMW -> 28 * n;
      case CONV, CONV_DATA, CONV_WEIGHTS -> 4 * n * size(1) * size(1) * (size(2) + size(3));
      default -> 0;
    };
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT)
        + "/"
        + sizes.stream().map(String::valueOf).collect(Collectors.joining("x"));
  }
}
