package dev.halfstep;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Guards the native calls of one stream: one thread at a time is inside, and who frees memory waits
 * until nobody is. Entering and leaving cost one compare-and-set and one ordered store and allocate
 * nothing.
 */
final class Gate {
  private static final int OPEN = 0;
  private static final int ENTERED = 1;
  private static final int SHUT = 2;
  private static final int SPINS = 1_000;
  private static final long NAP_NANOS = 50_000;
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Gate.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("unused") // through STATE
  private volatile int state = OPEN;

  /** Enters, after whoever is inside has left; false when the gate is shut for good. */
  boolean enter() {
    return STATE.compareAndSet(this, OPEN, ENTERED) || enterSlowly();
  }

  private boolean enterSlowly() {
    for (int attempt = 0; ; attempt++) {
      if (STATE.compareAndSet(this, OPEN, ENTERED)) {
        return true;
      }
      if (isShut()) {
        return false;
      }
      if (attempt < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(this, NAP_NANOS);
      }
    }
  }

  /** Leaves; the next one may enter. */
  void exit() {
    STATE.setRelease(this, OPEN);
  }

  /** Leaves and lets nobody in again. */
  void shut() {
    STATE.setVolatile(this, SHUT);
  }

  boolean isShut() {
    return (int) STATE.getVolatile(this) == SHUT;
  }
}
