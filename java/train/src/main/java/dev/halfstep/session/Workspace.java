package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;

/** The activation arena that all plans of a session share: one plan runs at a time. */
final class Workspace implements AutoCloseable {
  private final Device device;
  private Tensor arena;
  private int generation;

  Workspace(Device device) {
    this.device = device;
    this.arena = device.empty(DType.U8, Shape.of(0));
  }

  /** Grows the arena if it is smaller; it then lies elsewhere and counts a generation on. */
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

  /** Lists recorded in an earlier generation refer to memory that is gone. */
  int generation() {
    return generation;
  }

  @Override
  public void close() {
    arena.close();
  }
}
