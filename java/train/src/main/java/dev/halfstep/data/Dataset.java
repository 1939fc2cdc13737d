package dev.halfstep.data;

import dev.halfstep.Shape;

/**
 * Samples in host memory: {@link Features} and the {@link Targets} that belong to them. Immutable,
 * and safe to read from several threads; slices share the memory.
 *
 * <pre>{@code
 * float[][] x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
 * Dataset xor = Dataset.of("xor", Features.of(x), Labels.of(new int[] {0, 1, 1, 0}, 2));
 * }</pre>
 */
public final class Dataset {
  private final String name;
  private final Features features;
  private final Targets targets;

  private Dataset(String name, Features features, Targets targets) {
    this.name = name;
    this.features = features;
    this.targets = targets;
  }

  /**
   * Features and targets put together.
   *
   * @param name stands for the data in messages and reports
   * @throws IllegalArgumentException if there are more samples of one than of the other
   */
  public static Dataset of(String name, Features features, Targets targets) {
    if (features.size() != targets.size()) {
      throw new IllegalArgumentException(
          name + ": features of " + features.size() + " samples, but targets of " + targets.size());
    }
    return new Dataset(name, features, targets);
  }

  /** What the data are called in messages and reports. */
  public String name() {
    return name;
  }

  /** The inputs. */
  public Features features() {
    return features;
  }

  /** What is to be said about the inputs. */
  public Targets targets() {
    return targets;
  }

  /** The number of samples, at least 1. */
  public int size() {
    return features.size();
  }

  /** The shape of one sample's features. */
  public Shape sampleShape() {
    return features.sampleShape();
  }

  /** The number of classes; 0 where the targets are values. */
  public int classes() {
    return targets instanceof Labels labels ? labels.classes() : 0;
  }

  /**
   * The class of a sample.
   *
   * @throws IllegalStateException if the targets are values, or labels for several positions
   * @throws IndexOutOfBoundsException if there is no such sample
   */
  public int label(int sample) {
    if (targets instanceof Labels labels && labels.sampleShape().rank() == 0) {
      return labels.get(sample);
    }
    throw new IllegalStateException(
        name
            + " has no single label a sample: its targets are "
            + targets.type()
            + " of shape "
            + targets.sampleShape());
  }

  /** The same data under another name. */
  public Dataset withName(String name) {
    return new Dataset(name, features, targets);
  }

  /**
   * The samples from (inclusive) up to (exclusive), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  public Dataset slice(int from, int to) {
    return new Dataset(name, features.slice(from, to), targets.slice(from, to));
  }

  /**
   * A copy of these samples, in this order.
   *
   * @param samples indices, at least one; one that is given twice is there twice
   * @throws IllegalArgumentException if there is none, or no such sample
   */
  public Dataset subset(int... samples) {
    return new Dataset(name, features.subset(samples), targets.subset(samples));
  }

  /**
   * Holds out samples drawn by lot: as many as {@link Split#heldOut} says. With one label a sample
   * each class is divided in the same proportion (stratified) and keeps at least one sample to
   * train on; where that leaves too few to hold out, there are fewer, but at least one.
   *
   * <p>Both parts are copies, in an order drawn by lot too. They are a pure function of the seed,
   * the fraction, the number of samples and the labels, the same on every platform: a run that is
   * resumed, or made again with another seed of its own, has the same parts.
   *
   * @param fraction between 0 and 1, both exclusive
   * @param seed draws the samples; another one gives other parts
   * @throws IllegalArgumentException if the fraction does not, or there are fewer than 2 samples
   */
  public Split split(double fraction, long seed) {
    Lot lot = Lot.draw(targets, fraction, seed);
    return new Split(subset(lot.train()), subset(lot.heldOut()));
  }

  /**
   * Holds out the last samples, without a copy: as many as {@link Split#heldOut} says. For data
   * whose order is one of time, or drawn by lot already: of a file that is sorted by class, the
   * last part holds other classes than the first. Otherwise {@link #split}.
   *
   * @param fraction between 0 and 1, both exclusive
   * @throws IllegalArgumentException if the fraction does not, or there are fewer than 2 samples
   */
  public Split splitLast(double fraction) {
    int cut = size() - Split.heldOut(size(), fraction);
    return new Split(slice(0, cut), slice(cut, size()));
  }

  @Override
  public String toString() {
    String what =
        targets instanceof Labels labels
            ? labels.classes() + " classes"
            : "values " + targets.sampleShape();
    return name
        + ": "
        + size()
        + " samples, "
        + features.type()
        + " "
        + sampleShape()
        + ", "
        + what;
  }
}
