package dev.halfstep;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Guards the native calls of one stream: one thread at a time is inside, and a thread that frees
 * memory holds the gate while it does. Threads that hold go before threads that enter, so that a
 * stream in a tight loop cannot keep them out. Entering and leaving cost a compare-and-set and an
 * ordered store, and allocate nothing.
 */
final class Gate {
  private static final int OPEN = 0;
  private static final int TAKEN = 1;
  private static final int SHUT = 2;
  private static final int SPINS = 1_000;
  private static final long NAP_NANOS = 50_000;
  private static final VarHandle STATE;
  private static final VarHandle HOLDERS;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      STATE = lookup.findVarHandle(Gate.class, "state", int.class);
      HOLDERS = lookup.findVarHandle(Gate.class, "holders", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile int state = OPEN;
  private volatile int holders; // the number of threads that wait in hold()

  /**
   * Waits until the thread inside has left, and enters. Returns false when the gate is shut for
   * good.
   */
  boolean enter() {
    if (holders == 0 && STATE.compareAndSet(this, OPEN, TAKEN)) {
      return true;
    }
    for (int attempt = 0; ; attempt++) {
      if (state == SHUT) {
        return false;
      }
      if (holders == 0 && STATE.compareAndSet(this, OPEN, TAKEN)) {
        return true;
      }
      pause(attempt);
    }
  }

  /** As {@link #enter}, but goes before the threads that wait there. */
  boolean hold() {
    HOLDERS.getAndAdd(this, 1);
    try {
      for (int attempt = 0; state != SHUT; attempt++) {
        if (STATE.compareAndSet(this, OPEN, TAKEN)) {
          return true;
        }
        pause(attempt);
      }
      return false;
    } finally {
      HOLDERS.getAndAdd(this, -1);
    }
  }

  private void pause(int attempt) {
    if (attempt < SPINS) {
      Thread.onSpinWait();
    } else {
      LockSupport.parkNanos(this, NAP_NANOS);
    }
  }

  /** Leaves; the next one may enter. */
  void exit() {
    STATE.setRelease(this, OPEN);
  }

  /** Leaves and lets nobody in again. */
  void shut() {
    state = SHUT;
  }

  boolean isShut() {
    return state == SHUT;
  }
}
