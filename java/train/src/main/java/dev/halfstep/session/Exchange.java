package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Tensor;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.StepState;
import java.nio.ByteBuffer;

/**
 * The exchange of the workers of a {@link Collective} between the backward pass and the update of a
 * step: they sum their gradients, and the sums in their step states. If a step has an error on one
 * worker, all workers skip it.
 */
final class Exchange implements AutoCloseable {
  private static final int[] SUMS = {
    StepState.LOSS_SUM, StepState.WEIGHT, StepState.CORRECT, StepState.ROWS
  };
  private static final int ERRORS = 3; // bits of the state's error

  private final Collective collective;
  private final Device device;
  private final Tensor gradients;
  private final long state;
  private final HostMemory host;
  private final double[] terms = new double[SUMS.length + ERRORS];

  /** An exchange of these gradients and of the state at this address. */
  Exchange(Collective collective, Tensor gradients, long state) {
    this.collective = collective;
    this.gradients = gradients;
    this.state = state;
    device = gradients.device();
    host = new HostMemory(device, StepState.BYTES);
  }

  /** Waits for the backward pass and for the other workers, and sums the values. */
  void run() {
    collective.allReduceSum(gradients);
    host.download(device.stream(), state, 0, StepState.BYTES);
    ByteBuffer bytes = host.buffer();
    for (int i = 0; i < SUMS.length; i++) {
      terms[i] = bytes.getDouble(SUMS[i]);
    }
    int error = StepState.error(bytes);
    for (int bit = 0; bit < ERRORS; bit++) {
      terms[SUMS.length + bit] = error >> bit & 1;
    }
    collective.allReduceSum(terms);
    for (int i = 0; i < SUMS.length; i++) {
      bytes.putDouble(SUMS[i], terms[i]);
    }
    for (int bit = 0; bit < ERRORS; bit++) {
      error |= terms[SUMS.length + bit] > 0 ? 1 << bit : 0;
    }
    bytes.putInt(StepState.ERROR, error);
    host.upload(device.stream(), state, 0, StepState.BYTES);
  }

  @Override
  public void close() {
    host.close();
  }
}
