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
import dev.halfstep.optim.Loss;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the model's outputs for each sample of a data set, without affecting training. */
final class OutputReader implements AutoCloseable {
  private final Device device;
  private final SessionOptions options;
  private final Tensor state;
  private final HostMemory zeros;
  private final HostMemory host;

  OutputReader(Device device, SessionOptions options) {
    this.device = device;
    this.options = options;
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("outputs state");
    zeros = new HostMemory(device, StepState.BYTES);
    zeros.buffer().putFloat(StepState.LOSS_SCALE, 1);
    host = new HostMemory(device, StepState.BYTES);
  }

  /**
   * Predicts the class of each sample: that of the largest output, the first of equal ones. An
   * output with a NaN predicts no class and counts as wrong.
   */
  Confusion confusion(DeviceData onDevice, Dataset data) {
    Loss loss = DataCheck.loss(options.loss(), data);
    if (loss.takesNames() || loss.targetType() != DType.I32) {
      throw new IllegalArgumentException(
          data.name() + " has no class labels to count, for the loss is " + options.loss());
    }
    int classes = DataCheck.classes(options.model());
    int labelsEach = (int) data.form().target().shape().elements();
    long[] counts = new long[classes * classes];
    forEachBatch(
        onDevice,
        data,
        (values, from, rows) -> {
          int[] labels = onDevice.labels(from, rows);
          for (int i = 0; i < rows * labelsEach; i++) {
            int label = labels[i];
            if (label != loss.ignoreLabel()) {
              counts[label * classes + predicted(values.get(0), i * classes, classes, label)]++;
            }
          }
        });
    return new Confusion(classes, counts);
  }

  /**
   * The model's outputs for all samples, in the order of the data, by output name in the order of
   * the outputs.
   */
  Map<String, float[]> values(DeviceData onDevice, Dataset data) {
    Map<String, float[]> all = new LinkedHashMap<>();
    options.model().outputs().forEach((name, shape) -> all.put(name, room(data, shape.elements())));
    forEachBatch(
        onDevice,
        data,
        (values, from, rows) -> {
          int index = 0;
          for (float[] output : all.values()) {
            int each = output.length / data.size();
            System.arraycopy(values.get(index++), 0, output, from * each, rows * each);
          }
        });
    return all;
  }

  private static float[] room(Dataset data, long each) {
    if (data.size() * each > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          data.name()
              + " has "
              + data.size()
              + " samples, with "
              + each
              + " outputs each more than an array can hold: take fewer samples");
    }
    return new float[(int) (data.size() * each)];
  }

  /** Receives each output of a batch; only the first rows are valid. */
  private interface BatchOutputs {
    void take(List<float[]> values, int from, int rows);
  }

  private void forEachBatch(DeviceData onDevice, Dataset data, BatchOutputs taker) {
    int batch = Math.min(options.evaluationBatch(), data.size());
    List<Tensor> outputs = new ArrayList<>();
    Map<String, Long> addresses = new HashMap<>(Map.of("state", state.address()));
    try {
      for (Shape shape : options.model().outputs().values()) {
        Tensor output = device.empty(options.storage(), Shape.of(batch, shape.elements()));
        addresses.put(BatchSource.outputs(outputs.size()), output.address());
        outputs.add(output);
      }
      zeros.upload(device.stream(), state.address(), 0, StepState.BYTES);
      try (Feed feed = onDevice.outputs(addresses)) {
        for (int from = 0; from < data.size(); from += batch) {
          Cancellation.check("evaluation of " + data.name() + " at sample " + from);
          int rows = Math.min(batch, data.size() - from);
          feed.launch(device.stream(), from, rows, 1);
          taker.take(outputs.stream().map(Tensor::toFloats).toList(), from, rows);
        }
        host.download(device.stream(), state.address(), 0, StepState.BYTES);
        StepErrors.check(StepState.error(host.buffer()));
      }
    } finally {
      outputs.forEach(Tensor::close);
    }
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
