package dev.halfstep.nn;

import dev.halfstep.DType;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The samples for a model with several inputs, and the arrays that receive its outputs, of one
 * call.
 *
 * @param rows of each array
 * @param samples by the name of the input
 * @param results by the name of the output, in order
 */
record NamedRows(
    Signature signature, int rows, Map<String, ?> samples, Map<String, float[]> results) {
  /**
   * Checks samples, and makes the arrays that receive the outputs.
   *
   * @throws IllegalArgumentException as {@link Model#predict(Map)} says
   */
  static NamedRows of(Signature signature, Map<String, ?> samples) {
    signature.requireInputs(samples.keySet());
    int rows = -1;
    for (ModelInput input : signature.inputs()) {
      int found = rows(signature, input, samples.get(input.name()));
      if (rows >= 0 && found != rows) {
        throw new IllegalArgumentException(
            "input " + input.name() + " has " + found + " rows, and those before it " + rows);
      }
      rows = found;
    }
    int all = rows;
    Map<String, float[]> results = new LinkedHashMap<>();
    signature
        .outputs()
        .forEach(
            (name, shape) ->
                results.put(name, new float[Math.multiplyExact(all, (int) shape.elements())]));
    return new NamedRows(signature, rows, samples, results);
  }

  private static int rows(Signature signature, ModelInput input, @Nullable Object array) {
    if (array instanceof float[] numbers) {
      return Signature.rows(input, DType.F32, numbers.length);
    }
    if (array instanceof int[] tokens) {
      int rows = Signature.rows(input, DType.I32, tokens.length);
      signature.requireKnown(input, IntBuffer.wrap(tokens), "input " + input.name() + ", row");
      return rows;
    }
    throw new IllegalArgumentException(
        "input "
            + input.name()
            + " is "
            + (array == null ? "null" : "a " + array.getClass().getSimpleName())
            + ": give it as "
            + (input.type() == DType.I32 ? "int[]" : "float[]"));
  }

  /** Computes the results. */
  void predict(PredictionLane lane) {
    for (int i = 0; i < signature.inputs().size(); i++) {
      Object array = samples.get(signature.inputs().get(i).name());
      if (array != null) {
        lane.input(i).use(array);
      }
    }
    int i = 0;
    for (float[] result : results.values()) {
      lane.output(i++).use(result);
    }
    lane.predict(rows);
  }
}
