package dev.halfstep.session;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Repeated passes over a data set in some order, through a {@link Ring}. Position p, counted over
 * all passes, is in row p modulo the ring's rows, where a step that reads the table from its cursor
 * expects it. Segment s holds the positions from s times the segment's rows on.
 */
final class Passage implements Feed.Loader {
  private static final long NONE = -1;

  private final Ring ring;
  private final int samples;
  private final int segmentRows;
  private final int[] chosen; // the samples of the segment being loaded
  private int @Nullable [] order; // null: the order of the data
  private final long[] held = new long[Ring.SEGMENTS]; // segment number, by third of the ring
  private final int[] copy = new int[Ring.SEGMENTS];
  private final boolean[] awaited = new boolean[Ring.SEGMENTS];
  private long begun = NONE; // the segment to load once the steps before it are launched

  /**
   * A passage over {@code samples} samples.
   *
   * @param mostRows the most rows of a step
   * @param mostSegmentRows the most rows that one segment of the ring can hold, at least {@code
   *     mostRows}
   */
  Passage(Ring ring, int samples, int mostRows, int mostSegmentRows) {
    this.ring = ring;
    this.samples = samples;
    // Segments have equal lengths, so that the last of a pass extends only a little into the next.
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

  /** Sets the order from now on; the array must not change while it is in use. */
  void order(int[] indices) {
    order = indices;
    forget();
  }

  private void forget() {
    Arrays.fill(held, NONE);
  }

  /**
   * A step is within one segment or crosses the end of one. So the steps that end in segment s read
   * s and s - 1, and later steps read s and later segments. Segment s + 1 can therefore replace s -
   * 2 as soon as the steps launched so far have ended, while those launched now run.
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

  /** The end of the pass that contains the sample before this position. */
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
