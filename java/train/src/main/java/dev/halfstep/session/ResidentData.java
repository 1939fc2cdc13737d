package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleReader;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A data set that is on the device as a whole, with the order in which training visits it, and the
 * lists recorded for it.
 */
final class ResidentData implements DeviceData {
  private final Device device;
  private final SessionOptions options;
  private final SessionMemory memory;
  private final Dataset data;
  private final DataTables tables;
  private @Nullable Tensor order;
  private @Nullable Feed training;
  private @Nullable Feed evaluation;
  private @Nullable Tensor probeOrder;
  private @Nullable Feed probe;

  ResidentData(Device device, SessionOptions options, SessionMemory memory, Dataset data) {
    this.device = device;
    this.options = options;
    this.memory = memory;
    this.data = data;
    tables = new DataTables(device, data, data.size());
    if (data instanceof ArrayDataset arrays) {
      upload(arrays);
    } else {
      for (SampleReader reader = new SampleReader(data); reader.next(); ) {
        upload(reader.batch(), reader.first());
      }
    }
  }

  /** Uploads whole arrays. */
  private void upload(ArrayDataset arrays) {
    int inputs = arrays.form().inputs().size();
    for (int i = 0; i < inputs; i++) {
      tables.array(i).upload(arrays.features(i).buffer());
    }
    for (int i = 0; i < arrays.form().targets().size(); i++) {
      tables.array(inputs + i).upload(arrays.targets(i).buffer());
    }
  }

  /** Uploads gathered samples to the rows from {@code first} on. */
  private void upload(SampleBatch batch, int first) {
    int inputs = batch.form().inputs().size();
    for (int i = 0; i < inputs + batch.form().targets().size(); i++) {
      Tensor rows = tables.array(i).slice(first, (long) first + batch.rows());
      rows.upload(i < inputs ? batch.input(i) : batch.target(i - inputs));
    }
  }

  /** Bytes of device memory for a data set, including its order. */
  static long bytes(Dataset data) {
    return data.size() * (data.form().sampleBytes() + DType.I32.bytes());
  }

  @Override
  public Feed training(int[] indices, Map<String, Long> state) {
    if (order == null || training == null || order.shape().elements() != indices.length) {
      closeTraining();
      order = device.empty(DType.I32, Shape.of(indices.length)).label("order of " + data.name());
      Map<String, Long> inputs = inputs(state);
      inputs.put("order", order.address());
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, indices.length));
      training = new Feed(memory, inputs, plans::parts, Feed.Loader.NONE);
    }
    order.upload(indices);
    return training;
  }

  @Override
  public Feed evaluation(Map<String, Long> state) {
    if (evaluation == null) {
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, 0));
      evaluation = new Feed(memory, inputs(state), plans::evaluationParts, Feed.Loader.NONE);
    }
    return evaluation;
  }

  @Override
  public Feed probe(int[] indices, int rows, Map<String, Long> state) {
    if (probeOrder == null || probe == null || probeOrder.shape().elements() != indices.length) {
      closeProbe();
      probeOrder = device.empty(DType.I32, Shape.of(indices.length)).label("probed samples");
      Map<String, Long> inputs = inputs(state);
      inputs.put("order", probeOrder.address());
      StepPlans plans = new StepPlans(options, BatchSource.of(options, data, indices.length));
      probe = new Feed(memory, inputs, plans::gradientParts, Feed.Loader.NONE);
    }
    probeOrder.upload(indices);
    return probe;
  }

  @Override
  public Feed outputs(Map<String, Long> addresses) {
    StepPlans plans = new StepPlans(options, BatchSource.of(options, data, 0));
    return new Feed(memory, inputs(addresses), plans::outputParts, Feed.Loader.NONE);
  }

  @Override
  public int[] labels(int from, int rows) {
    return tables.labels().slice(from, (long) from + rows).toInts();
  }

  private Map<String, Long> inputs(Map<String, Long> state) {
    Map<String, Long> inputs = memory.addresses();
    inputs.putAll(state);
    tables.addTo(inputs);
    return inputs;
  }

  @Override
  public long bytes() {
    return bytes(data);
  }

  @Override
  public long loadingNanos() {
    return 0;
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
    tables.close();
  }
}
