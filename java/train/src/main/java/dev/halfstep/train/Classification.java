package dev.halfstep.train;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Labels;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.StepState;
import java.util.Map;

/**
 * Counts over a data set which class a model takes each sample for, without disturbing training.
 */
final class Classification implements AutoCloseable {
  private final Device device;
  private final SessionOptions options;
  private final Tensor state;
  private final HostMemory zeros;

  Classification(Device device, SessionOptions options) {
    this.device = device;
    this.options = options;
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("classification state");
    zeros = new HostMemory(device, StepState.BYTES);
    zeros.buffer().putFloat(StepState.LOSS_SCALE, 1);
  }

  /** Goes over all samples once; the class of the largest output, of equal ones the first. */
  Confusion run(DeviceData onDevice, Dataset data) {
    int classes = data.classes();
    int labelsEach = (int) data.targets().sampleShape().elements();
    int batch = Math.min(options.evaluationBatch, data.size());
    long[] counts = new long[classes * classes];
    try (Tensor outputs =
        device.empty(options.storage, Shape.of(batch, (long) labelsEach * classes))) {
      zeros.upload(device.stream(), state.address(), 0, StepState.BYTES);
      try (Feed feed =
          onDevice.outputs(Map.of("state", state.address(), "outputs", outputs.address()))) {
        for (int from = 0; from < data.size(); from += batch) {
          int rows = Math.min(batch, data.size() - from);
          feed.launch(device.stream(), from, rows, 1);
          count((Labels) data.targets(), from * labelsEach, rows * labelsEach, outputs, counts);
        }
      }
    }
    return new Confusion(classes, counts);
  }

  private void count(Labels labels, int first, int number, Tensor outputs, long[] counts) {
    float[] values = outputs.toFloats();
    int classes = (int) Math.sqrt(counts.length);
    for (int i = 0; i < number; i++) {
      int label = labels.get(first + i);
      if (label < 0 || label >= classes) {
        continue; // ignored
      }
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (values[i * classes + c] > values[i * classes + best]) {
          best = c;
        }
      }
      counts[label * classes + best]++;
    }
  }

  @Override
  public void close() {
    zeros.close();
    state.close();
  }
}
