package dev.halfstep.train;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Normalization;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A data set in device memory, in the types it has on the host, with its normalisation, the order
 * in which training visits it, and the lists recorded for it.
 */
final class ResidentData implements AutoCloseable {
  private final Device device;
  private final SessionOptions options;
  private final SessionMemory memory;
  private final Dataset data;
  private final Tensor features;
  private final Tensor labels;
  private final @Nullable Tensor scale;
  private final @Nullable Tensor shift;
  private @Nullable Tensor order;
  private @Nullable Feed training;
  private @Nullable Feed evaluation;
  private @Nullable Tensor probeOrder;
  private @Nullable Feed probe;

  ResidentData(Device device, SessionOptions options, SessionMemory memory, Dataset data) {
    BatchSource.of(options, data, 0);
    this.device = device;
    this.options = options;
    this.memory = memory;
    this.data = data;
    Features source = data.features();
    features =
        device
            .empty(source.type(), source.sampleShape().prepend(data.size()))
            .label("features of " + data.name());
    features.upload(source.buffer());
    labels =
        device
            .empty(data.targets().type(), data.targets().sampleShape().prepend(data.size()))
            .label("labels of " + data.name());
    labels.upload(data.targets().buffer());
    Normalization normalization = source.normalization();
    boolean normalized = !normalization.equals(Normalization.NONE);
    scale = normalized ? vector(device, normalization.scale()) : null;
    shift = normalized ? vector(device, normalization.shift()) : null;
  }

  private static Tensor vector(Device device, float[] values) {
    return device.tensor(Shape.of(values.length), values);
  }

  /** Bytes of device memory that a data set takes, its order included. */
  static long bytes(Dataset data) {
    return data.features().buffer().remaining()
        + data.targets().buffer().remaining()
        + (long) data.size() * DType.I32.bytes();
  }

  /**
   * The feed of training in this order of the samples.
   *
   * @param state addresses of the run's state
   */
  Feed training(int[] indices, Map<String, Long> state) {
    for (int index : indices) {
      if (index < 0 || index >= data.size()) {
        throw new IllegalArgumentException(
            "the order names sample " + index + ", but " + data.name() + " has " + data.size());
      }
    }
    if (order == null || training == null || order.shape().elements() != indices.length) {
      closeTraining();
      order = device.empty(DType.I32, Shape.of(indices.length)).label("order of " + data.name());
      Map<String, Long> inputs = inputs(state);
      inputs.put("order", order.address());
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, indices.length));
      training = new Feed(memory, inputs, plans::parts);
    }
    order.upload(indices);
    return training;
  }

  /** The feed of evaluation, in the order in which the samples lie. */
  Feed evaluation(Map<String, Long> state) {
    if (evaluation == null) {
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, 0));
      evaluation = new Feed(memory, inputs(state), plans::evaluationParts);
    }
    return evaluation;
  }

  /**
   * The feed of gradients that nothing is done with, in this order of the samples.
   *
   * @param state addresses of the measuring state, always the same
   */
  Feed probe(int[] indices, Map<String, Long> state) {
    if (probeOrder == null || probe == null || probeOrder.shape().elements() != indices.length) {
      closeProbe();
      probeOrder = device.empty(DType.I32, Shape.of(indices.length)).label("probed samples");
      Map<String, Long> inputs = inputs(state);
      inputs.put("order", probeOrder.address());
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, indices.length));
      probe = new Feed(memory, inputs, plans::gradientParts);
    }
    probeOrder.upload(indices);
    return probe;
  }

  /**
   * A feed of what the model says, in the order in which the samples lie; the caller's to close.
   *
   * @param memory addresses of the state and of the outputs
   */
  Feed outputs(Map<String, Long> memory) {
    StepPlans plans = new StepPlans(options, BatchSource.of(options, data, 0));
    return new Feed(this.memory, inputs(memory), plans::outputParts);
  }

  private Map<String, Long> inputs(Map<String, Long> state) {
    Map<String, Long> inputs = memory.addresses();
    inputs.putAll(state);
    inputs.put("features", features.address());
    inputs.put("labels", labels.address());
    if (scale != null && shift != null) {
      inputs.put("scale", scale.address());
      inputs.put("shift", shift.address());
    }
    return inputs;
  }

  private void closeTraining() {
    if (training != null) {
      training.close();
    }
    if (order != null) {
      order.close();
    }
  }

  private void closeProbe() {
    if (probe != null) {
      probe.close();
    }
    if (probeOrder != null) {
      probeOrder.close();
    }
  }

  @Override
  public void close() {
    closeTraining();
    closeProbe();
    if (evaluation != null) {
      evaluation.close();
    }
    features.close();
    labels.close();
    if (scale != null && shift != null) {
      scale.close();
      shift.close();
    }
  }
}
