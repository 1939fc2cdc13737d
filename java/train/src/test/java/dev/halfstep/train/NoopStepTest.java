package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The cost of a step without its kernels, measured on the device that computes nothing. */
class NoopStepTest {
  private static final int STEPS = 20_000;

  private final SmallTask task = new SmallTask(64);

  private static long allocatedBytes() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  /** Allocated bytes per step in the best round; in the first ones code is not compiled yet. */
  private static double bytesPerStep(TrainingSession session, Runnable step) {
    double best = Double.MAX_VALUE;
    for (int round = 0; round < 200 && best >= 1; round++) {
      long before = allocatedBytes();
      for (int i = 0; i < STEPS; i++) {
        step.run();
      }
      best = Math.min(best, (double) (allocatedBytes() - before) / STEPS);
      session.drain();
    }
    return best;
  }

  private SessionBuilder options() {
    return TrainingSession.builder(SmallTask.model())
        .device("noop")
        .batchSize(8)
        .pendingSteps(STEPS);
  }

  @Test
  void stepsOnResidentDataAllocateNothing() {
    try (TrainingSession session = options().open()) {
      session.data(task.data);
      double bytes = bytesPerStep(session, () -> session.run(1));
      assertTrue(bytes < 1, bytes + " bytes a step");
    }
  }

  @Test
  void stepsOnUploadedBatchesAllocateNothing() {
    float[] x = Arrays.copyOf(task.x, 8 * SmallTask.FEATURES);
    int[] y = Arrays.copyOf(task.y, 8);
    try (TrainingSession session = options().open()) {
      double bytes = bytesPerStep(session, () -> session.step(x, y));
      assertTrue(bytes < 1, bytes + " bytes a step");
    }
  }
}
