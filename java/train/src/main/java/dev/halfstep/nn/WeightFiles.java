package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How the weights of a model stand in a file: names and layouts are PyTorch's. */
final class WeightFiles {
  private WeightFiles() {}

  /**
   * Weights as tensors of a file, in the order of their creation.
   *
   * @param weights laid out by {@code parameters}
   */
  static Map<String, Safetensors.Entry> tensors(Parameters parameters, float[] weights) {
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    for (Parameter parameter : parameters.list()) {
      FileLayout layout = parameter.fileLayout();
      int offset = (int) parameters.offset(parameter);
      int count = (int) parameter.shape().elements();
      float[] values = layout.toFile(Arrays.copyOfRange(weights, offset, offset + count));
      tensors.put(parameter.name(), new Safetensors.Entry(layout.shape(), values));
    }
    return tensors;
  }

  /**
   * The weights that a file holds, laid out by {@link Parameters}.
   *
   * @throws ModelFileException if one is missing, left over, or of another shape or type
   */
  static float[] weights(Safetensors.Contents contents, Parameters parameters)
      throws ModelFileException {
    Map<String, Safetensors.Entry> left = new LinkedHashMap<>(contents.tensors());
    float[] weights = new float[Math.toIntExact(parameters.arenaSize())];
    List<String> missing = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (Parameter parameter : parameters.list()) {
      Shape shape = parameter.fileLayout().shape();
      Safetensors.Entry entry = left.remove(parameter.name());
      if (entry == null) {
        missing.add(parameter.name() + " " + shape);
      } else if (!entry.shape().equals(shape)) {
        problems.add(parameter.name() + " is " + entry.shape() + " and should be " + shape);
      } else if (!entry.isReadable()) {
        problems.add(
            parameter.name() + " is " + entry.type() + " and should be F32, BF16, F16 or F64");
      } else {
        float[] values = parameter.fileLayout().fromFile(entry.values());
        System.arraycopy(values, 0, weights, (int) parameters.offset(parameter), values.length);
      }
    }
    left.keySet().removeIf(name -> isBatchCount(name, parameters));
    if (!left.isEmpty()) {
      List<String> names = new ArrayList<>();
      left.forEach((name, entry) -> names.add(name + " " + entry.shape()));
      problems.add(0, "left over: " + String.join(", ", names));
    }
    if (!missing.isEmpty()) {
      problems.add(0, "missing: " + String.join(", ", missing));
    }
    if (!problems.isEmpty()) {
      throw new ModelFileException(
          contents.file(), "does not fit the model: " + String.join("; ", problems));
    }
    return weights;
  }

  /** PyTorch's count of the batches that running statistics saw, which nothing here depends on. */
  private static boolean isBatchCount(String name, Parameters parameters) {
    String count = ".num_batches_tracked";
    return name.endsWith(count)
        && parameters.has(name.substring(0, name.length() - count.length()) + ".running_mean");
  }
}
