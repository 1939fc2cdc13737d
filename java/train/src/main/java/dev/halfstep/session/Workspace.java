package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;

/** The activation arena that all plans of a session share, because only one plan runs at a time. */
final class Workspace implements AutoCloseable {
  private final Device device;
  private Tensor arena;
  private int generation;

  Workspace(Device device) {
    this.device = device;
    this.arena = device.empty(DType.U8, Shape.of(0));
  }

  /**
   * Grows the arena if it is smaller than this; its address then changes and its generation
   * increases.
   */
  void require(long bytes) {
    if (bytes > arena.bytes()) {
      arena.close();
      generation++;
      arena = device.empty(DType.U8, Shape.of(bytes)).label("activations");
    }
  }

  long bytes() {
    return arena.bytes();
  }

  long address() {
    return arena.address();
  }

  /**
   * The number of times the arena moved; lists recorded in an earlier generation refer to freed
   * memory.
   */
  int generation() {
    return generation;
  }

  @Override
  public void close() {
    arena.close();
  }
}
