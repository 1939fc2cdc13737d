package dev.halfstep;

import java.util.concurrent.atomic.AtomicInteger;

/** Device memory of one tensor. It is closed and released with all gates of its device held. */
final class Storage {
  final long address;
  final long bytes;
  private final String what;
  private volatile String label = "";
  private volatile boolean closed;
  private final AtomicInteger lists = new AtomicInteger(); // command lists that use the memory

  Storage(long address, long bytes, String what) {
    this.address = address;
    this.bytes = bytes;
    this.what = what;
  }

  void label(String name) {
    label = name;
  }

  boolean closed() {
    return closed;
  }

  void close() {
    closed = true;
  }

  void retain() {
    lists.incrementAndGet();
  }

  void release() {
    lists.decrementAndGet();
  }

  /** Whether nobody can reach the memory any more. */
  boolean unused() {
    return closed && lists.get() == 0;
  }

  /** Such as "weights F32 [128, 784]". */
  @Override
  public String toString() {
    return label.isEmpty() ? what : label + " " + what;
  }
}
