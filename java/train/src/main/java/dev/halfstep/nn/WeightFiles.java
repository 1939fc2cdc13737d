package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Converts between a model's weights and tensors of a file, with PyTorch's names and layouts. */
final class WeightFiles {
  private WeightFiles() {}

  /**
   * The weights as tensors of a file, in the order in which the parameters were created.
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
   * The weights of a file, laid out by {@link Parameters}.
   *
   * @throws ModelFileException if one is missing, unexpected, or of another shape or type
   */
  static float[] weights(Safetensors.Contents contents, Parameters parameters)
      throws ModelFileException {
    // Check before allocating: a file's layers may claim more weights than its tensors hold.
    LoadReport report = takeMatching(contents, parameters, null);
    if (!report.isWhole()) {
      List<String> problems = new ArrayList<>();
      if (!report.missing().isEmpty()) {
        problems.add("missing: " + listed(report.missing(), name -> fileShape(parameters, name)));
      }
      if (!report.unexpected().isEmpty()) {
        problems.add("left over: " + listed(report.unexpected(), name -> shape(contents, name)));
      }
      for (Parameter parameter : parameters.list()) {
        String problem = report.unfit().get(parameter.name());
        if (problem != null) {
          problems.add(parameter.name() + " is " + problem);
        }
      }
      throw new ModelFileException(
          contents.file(), "does not fit the model: " + String.join("; ", problems));
    }
    float[] weights = new float[Math.toIntExact(parameters.arenaSize())];
    takeMatching(contents, parameters, weights);
    return weights;
  }

  /**
   * Copies the tensors of a file that have the name and shape of a parameter into weights, laid out
   * by {@link Parameters}.
   *
   * @param weights null to find only which tensors match
   */
  static LoadReport takeMatching(
      Safetensors.Contents contents, Parameters parameters, float @Nullable [] weights) {
    Map<String, Safetensors.Entry> left = new LinkedHashMap<>(contents.tensors());
    List<String> taken = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    Map<String, String> unfit = new LinkedHashMap<>();
    for (Parameter parameter : parameters.list()) {
      String name = parameter.name();
      Safetensors.Entry entry = left.remove(name);
      String problem = entry == null ? null : problem(entry, parameter);
      if (entry == null) {
        missing.add(name);
      } else if (problem != null) {
        unfit.put(name, problem);
      } else {
        if (weights != null) {
          float[] values = parameter.fileLayout().fromFile(entry.values());
          System.arraycopy(values, 0, weights, (int) parameters.offset(parameter), values.length);
        }
        taken.add(name);
      }
    }
    left.keySet().removeIf(name -> isBatchCount(name, parameters));
    return new LoadReport(taken, missing, List.copyOf(left.keySet()), unfit);
  }

  /** Why a tensor of a file cannot be a parameter's values; null if it can. */
  static @Nullable String problem(Safetensors.Entry entry, Parameter parameter) {
    Shape shape = parameter.fileLayout().shape();
    if (!entry.shape().equals(shape)) {
      return entry.shape() + " and should be " + shape;
    }
    return entry.isReadable() ? null : entry.type() + " and should be F32, BF16, F16 or F64";
  }

  private static String listed(List<String> names, Function<String, Shape> shape) {
    return names.stream()
        .map(name -> name + " " + shape.apply(name))
        .collect(Collectors.joining(", "));
  }

  private static Shape fileShape(Parameters parameters, String name) {
    return parameters.get(name).fileLayout().shape();
  }

  private static Shape shape(Safetensors.Contents contents, String name) {
    return Objects.requireNonNull(contents.tensors().get(name)).shape();
  }

  /** Whether a tensor is PyTorch's count of batches in running statistics, which is ignored. */
  private static boolean isBatchCount(String name, Parameters parameters) {
    String count = ".num_batches_tracked";
    return name.endsWith(count)
        && parameters.has(name.substring(0, name.length() - count.length()) + ".running_mean");
  }
}
