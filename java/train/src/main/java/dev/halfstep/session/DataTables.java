package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Normalization;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Room on a device for rows of a data set, in the types that they have on the host, and its
 * normalisation.
 */
final class DataTables implements AutoCloseable {
  final Tensor features;
  final Tensor labels;
  private final @Nullable Tensor scale;
  private final @Nullable Tensor shift;

  DataTables(Device device, Dataset data, int rows) {
    Features source = data.features();
    features =
        device
            .empty(source.type(), source.sampleShape().prepend(rows))
            .label("features of " + data.name());
    labels =
        device
            .empty(data.targets().type(), data.targets().sampleShape().prepend(rows))
            .label("labels of " + data.name());
    Normalization normalization = source.normalization();
    boolean normalized = !normalization.equals(Normalization.NONE);
    scale = normalized ? vector(device, normalization.scale()) : null;
    shift = normalized ? vector(device, normalization.shift()) : null;
  }

  private static Tensor vector(Device device, float[] values) {
    return device.tensor(Shape.of(values.length), values);
  }

  /** Throws if the order names a sample that is not there. */
  static void checkOrder(Dataset data, int[] order) {
    for (int index : order) {
      if (index < 0 || index >= data.size()) {
        throw new IllegalArgumentException(
            "the order names sample " + index + ", but " + data.name() + " has " + data.size());
      }
    }
  }

  /** Adds their addresses under the names of a plan's inputs. */
  void addTo(Map<String, Long> inputs) {
    inputs.put("features", features.address());
    inputs.put("labels", labels.address());
    if (scale != null && shift != null) {
      inputs.put("scale", scale.address());
      inputs.put("shift", shift.address());
    }
  }

  @Override
  public void close() {
    features.close();
    labels.close();
    if (scale != null && shift != null) {
      scale.close();
      shift.close();
    }
  }
}
