package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.StepState;
import dev.halfstep.metric.Confusion;
import dev.halfstep.optim.CrossEntropy;
import java.util.Map;

/**
 * Counts over a data set which class a model takes each sample for, without disturbing training.
 */
final class Classification implements AutoCloseable {
  private final Device device;
  private final SessionOptions options;
  private final Tensor state;
  private final HostMemory zeros;
  private final HostMemory host;

  Classification(Device device, SessionOptions options) {
    this.device = device;
    this.options = options;
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("classification state");
    zeros = new HostMemory(device, StepState.BYTES);
    zeros.buffer().putFloat(StepState.LOSS_SCALE, 1);
    host = new HostMemory(device, StepState.BYTES);
  }

  /**
   * Goes over all samples once; the class of the largest output, of equal ones the first. An output
   * with a NaN is no class's: it counts as a wrong one.
   */
  Confusion run(DeviceData onDevice, Dataset data) {
    if (!(DataCheck.loss(options.loss(), data) instanceof CrossEntropy loss)) {
      throw new IllegalArgumentException(
          data.name() + " has no class labels to count, for the loss is " + options.loss());
    }
    int classes = DataCheck.classes(options.model());
    int labelsEach = (int) data.form().target().shape().elements();
    int batch = Math.min(options.evaluationBatch(), data.size());
    long[] counts = new long[classes * classes];
    try (Tensor outputs =
        device.empty(options.storage(), Shape.of(batch, (long) labelsEach * classes))) {
      zeros.upload(device.stream(), state.address(), 0, StepState.BYTES);
      try (Feed feed =
          onDevice.outputs(Map.of("state", state.address(), "outputs", outputs.address()))) {
        for (int from = 0; from < data.size(); from += batch) {
          Cancellation.check("evaluation of " + data.name() + " at sample " + from);
          int rows = Math.min(batch, data.size() - from);
          feed.launch(device.stream(), from, rows, 1);
          float[] values = outputs.toFloats();
          int[] labels = onDevice.labels(from, rows);
          for (int i = 0; i < rows * labelsEach; i++) {
            int label = labels[i];
            if (label != loss.ignoreLabel()) {
              counts[label * classes + predicted(values, i * classes, classes, label)]++;
            }
          }
        }
        host.download(device.stream(), state.address(), 0, StepState.BYTES);
        StepErrors.check(StepState.error(host.buffer()));
      }
    }
    return new Confusion(classes, counts);
  }

  private static int predicted(float[] values, int from, int classes, int label) {
    int best = 0;
    boolean known = true;
    for (int c = 0; c < classes; c++) {
      float value = values[from + c];
      known &= !Float.isNaN(value);
      best = value > values[from + best] ? c : best;
    }
    return known ? best : label == 0 ? classes - 1 : 0;
  }

  @Override
  public void close() {
    host.close();
    zeros.close();
    state.close();
  }
}
