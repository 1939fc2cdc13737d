package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.RingRecord;
import dev.halfstep.internal.ScheduleRow;
import dev.halfstep.internal.StepState;
import dev.halfstep.metric.Metrics;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.Sgd;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The state that recorded steps read and advance on the device, and the host's knowledge of it:
 * counters and sums, the schedule's rows, and the ring of step records.
 */
final class RunState implements AutoCloseable {
  private static final int RECORD = RingRecord.BYTES;

  private final Stream stream;
  private final int capacity;
  private final @Nullable LossScaling scaling;
  private final int maxSkips;
  private final boolean withoutMomentum;
  private final Tensor state;
  private final Tensor schedule;
  private final Tensor ring;
  private final HostMemory hostState;
  private final HostMemory hostSchedule;
  private final HostMemory hostRing;

  private long launched;
  private long position; // the cursor's value once all launched steps have ended
  private long drained;
  private long performed; // updates at the last download
  private boolean moved; // whether steps were launched since then
  private int rowsLeft; // rows of the schedule that are not used yet
  private boolean constant = true;
  private float rate;
  private float momentum;

  RunState(Device device, SessionOptions options) {
    scaling = options.lossScaling();
    stream = device.stream();
    capacity = options.pendingSteps();
    withoutMomentum = options.optimizer() instanceof Sgd sgd && sgd.momentum() == 0;
    maxSkips = scaling == null ? Integer.MAX_VALUE : scaling.maxSkips();
    rate = options.optimizer().learningRate();
    momentum = options.optimizer().momentum();
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("step state");
    schedule =
        device
            .empty(DType.U8, Shape.of((long) capacity * ScheduleRow.BYTES))
            .label("learning rates");
    ring = device.empty(DType.U8, Shape.of((long) capacity * RECORD)).label("step records");
    hostState = new HostMemory(device, StepState.BYTES);
    hostSchedule = new HostMemory(device, capacity * ScheduleRow.BYTES);
    hostRing = new HostMemory(device, capacity * RECORD);
    float scale = scaling == null ? 1 : scaling.initialScale();
    hostState.buffer().putFloat(StepState.LOSS_SCALE, scale);
    hostState.upload(stream, state.address(), 0, StepState.BYTES);
    hostRing.upload(stream, ring.address(), 0, ring.bytes());
  }

  /** The addresses of state, schedule and ring, under the names of a plan's inputs. */
  Map<String, Long> addresses() {
    return Map.of("state", state.address(), "schedule", schedule.address(), "ring", ring.address());
  }

  /** Bytes of device memory for a session with these options. */
  static long bytes(SessionOptions options) {
    return StepState.BYTES + (long) options.pendingSteps() * (ScheduleRow.BYTES + RECORD);
  }

  /** The number of steps that were launched and not yet drained. */
  long pending() {
    return launched - drained;
  }

  /**
   * Counts steps of {@code rows} rows that are about to be launched, and checks that they have
   * learning rates.
   *
   * @return the position at which they begin
   */
  long reserve(int rows, int steps) {
    if (steps > capacity - pending()) {
      throw new IllegalStateException(
          pending()
              + " steps wait to be drained; with "
              + steps
              + " more they would pass the "
              + capacity
              + " that are kept: call drain() before, or raise pendingSteps");
    }
    if (steps > rowsLeft) {
      if (!constant) {
        throw new IllegalStateException(
            "the schedule has learning rates for "
                + rowsLeft
                + " more steps, not for "
                + steps
                + ": call schedule(...) before");
      }
      keep(rate, momentum);
    }
    rowsLeft -= steps;
    launched += steps;
    moved = true;
    long begin = position;
    position += (long) rows * steps;
    return begin;
  }

  /** Sets one learning rate and momentum from the next performed step on. */
  void keep(float learningRate, float momentum) {
    rate = learningRate;
    this.momentum = momentum;
    for (int i = 0; i < capacity; i++) {
      ScheduleRow.put(hostSchedule.buffer(), i, learningRate, momentum);
    }
    uploadSchedule(capacity);
    constant = true;
  }

  /** Sets the learning rates and momenta of the next performed steps. */
  void schedule(float[] learningRates, float[] momenta) {
    int rows = learningRates.length;
    if (rows < 1 || rows > capacity || momenta.length != rows) {
      throw new IllegalArgumentException(
          "a schedule has 1 to "
              + capacity
              + " learning rates and as many momenta: it was given "
              + rows
              + " and "
              + momenta.length);
    }
    for (int i = 0; i < rows; i++) {
      Optimizer.check("schedule, row " + i, learningRates[i], momenta[i], 0);
      if (withoutMomentum && momenta[i] != 0) {
        throw new IllegalArgumentException(
            "a schedule with momentum "
                + momenta[i]
                + " for SGD without: give the optimizer a momentum, which keeps it in memory");
      }
      ScheduleRow.put(hostSchedule.buffer(), i, learningRates[i], momenta[i]);
    }
    uploadSchedule(rows);
    constant = false;
  }

