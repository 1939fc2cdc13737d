package dev.halfstep;

import static dev.halfstep.bindings.Native.HS_INVALID_STATE;
import static dev.halfstep.bindings.Native.HS_OUT_OF_MEMORY;
import static dev.halfstep.bindings.Native.hs_alloc;
import static dev.halfstep.bindings.Native.hs_device_close;
import static dev.halfstep.bindings.Native.hs_free;
import static dev.halfstep.bindings.Native.hs_list_destroy;

import dev.halfstep.internal.FlightRecorder;
import dev.halfstep.internal.Native;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The native device behind a {@link Device}, with its memory and the gates of its streams. It is an
 * object of its own so that a cleaner can hold it after the {@link Device} is unreachable. Locks
 * are taken in this order: first {@link #lock}, then the gates of all streams. A kernel call holds
 * the gate of its own stream, so no call uses memory while a thread that holds the lock and all
 * gates frees it.
 */
final class DeviceState {
  private static final Logger LOG = LoggerFactory.getLogger(Device.class);
  private static final int LISTED_HOLDERS = 5;

  final String id;
  private final long handle;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Gate> gates = new ArrayList<>();
  private final Set<Storage> storages = new HashSet<>();
  private final Queue<Storage> leaked = new ConcurrentLinkedQueue<>();
  private volatile boolean closed;

  DeviceState(String id, long handle) {
    this.id = id;
    this.handle = handle;
  }

  boolean closed() {
    return closed;
  }

  IllegalStateException closedException() {
    return new IllegalStateException("device " + id + " is closed: open it again to use it");
  }

  /** A native call on the device that gives a status. */
  interface Call {
    int on(long device);
  }

  /** Runs a call while the device cannot be closed; throws what it reports. */
  void call(Call call) {
    lock.lock();
    try {
      requireOpen();
      Native.check(call.on(handle));
    } finally {
      lock.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw closedException();
    }
  }

  /** Creates a stream and its gate. */
  Gate newGate(Call create) {
    lock.lock();
    try {
      requireOpen();
      Native.check(create.on(handle));
      Gate gate = new Gate();
      gates.add(gate);
      return gate;
    } finally {
      lock.unlock();
    }
  }

  /** Shuts a stream's gate and destroys the stream; one that records is left to the device. */
  void closeStream(Gate gate, IntSupplier destroy) {
    withGatesHeld(
        () -> {
          if (!gate.isShut()) {
            gate.shut();
            int status = destroy.getAsInt();
            if (status != HS_INVALID_STATE) {
              Native.check(status);
            }
          }
        });
  }

  /** Destroys a command list; with all gates held. */
  void destroy(long list, Collection<Storage> used) {
    Native.check(hs_list_destroy(list));
    release(used);
  }

  Storage allocate(long bytes, String what) {
    return FlightRecorder.IS_PRESENT ? allocateWithEvent(bytes, what) : take(bytes, what);
  }

  private Storage allocateWithEvent(long bytes, String what) {
    AllocationEvent event = new AllocationEvent();
    event.begin();
    Storage storage = take(bytes, what);
    if (event.shouldCommit()) {
      event.device = id;
      event.tensor = what;
      event.bytes = bytes;
      event.commit();
    }
    return storage;
  }

  private Storage take(long bytes, String what) {
    lock.lock();
    try {
      requireOpen();
      freeLeaked();
      long[] address = new long[1];
      int status = hs_alloc(handle, bytes, address);
      if (status == HS_OUT_OF_MEMORY) {
        throw new HalfstepException(
            HalfstepException.Status.OUT_OF_MEMORY,
            what + " does not fit: " + Native.lastError() + ". " + holders());
      }
      Native.check(status);
      Storage storage = new Storage(address[0], bytes, what);
      storages.add(storage);
      return storage;
    } finally {
      lock.unlock();
    }
  }

  private String holders() {
    if (storages.isEmpty()) {
      return "No tensor holds memory of it";
    }
    String largest =
        storages.stream()
            .sorted(Comparator.comparingLong((Storage storage) -> storage.bytes).reversed())
            .limit(LISTED_HOLDERS)
            .map(storage -> storage + " (" + storage.bytes + " bytes)")
            .collect(Collectors.joining(", "));
    return "The largest of its " + storages.size() + " tensors: " + largest;
  }

  /** Closes a tensor's memory: freed now, or with the last command list that uses it. */
  void close(Storage storage) {
    withGatesHeld(
        () -> {
          storage.close();
          freeIfUnused(storage);
        });
  }

  /** Runs something while no call is inside a stream; nothing once the device is closed. */
  void withGatesHeld(Runnable action) {
    lock.lock();
    try {
      if (!closed) {
        holdGates();
        try {
          action.run();
        } finally {
          openGates();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes a list's or a recording's claim off memory; with all gates held. */
  void release(Collection<Storage> used) {
    for (Storage storage : used) {
      storage.release();
      freeIfUnused(storage);
    }
  }

  private void freeIfUnused(Storage storage) {
    if (storage.unused() && storages.remove(storage)) {
      Native.check(hs_free(handle, storage.address));
    }
  }

  /** Called by the cleaner's thread: queues the memory, and the next allocation frees it. */
  void leaked(Storage storage) {
    if (!closed && !storage.closed()) {
      LOG.warn("{} on {} was not closed: its memory is taken back now", storage, id);
      leaked.add(storage);
    }
  }

  private void freeLeaked() {
    for (Storage storage = leaked.poll(); storage != null; storage = leaked.poll()) {
      close(storage);
    }
  }

  private void holdGates() {
    gates.forEach(Gate::hold);
  }

  private void openGates() {
    gates.removeIf(Gate::isShut);
    gates.forEach(Gate::exit);
  }

  /** Waits for calls in progress, then frees everything. A second call does nothing. */
  void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      holdGates();
      closed = true;
      gates.forEach(Gate::shut);
      storages.clear();
      Native.check(hs_device_close(handle));
    } finally {
      lock.unlock();
    }
  }

  /** Called by the cleaner's thread when the device is no longer reachable. */
  void closeLeaked() {
    if (!closed) {
      LOG.warn("device {} was not closed: it is closed now", id);
      close();
    }
  }
}
