package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.StepState;
import dev.halfstep.metric.Metrics;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * Computes loss and accuracy over a data set. It uses its own state, so that it changes nothing of
 * training: no parameter, counter, position in the data, or random number.
 */
final class Evaluation implements AutoCloseable {
  /** Steps between two checks of the thread's interrupt flag. */
  private static final int STEPS_AT_ONCE = 64;

  private final Stream stream;
  private final int batch;
  private final Tensor state;
  private final HostMemory zeros;
  private final HostMemory host;

  Evaluation(Device device, int batch) {
    this.stream = device.stream();
    this.batch = batch;
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("evaluation state");
    zeros = new HostMemory(device, StepState.BYTES);
    zeros.buffer().putFloat(StepState.LOSS_SCALE, 1);
    host = new HostMemory(device, StepState.BYTES);
  }

  /**
   * Evaluates all samples once, in the order of the data.
   *
   * @throws java.util.concurrent.CancellationException if the thread is interrupted meanwhile
   */
  Metrics run(DeviceData data, int samples) {
    zeros.upload(stream, state.address(), 0, StepState.BYTES);
    Feed feed = data.evaluation(Map.of("state", state.address()));
    int rows = Math.min(batch, samples);
    for (int step = 0; step < samples / rows; step += STEPS_AT_ONCE) {
      Cancellation.check("evaluation at sample " + (long) step * rows + " of " + samples);
      int steps = Math.min(STEPS_AT_ONCE, samples / rows - step);
      feed.launch(stream, (long) step * rows, rows, steps);
    }
    if (samples % rows > 0) {
      feed.launch(stream, samples - samples % rows, samples % rows, 1);
    }
    host.download(stream, state.address(), 0, StepState.BYTES);
    ByteBuffer sums = host.buffer();
    StepErrors.check(StepState.error(sums));
    return new Metrics(
        StepState.lossSum(sums),
        StepState.weight(sums),
        StepState.correct(sums),
        StepState.rows(sums));
  }

  @Override
  public void close() {
    host.close();
    zeros.close();
    state.close();
  }
}