  private void uploadSchedule(int rows) {
    if (moved) {
      download();
    }
    hostSchedule.upload(stream, schedule.address(), 0, (long) rows * ScheduleRow.BYTES);
    put(StepState.SCHEDULE_BASE, performed);
    put(StepState.SCHEDULE_ROWS, rows);
    rowsLeft = rows;
  }

  /** The bytes of the current state, after {@link #drain}. */
  byte[] counters() {
    download();
    byte[] bytes = new byte[StepState.BYTES];
    hostState.buffer().get(0, bytes);
    return bytes;
  }

  /**
   * Continues from a state that {@link #counters()} returned.
   *
   * @throws IllegalArgumentException if no run can reach such a state
   */
  void counters(byte[] bytes) {
    StepCounters.require(bytes, scaling);
    hostState.buffer().put(0, bytes);
    hostState.upload(stream, state.address(), 0, StepState.BYTES);
    performed = StepState.performed(hostState.buffer());
    launched = StepState.step(hostState.buffer());
    drained = launched;
    rowsLeft = 0;
    position = hostState.buffer().getLong(StepState.CURSOR);
  }

  /** Steps that were launched and not skipped. */
  long performed() {
    download();
    return performed;
  }

  /** The loss scale of the next step, after {@link #drain}. */
  float lossScale() {
    download();
    return hostState.buffer().getFloat(StepState.LOSS_SCALE);
  }

  /** Where the next step begins: the cursor's value then. */
  long position() {
    return position;
  }

  /** Sets where the next batch begins in the order of the samples. */
  void cursor(long position) {
    put(StepState.CURSOR, position);
    this.position = position;
  }

  private void put(int field, long value) {
    hostState.buffer().putLong(field, value);
    hostState.upload(stream, state.address() + field, field, Long.BYTES);
  }

  private void download() {
    hostState.download(stream, state.address(), 0, StepState.BYTES);
    performed = StepState.performed(hostState.buffer());
    moved = false;
  }

  /** Waits for all steps, and reads the records of the steps since the last call. */
  void drain(StepBlock block) {
    int steps = (int) pending();
    block.begin(drained, steps);
    stream.synchronize();
    download();
    int first = (int) (drained % capacity);
    downloadRecords(first, Math.min(steps, capacity - first));
    downloadRecords(0, steps - Math.min(steps, capacity - first));
    for (int i = 0; i < steps; i++) {
      block.set(i, record(drained + i));
    }
    drained = launched;
    check();
  }

  /** Waits for the last step and returns its mean loss. Allocates only in case of an error. */
  double awaitLast() {
    int slot = (int) ((launched - 1) % capacity);
    downloadRecords(slot, 1);
    if (pending() == 1) {
      drained = launched;
    }
    ByteBuffer records = hostRing.buffer();
    double weight = RingRecord.weight(records, slot);
    double loss = Metrics.mean(RingRecord.lossSum(records, slot), weight);
    if (Double.isNaN(loss) || RingRecord.skipped(records, slot)) {
      download();
      check();
    }
    return loss;
  }

  /** Waits for the last step and returns its record. */
  StepRecord lastRecord() {
    if (launched == 0) {
      throw new IllegalStateException("no step has been made yet");
    }
    if (pending() > 0) {
      downloadRecords((int) ((launched - 1) % capacity), 1);
    }
    return record(launched - 1);
  }

  private void downloadRecords(int first, int count) {
    if (count > 0) {
      long offset = (long) first * RECORD;
      hostRing.download(stream, ring.address() + offset, offset, (long) count * RECORD);
    }
  }

  private StepRecord record(long step) {
    ByteBuffer records = hostRing.buffer();
    int i = (int) (step % capacity);
    return new StepRecord(
        step,
        RingRecord.lossSum(records, i),
        RingRecord.weight(records, i),
        RingRecord.correct(records, i),
        RingRecord.rows(records, i),
        RingRecord.learningRate(records, i),
        RingRecord.lossScale(records, i),
        RingRecord.gradientNorm(records, i),
        RingRecord.skipped(records, i));
  }

  /** Throws the error of the last steps, if any, and clears it for the next steps. */
  private void check() {
    int errors = StepState.error(hostState.buffer());
    if (errors != 0) {
      hostState.buffer().putInt(StepState.ERROR, 0);
      hostState.upload(stream, state.address() + StepState.ERROR, StepState.ERROR, Integer.BYTES);
    }
    StepErrors.check(errors);
    int skips = hostState.buffer().getInt(StepState.SKIPPED_IN_ROW);
    if (skips >= maxSkips) {
      throw new HalfstepException(
          HalfstepException.Status.DEVICE_FAILED,
          "the gradients of "
              + skips
              + " steps in a row were not finite, down to a loss scale of "
              + hostState.buffer().getFloat(StepState.LOSS_SCALE)
              + ": lower the learning rate, clip the gradients, or train in BF16");
    }
  }

  @Override
  public void close() {
    hostRing.close();
    hostSchedule.close();
    hostState.close();
    ring.close();
    schedule.close();
    state.close();
  }
}
