package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleForm;
import dev.halfstep.internal.HostMemory;
import org.jspecify.annotations.Nullable;

/**
 * Streams rows of a data set to the device: three segments in a ring there, and two pinned buffers
 * on the host, each with a stream that copies from it. While the device computes on one segment,
 * the next one is copied, and the one after that is gathered.
 *
 * <p>There are three segments because a batch may cross the end of one: the device then reads two
 * while the third is written.
 */
final class Ring implements AutoCloseable {
  static final int SEGMENTS = 3;
  private static final int BUFFERS = 2;

  private final Stream compute;
  private final Dataset data;
  private final DataCheck check;
  private final long[] addresses; // of the tables: inputs first, then targets
  private final long[] rowBytes;
  private final SampleBatch[] batches = new SampleBatch[BUFFERS];
  private final HostMemory[] buffers = new HostMemory[BUFFERS];
  private final Stream[] copies = new Stream[BUFFERS];
  private int turn; // index of the buffer to fill next
  private @Nullable Passage owner;
  private long filled;
  private long loadingNanos;

  /** A ring in these tables, which have {@code 3 * segmentRows} rows. */
  Ring(Device device, Dataset data, DataCheck check, DataTables tables, int segmentRows) {
    this.data = data;
    this.check = check;
    compute = device.stream();
    SampleForm form = data.form();
    int arrays = form.inputs().size() + form.targets().size();
    addresses = new long[arrays];
    rowBytes = new long[arrays];
    for (int i = 0; i < arrays; i++) {
      Tensor table = tables.array(i);
      addresses[i] = table.address();
      rowBytes[i] = table.bytes() / table.shape().dim(0);
    }
    int bytes = Math.toIntExact(SampleBatch.bytes(form, segmentRows));
    for (int i = 0; i < BUFFERS; i++) {
      buffers[i] = new HostMemory(device, bytes);
      batches[i] = new SampleBatch(form, segmentRows, buffers[i].buffer());
      copies[i] = device.newStream();
    }
  }

  /**
   * Gives the ring to a passage.
   *
   * @return false if the passage already had it, so that the rows it loaded are still there
   */
  boolean take(Passage passage) {
    boolean changes = owner != passage;
    owner = passage;
    return changes;
  }

  /**
   * Prepares for {@link #fill}: waits until the last copy from the buffer has ended, and orders the
   * new copy after all steps launched so far, which may read the rows that it overwrites, and after
   * the copy from the other buffer, which may still write there if the passage has jumped.
   */
  void begin() {
    copies[turn].synchronize();
    copies[turn].waitFor(compute);
    copies[turn].waitFor(copies[1 - turn]);
  }

  /**
   * Gathers rows and copies them to the device, after {@link #begin}.
   *
   * @param samples indices of the samples to copy
   * @param firstRow the first row in the ring to write
   * @return the copy's number for {@link #await}
   * @throws dev.halfstep.data.GatherException if they cannot be read; nothing is copied then
   */
  int fill(int[] samples, long firstRow) {
    long began = System.nanoTime();
    int buffer = turn;
    SampleBatch batch = batches[buffer];
    data.read(samples, batch);
    check.read(batch, samples);
    for (int i = 0; i < addresses.length; i++) {
      buffers[buffer].uploadAsync(
          copies[buffer],
          addresses[i] + firstRow * rowBytes[i],
          batch.offset(i),
          samples.length * rowBytes[i]);
    }
    turn = 1 - turn;
    filled++;
    loadingNanos += System.nanoTime() - began;
    return buffer;
  }

  /** Makes steps that are launched from now on wait for a copy of {@link #fill}. */
  void await(int copy) {
    compute.waitFor(copies[copy]);
  }

  /** How many times rows were gathered. */
  long filled() {
    return filled;
  }

  long loadingNanos() {
    return loadingNanos;
  }

  @Override
  public void close() {
    for (int i = 0; i < BUFFERS; i++) {
      copies[i].close(); // waits for the copies from the buffer
      buffers[i].close();
    }
  }
}
