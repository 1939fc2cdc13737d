package dev.halfstep.session;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A way through a data set in some order, again and again, by way of a {@link Ring}. Position p of
 * it, counted on over all passes, lies in row p modulo the ring's rows, which is where a step looks
 * for it that reads such a table from its cursor on. Segment s holds the positions from s times its
 * rows on.
 */
final class Passage implements Feed.Loader {
  private static final long NONE = -1;

  private final Ring ring;
  private final int samples;
  private final int segmentRows;
  private final int[] chosen; // the samples of the segment that is loaded
  private int @Nullable [] order; // null: as they lie
  private final long[] held = new long[Ring.SEGMENTS]; // the segment that each third holds
  private final int[] copy = new int[Ring.SEGMENTS];
  private final boolean[] awaited = new boolean[Ring.SEGMENTS];
  private long begun = NONE; // the segment to load once the steps before it are launched

  /**
   * A passage through so many samples.
   *
   * @param mostRows of a step
   * @param mostSegmentRows rows for which the ring has room in each of its segments, at least as
   *     many as the most of a step
   */
  Passage(Ring ring, int samples, int mostRows, int mostSegmentRows) {
    this.ring = ring;
    this.samples = samples;
    // Segments of equal length, so that the last of a pass reaches but little into the next pass.
    int segments = (samples + mostSegmentRows - 1) / mostSegmentRows;
    segmentRows = Math.max(mostRows, (samples + segments - 1) / segments);
    chosen = new int[segmentRows];
    forget();
  }

  /** Rows of the table that steps read. */
  int tableRows() {
    return Ring.SEGMENTS * segmentRows;
  }

  /** Samples of a pass. */
  int samples() {
    return samples;
  }

  /** Another order from now on, which stays as it is until there is yet another. */
  void order(int[] indices) {
    order = indices;
    forget();
  }

  private void forget() {
    Arrays.fill(held, NONE);
  }

  /**
   * A step lies in one segment or across the end of one, so the steps that end in segment s read it
   * and the one before, and those after them read s and later ones: segment s + 1 can be loaded
   * into the place of s - 2 as soon as the steps launched so far have ended, and while those run
   * that are launched now.
   */
  @Override
  public int prepare(long position, int rows, int steps) {
    if (ring.take(this)) {
      forget();
    }
    long last = (position + rows - 1) / segmentRows;
    for (long segment = position / segmentRows; segment <= last; segment++) {
      if (held[place(segment)] != segment) {
        begin(segment);
        load(segment);
      }
      await(place(segment));
    }
    int ready = (int) Math.min(steps, ((last + 1) * segmentRows - position) / rows);
    long next = last + 1;
    boolean wanted =
        ready < steps || next * segmentRows < endOfPass(position + (long) rows * ready);
    begun = NONE;
    if (wanted && held[place(next)] != next) {
      begin(next);
      begun = next;
    }
    return ready;
  }

  @Override
  public void launched() {
    if (begun != NONE) {
      load(begun);
      begun = NONE;
    }
  }

  /** Where the pass ends in which the sample before this position lies. */
  private long endOfPass(long position) {
    return ((position - 1) / samples + 1) * samples;
  }

  private static int place(long segment) {
    return (int) (segment % Ring.SEGMENTS);
  }

  private void begin(long segment) {
    held[place(segment)] = NONE;
    ring.begin();
  }

  private void load(long segment) {
    int place = place(segment);
    long firstRow = (long) place * segmentRows;
    int at = (int) (segment * segmentRows % samples);
    for (int row = 0; row < segmentRows; row++) {
      chosen[row] = order == null ? at : order[at];
      at = at + 1 == samples ? 0 : at + 1;
    }
    copy[place] = ring.fill(chosen, firstRow);
    held[place] = segment;
    awaited[place] = false;
  }

  private void await(int place) {
    if (!awaited[place]) {
      ring.await(copy[place]);
      awaited[place] = true;
    }
  }
}
