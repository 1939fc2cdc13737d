package dev.halfstep.data;

import dev.halfstep.random.Philox;
import dev.halfstep.random.RandomStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The random draw of the samples that are held out: a pure function of seed, fraction, number of
 * samples and labels.
 */
final class Lot {
  private final int[] train;
  private final int[] heldOut;

  private Lot(int[] train, int[] heldOut) {
    this.train = train;
    this.heldOut = heldOut;
  }

  /** Indices of the samples to train on, in the order in which they were drawn. */
  int[] train() {
    return train;
  }

  /** Indices of the others, likewise. */
  int[] heldOut() {
    return heldOut;
  }

  /** Computes {@link Split#heldOut}. */
  static int heldOut(int samples, double fraction) {
    if (!(fraction > 0 && fraction < 1)) {
      throw new IllegalArgumentException(
          "a fraction to hold out must lie between 0 and 1: " + fraction);
    }
    if (samples < 2) {
      throw new IllegalArgumentException(
          "holding out a part needs at least 2 samples, not " + samples);
    }
    long count = Math.round(samples * fraction);
    return (int) Math.min(Math.max(count, 1), samples - 1L);
  }

  /**
   * Draws samples of each class.
   *
   * <p>Definition: the classes' shares of {@link Split#heldOut} are rounded down; the missing
   * samples are taken, one each, from the classes with the largest remainders, at equal remainders
   * from the lower label first. At least one sample of each class is not held out. Samples are
   * visited in the order of {@link Order#shuffled} with the key of {@link RandomStream#DATA}, and
   * held out while their class has a share left.
   *
   * @param labels one per sample; all equal if there are no classes
   */
  static Lot draw(int[] labels, double fraction, long seed) {
    int samples = labels.length;
    int wanted = heldOut(samples, fraction);
    int[] order = new int[samples];
    Order.shuffled(new Philox(RandomStream.DATA.key(seed), 0), order);
    int[] groups = groups(labels);
    int[] left = shares(groups, wanted);
    int held = Arrays.stream(left).sum();
    if (held == 0) { // each class has a single sample
      left[groups[order[samples - 1]]] = 1;
      held = 1;
    }
    int[] train = new int[samples - held];
    int[] heldOut = new int[held];
    int trainCount = 0;
    int heldCount = 0;
    for (int sample : order) {
      if (left[groups[sample]] > 0) {
        left[groups[sample]]--;
        heldOut[heldCount++] = sample;
      } else {
        train[trainCount++] = sample;
      }
    }
    return new Lot(train, heldOut);
  }

  /** The class of each sample, counted from 0 in the order of the labels. */
  private static int[] groups(int[] labels) {
    int[] groups = new int[labels.length];
    Map<Integer, Integer> numbers = new TreeMap<>();
    for (int i = 0; i < groups.length; i++) {
      numbers.put(labels[i], 0);
    }
    int count = 0;
    for (Map.Entry<Integer, Integer> entry : numbers.entrySet()) {
      entry.setValue(count++);
    }
    for (int i = 0; i < groups.length; i++) {
      groups[i] = numbers.getOrDefault(labels[i], 0);
    }
    return groups;
  }

  /**
   * How many samples of each class are held out; their sum is {@code wanted}, or less if the
   * classes are too small.
   */
  private static int[] shares(int[] groups, int wanted) {
    int[] sizes = new int[Arrays.stream(groups).max().orElse(0) + 1];
    for (int group : groups) {
      sizes[group]++;
    }
    int[] shares = new int[sizes.length];
    long[] remainders = new long[sizes.length];
    int missing = wanted;
    List<Integer> takers = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      long exact = (long) sizes[i] * wanted; // the exact share times the number of samples
      shares[i] = (int) (exact / groups.length);
      remainders[i] = exact % groups.length;
      missing -= shares[i];
      takers.add(i);
    }
    takers.sort((a, b) -> Long.compare(remainders[b], remainders[a])); // a stable sort
    takers.removeIf(i -> shares[i] == sizes[i] - 1);
    while (missing > 0 && !takers.isEmpty()) {
      for (int i : takers.subList(0, Math.min(missing, takers.size()))) {
        shares[i]++;
        missing--;
      }
      takers.removeIf(i -> shares[i] == sizes[i] - 1);
    }
    return shares;
  }
}
