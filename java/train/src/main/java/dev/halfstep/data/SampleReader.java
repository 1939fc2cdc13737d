package dev.halfstep.data;

/**
 * Reads all samples of a data set in order, a few megabytes at a time:
 *
 * <pre>{@code
 * for (SampleReader reader = new SampleReader(data); reader.next(); ) {
 *   SampleBatch samples = reader.batch(); // those from reader.first() on
 * }
 * }</pre>
 */
public final class SampleReader {
  private final Dataset data;
  private final SampleBatch batch;
  private final int end;
  private int first;
  private int next;

  /** A reader of all samples. */
  public SampleReader(Dataset data) {
    this(data, data.size());
  }

  /** A reader of the first {@code samples} samples. */
  public SampleReader(Dataset data, int samples) {
    this.data = data;
    end = Math.min(samples, data.size());
    batch = new SampleBatch(data.form(), DirectBuffers.rowsAtOnce(data.form(), end));
  }

  /**
   * Reads the next samples, if there are any.
   *
   * @throws IllegalArgumentException if a label is not one of the classes; the message names the
   *     sample
   * @throws GatherException if they cannot be read
   */
  public boolean next() {
    if (next >= end) {
      return false;
    }
    first = next;
    data.read(DirectBuffers.range(first, Math.min(batch.capacity(), end - first)), batch);
    next = first + batch.rows();
    return true;
  }

  /** The index of the first sample of the batch. */
  public int first() {
    return first;
  }

  /** The samples that were read last; the next call of {@link #next} overwrites the buffers. */
  public SampleBatch batch() {
    return batch;
  }
}
