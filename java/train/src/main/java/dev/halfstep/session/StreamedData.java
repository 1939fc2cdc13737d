package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleBatch;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A streamed data set: rows are copied to a {@link Ring} on the device when steps need them, in the
 * order in which the steps read them.
 */
final class StreamedData implements DeviceData {
  /** Longer segments would only delay the first step. */
  private static final long MOST_SEGMENT_BYTES = 32L << 20;

  private final SessionOptions options;
  private final SessionMemory memory;
  private final Dataset data;
  private final int segmentRows;
  private final DataTables tables;
  private final Ring ring;
  private @Nullable Passage trained;
  private @Nullable Feed training;
  private @Nullable Feed evaluation;
  private @Nullable Passage said; // the passage of the last outputs
  private @Nullable Passage probed;
  private @Nullable Feed probe;
  private int probeRows;

  /**
   * @param check checks the samples that are read
   * @param room bytes of device memory that it may use
   * @throws HalfstepException if three batches do not fit
   */
  StreamedData(
      Device device,
      SessionOptions options,
      SessionMemory memory,
      Dataset data,
      DataCheck check,
      long room) {
    long bytes = bytes(options, data, room);
    if (bytes > room
        || SampleBatch.bytes(data.form(), segmentRows(options, data, room)) > Integer.MAX_VALUE) {
      throw new HalfstepException(
          HalfstepException.Status.OUT_OF_MEMORY,
          data.name()
              + " does not fit on "
              + device
              + ": it takes "
              + ResidentData.bytes(data)
              + " bytes, or "
              + bytes
              + " to stream it, three batches of "
              + mostRows(options, data)
              + " samples, and "
              + Math.max(0, room)
              + " are left for it (limit, dataMemory) beside the activations; use a smaller batch"
              + " or evaluation batch, or raise the limit");
    }
    this.options = options;
    this.memory = memory;
    this.data = data;
    segmentRows = segmentRows(options, data, room);
    tables = new DataTables(device, data, Ring.SEGMENTS * segmentRows);
    ring = new Ring(device, data, check, tables, segmentRows);
  }

  /** Bytes of device memory that a streamed data set takes if it may use {@code room} bytes. */
  static long bytes(SessionOptions options, Dataset data, long room) {
    return Ring.SEGMENTS * rowBytes(data) * segmentRows(options, data, room);
  }

  /** Rows of a segment: leaves half of the room to other data, unless three batches need more. */
  private static int segmentRows(SessionOptions options, Dataset data, long room) {
    long most = Math.min(MOST_SEGMENT_BYTES, room / 2 / Ring.SEGMENTS) / rowBytes(data);
    return (int) Math.max(mostRows(options, data), Math.min(most, data.size()));
  }

  private static int mostRows(SessionOptions options, Dataset data) {
    return Math.max(options.batchSize(), Math.min(options.evaluationBatch(), data.size()));
  }

  private static long rowBytes(Dataset data) {
    return data.form().sampleBytes();
  }

  @Override
  public Feed training(int[] order, Map<String, Long> state) {
    if (trained == null || training == null || trained.samples() != order.length) {
      close(training);
      trained = passage(order.length, options.batchSize());
      training = new Feed(memory, inputs(state), plans(trained)::parts, trained);
    }
    trained.order(order);
    return training;
  }

  @Override
  public Feed evaluation(Map<String, Long> state) {
    if (evaluation == null) {
      Passage all = asTheyLie();
      evaluation = new Feed(memory, inputs(state), plans(all)::evaluationParts, all);
    }
    return evaluation;
  }

  @Override
  public Feed probe(int[] order, int rows, Map<String, Long> state) {
    if (probed == null || probe == null || probed.samples() != order.length || probeRows != rows) {
      close(probe);
      if (rows > segmentRows) {
        throw new IllegalArgumentException(
            "gradients of batches of "
                + rows
                + " are asked for, but "
                + data.name()
                + " streams through segments of "
                + segmentRows
                + " samples: take smaller batches");
      }
      probed = passage(order.length, rows);
      probe = new Feed(memory, inputs(state), plans(probed)::gradientParts, probed);
      probeRows = rows;
    }
    probed.order(order);
    return probe;
  }

  @Override
  public Feed outputs(Map<String, Long> addresses) {
    Passage all = asTheyLie();
    said = all;
    return new Feed(memory, inputs(addresses), plans(all)::outputParts, all);
  }

  private Passage asTheyLie() {
    return passage(data.size(), Math.min(options.evaluationBatch(), data.size()));
  }

  private Passage passage(int samples, int mostRows) {
    return new Passage(ring, samples, mostRows, segmentRows);
  }

  private StepPlans plans(Passage passage) {
    BatchSource source = BatchSource.of(options, data, 0).ofRows(passage.tableRows());
    return new StepPlans(options, source);
  }

  private Map<String, Long> inputs(Map<String, Long> state) {
    Map<String, Long> inputs = memory.addresses();
    inputs.putAll(state);
    tables.addTo(inputs);
    return inputs;
  }

  @Override
  public int[] labels(int from, int rows) {
    int tableRows = Objects.requireNonNull(said).tableRows();
    int at = from % tableRows;
    int first = Math.min(rows, tableRows - at);
    int[] labels = tables.labels().slice(at, at + first).toInts();
    if (first < rows) { // the rows cross the end of the table
      int[] others = tables.labels().slice(0, rows - first).toInts();
      int[] all = Arrays.copyOf(labels, labels.length + others.length);
      System.arraycopy(others, 0, all, labels.length, others.length);
      return all;
    }
    return labels;
  }

  @Override
  public long bytes() {
    return Ring.SEGMENTS * rowBytes(data) * segmentRows;
  }

  @Override
  public long loadingNanos() {
    return ring.loadingNanos();
  }

  private static void close(@Nullable Feed feed) {
    if (feed != null) {
      feed.close();
    }
  }

  @Override
  public void close() {
    close(training);
    close(evaluation);
    close(probe);
    tables
        .close(); // waits for copies in progress, also from a thread that does not own the streams
    ring.close();
  }
}
