package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.data.Dataset;
import dev.halfstep.internal.HostMemory;
import java.nio.ByteBuffer;
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
  private final Part features;
  private final Part labels;
  private final HostMemory[] buffers = new HostMemory[BUFFERS];
  private final Stream[] copies = new Stream[BUFFERS];
  private int turn; // the buffer that is filled next
  private @Nullable Passage owner;
  private long filled;
  private long loadingNanos;

  /** The features or the labels: where they lie on the host, and the ring's memory for them. */
  private record Part(ByteBuffer source, int rowBytes, long address, int bufferOffset) {
    void gather(ByteBuffer buffer, int row, int sample) {
      buffer.put(bufferOffset + row * rowBytes, source, sample * rowBytes, rowBytes);
    }

    void upload(Stream stream, HostMemory buffer, long firstRow, long rows) {
      buffer.uploadAsync(stream, address + firstRow * rowBytes, bufferOffset, rows * rowBytes);
    }
  }

  /** A ring in these tables, whose rows are three times those of a segment. */
  Ring(Device device, Dataset data, DataTables tables, int segmentRows) {
    compute = device.stream();
    ByteBuffer source = data.features().buffer();
    int rowBytes = source.remaining() / data.size();
    features = new Part(source, rowBytes, tables.features.address(), 0);
    int labelOffset = (segmentRows * rowBytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
    ByteBuffer targets = data.targets().buffer();
    int labelBytes = targets.remaining() / data.size();
    labels = new Part(targets, labelBytes, tables.labels.address(), labelOffset);
    for (int i = 0; i < BUFFERS; i++) {
      buffers[i] = new HostMemory(device, labelOffset + segmentRows * labelBytes);
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
   * @param order of the samples; null: as they lie
   * @param samples in the order, at whose end it begins again
   * @param position of the first row in the order
   * @param firstRow where it goes in the ring
   * @return what {@link #await} takes to wait for the copy
   */
  int fill(int @Nullable [] order, int samples, long position, long firstRow, int rows) {
    long began = System.nanoTime();
    int buffer = turn;
    ByteBuffer target = buffers[buffer].buffer();
    int at = (int) (position % samples);
    for (int row = 0; row < rows; row++) {
      int sample = order == null ? at : order[at];
      features.gather(target, row, sample);
      labels.gather(target, row, sample);
      at = at + 1 == samples ? 0 : at + 1;
    }
    features.upload(copies[buffer], buffers[buffer], firstRow, rows);
    labels.upload(copies[buffer], buffers[buffer], firstRow, rows);
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
