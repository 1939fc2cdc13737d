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
 * Rows of a data set on their way to the device: three segments in a ring there, and two pinned
 * buffers on the host, each with a stream that copies from it. While the device computes on one
 * segment the next one is copied, and the one after that gathered.
 *
 * <p>There are three segments because a batch may lie across the end of one: the device then reads
 * two, and the third can be written.
 */
final class Ring implements AutoCloseable {
  static final int SEGMENTS = 3;
  private static final int BUFFERS = 2;

  private final Stream compute;
  private final Dataset data;
  private final DataCheck check;
  private final long[] addresses; // of the tables: inputs, and then targets
  private final long[] rowBytes;
  private final SampleBatch[] batches = new SampleBatch[BUFFERS];
  private final HostMemory[] buffers = new HostMemory[BUFFERS];
  private final Stream[] copies = new Stream[BUFFERS];
  private int turn; // the buffer that is filled next
  private @Nullable Passage owner;
  private long filled;
  private long loadingNanos;

  /** A ring in these tables, whose rows are three times those of a segment. */
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
   * Makes the ring a passage's own.
   *
   * @return false if it was before, so that what the passage loaded is still there
   */
  boolean take(Passage passage) {
    boolean changes = owner != passage;
    owner = passage;
    return changes;
  }

  /**
   * Prepares for {@link #fill}: the buffer is free once its last copy has ended; and the copy will
   * come after all steps launched until now, which may read what it overwrites, and after the copy
   * from the other buffer, which may still write there if the passage has jumped.
   */
  void begin() {
    copies[turn].synchronize();
    copies[turn].waitFor(compute);
    copies[turn].waitFor(copies[1 - turn]);
  }

  /**
   * Gathers rows and copies them to the device, after {@link #begin}.
   *
   * @param samples that are to be there
   * @param firstRow where they go in the ring
   * @return what {@link #await} takes to wait for the copy
   * @throws dev.halfstep.data.GatherException if they cannot be read: nothing is copied then
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

  /** Lets steps that are launched from now on see what {@link #fill} copied. */
  void await(int copy) {
    compute.waitFor(copies[copy]);
  }

  /** How often rows were gathered. */
  long filled() {
    return filled;
  }

  long loadingNanos() {
    return loadingNanos;
  }

  @Override
  public void close() {
    for (int i = 0; i < BUFFERS; i++) {
      copies[i].close(); // waits for its copies, which read the buffer
      buffers[i].close();
    }
  }
}
