package dev.halfstep.internal;

import static dev.halfstep.bindings.Native.HS_ERROR_SCHEDULE;
import static dev.halfstep.bindings.Native.HS_SEGMENT_FROZEN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.kernel.OptimizerStepKernel;
import dev.halfstep.kernel.StepKernels;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Java reads and writes at the same offsets as the kernels. */
class StepLayoutTest {
  private static final int SCHEDULE = 256;
  private static final int RING = 512;

  private final Device device = Device.cpu();
  private final HostMemory memory = new HostMemory(device, 1024);
  private final ByteBuffer host = memory.buffer();
  private final long state = memory.address();

  @AfterEach
  void close() {
    memory.close();
    device.close();
  }

  private ByteBuffer at(int offset, int bytes) {
    return host.slice(offset, bytes).order(host.order());
  }

  @Test
  void aStepsRecordHoldsWhatTheStateHeld() {
    host.putLong(StepState.STEP, 5);
    host.putLong(StepState.PERFORMED, 4);
    host.putLong(StepState.SCHEDULE_BASE, 4);
    host.putLong(StepState.SCHEDULE_ROWS, 1);
    host.putDouble(StepState.LOSS_SUM, 1.5);
    host.putDouble(StepState.WEIGHT, 2.5);
    host.putDouble(StepState.CORRECT, 3.5);
    host.putDouble(StepState.ROWS, 4.5);
    host.putFloat(StepState.LOSS_SCALE, 8);
    host.putFloat(StepState.GRADIENT_NORM, 0.25f);
    ScheduleRow.put(at(SCHEDULE, ScheduleRow.BYTES), 0, 0.125f, 0.9f);
    StepKernels.microStepEnd(device.stream(), state, 32);
    assertEquals(32, StepState.cursor(host));
    assertEquals(1, host.getLong(StepState.MICRO_STEP));

    StepKernels.stepEnd(device.stream(), state, state + SCHEDULE, null, state + RING, 3);
    ByteBuffer ring = at(RING, 3 * RingRecord.BYTES);
    assertEquals(5, RingRecord.step(ring, 2));
    assertEquals(1.5, RingRecord.lossSum(ring, 2));
    assertEquals(2.5, RingRecord.weight(ring, 2));
    assertEquals(3.5, RingRecord.correct(ring, 2));
    assertEquals(4.5, RingRecord.rows(ring, 2));
    assertEquals(0.125f, RingRecord.learningRate(ring, 2));
    assertEquals(8, RingRecord.lossScale(ring, 2));
    assertEquals(0.25f, RingRecord.gradientNorm(ring, 2));
    assertFalse(RingRecord.skipped(ring, 2));
    assertEquals(6, StepState.step(host));
    assertEquals(5, StepState.performed(host));
    assertEquals(0, StepState.lossSum(host));
    assertEquals(0, StepState.weight(host));
    assertEquals(0, StepState.correct(host));
    assertEquals(0, StepState.rows(host));
    assertEquals(0, StepState.error(host));
  }

  @Test
  void aStepWithoutARowInTheScheduleIsReported() {
    host.putLong(StepState.PERFORMED, 9);
    host.putFloat(StepState.LOSS_SCALE, 1);
    host.putFloat(128 * 4, 1).putFloat(128 * 4 + 4, 1); // a parameter and its gradient
    long parameter = state + 128 * 4;
    OptimizerStepKernel.sgd(1)
        .build()
        .run(null, parameter, parameter + 4, parameter + 8, 0, 0, state, state + SCHEDULE, 0, 0, 0);
    assertEquals(HS_ERROR_SCHEDULE, StepState.error(host));
    assertEquals(1, host.getFloat(128 * 4), "the step is skipped");
  }

  @Test
  void aStepThatWasNotFiniteIsMarkedAsSkipped() {
    host.putInt(StepState.NONFINITE, 1);
    host.putFloat(StepState.LOSS_SCALE, 1);
    StepKernels.stepEnd(device.stream(), state, 0, null, state + RING, 1);
    assertTrue(RingRecord.skipped(at(RING, RingRecord.BYTES), 0));
    assertEquals(1, StepState.step(host));
    assertEquals(0, StepState.performed(host));
  }

  @Test
  void theOptimizerReadsRateDecayAndFlagsOfSegments() {
    ByteBuffer table = at(RING, 2 * Segment.BYTES);
    Segment.put(table, 0, 0, 2, 0.25f, 0.5f, 0);
    Segment.put(table, 1, 16, 1, 1, 0, HS_SEGMENT_FROZEN);
    host.putFloat(0, 4).putFloat(4, 8).putFloat(64, 16);
    host.putFloat(256, 1).putFloat(260, 1).putFloat(256 + 64, 1);
    OptimizerStepKernel.sgd(17)
        .learningRate(1)
        .build()
        .run(null, state, state + 256, 0, 0, 0, 0, 0, state + RING, 2, 0);
    assertEquals(4 - 0.25f * (1 + 0.5f * 4), host.getFloat(0));
    assertEquals(8 - 0.25f * (1 + 0.5f * 8), host.getFloat(4));
    assertEquals(16, host.getFloat(64), "a frozen segment stays");
  }

  @Test
  void hostMemoryBeginsAsZerosAndMayBeClosedAfterItsDevice() {
    for (int i = 0; i < 1024; i++) {
      assertEquals(0, host.get(i));
    }
    device.close();
    memory.close();
    memory.close();
  }
}
