package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleForm;
import dev.halfstep.data.TargetSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Device memory for rows of a data set, in their types on the host, and its normalisations. */
final class DataTables implements AutoCloseable {
  private final SampleForm form;
  private final List<Tensor> arrays = new ArrayList<>(); // inputs first, then targets
  private final Map<String, Tensor> normalizations = new LinkedHashMap<>();

  DataTables(Device device, Dataset data, int rows) {
    form = data.form();
    for (int i = 0; i < form.inputs().size(); i++) {
      InputSpec spec = form.inputs().get(i);
      arrays.add(room(device, spec.type(), spec.shape(), rows, "features of " + data.name()));
      if (spec.isNormalized()) {
        normalizations.put(BatchSource.scale(i), vector(device, spec.normalization().scale()));
        normalizations.put(BatchSource.shift(i), vector(device, spec.normalization().shift()));
      }
    }
    for (TargetSpec spec : form.targets()) {
      arrays.add(room(device, spec.type(), spec.shape(), rows, "labels of " + data.name()));
    }
  }

  private static Tensor room(Device device, DType type, Shape sample, int rows, String label) {
    return device.empty(type, sample.prepend(rows)).label(label);
  }

  private static Tensor vector(Device device, float[] values) {
    return device.tensor(Shape.of(values.length), values);
  }

  /** The table of an array; indices count the inputs first, then the targets. */
  Tensor array(int index) {
    return arrays.get(index);
  }

  /** The table of the first target. */
  Tensor labels() {
    return arrays.get(form.inputs().size());
  }

  /** Throws IllegalArgumentException if an index of the order is out of range. */
  static void checkOrder(Dataset data, int[] order) {
    for (int index : order) {
      if (index < 0 || index >= data.size()) {
        throw new IllegalArgumentException(
            "the order names sample " + index + ", but " + data.name() + " has " + data.size());
      }
    }
  }

  /** Adds the addresses of the tables under the names of a plan's inputs. */
  void addTo(Map<String, Long> inputs) {
    for (int i = 0; i < arrays.size(); i++) {
      int target = i - form.inputs().size();
      String name = target < 0 ? BatchSource.features(i) : BatchSource.labels(target);
      inputs.put(name, arrays.get(i).address());
    }
    normalizations.forEach((name, values) -> inputs.put(name, values.address()));
  }

  @Override
  public void close() {
    arrays.forEach(Tensor::close);
    normalizations.values().forEach(Tensor::close);
  }
}
