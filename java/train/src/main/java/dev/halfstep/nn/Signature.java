package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.EmbeddingOp;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Value;
import java.nio.IntBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Names, types and shapes of a model's inputs and outputs, and the checks of samples against them.
 *
 * @param inputs in order
 * @param outputs their shapes for one sample, in order
 * @param vocabularies the number of tokens that each input may hold; 0 where that is not known
 * @param first the shape of the first output
 */
record Signature(
    List<ModelInput> inputs,
    Map<String, Shape> outputs,
    Map<String, Long> vocabularies,
    Shape first) {

  /**
   * Builds a network on these inputs to find its outputs.
   *
   * @param network adds itself to the graph of one sample
   */
  static Signature of(
      List<ModelInput> inputs, Graph graph, UnaryOperator<Map<String, Value>> network) {
    if (inputs.isEmpty()
        || inputs.stream().map(ModelInput::name).distinct().count() < inputs.size()) {
      throw new IllegalArgumentException(
          "a model has at least one input, all of different names, not " + inputs);
    }
    Map<String, Value> given = new LinkedHashMap<>();
    for (ModelInput input : inputs) {
      given.put(input.name(), graph.input(input.name(), input.type(), input.shape().prepend(1)));
    }
    Map<String, Shape> outputs = shapes(network.apply(Collections.unmodifiableMap(given)));
    Map<String, Long> known = new LinkedHashMap<>();
    given.forEach((name, value) -> known.put(name, EmbeddingOp.vocabulary(graph, value)));
    return new Signature(
        List.copyOf(inputs),
        outputs,
        Collections.unmodifiableMap(known),
        outputs.values().iterator().next());
  }

  private static Map<String, Shape> shapes(Map<String, Value> said) {
    Map<String, Value> ordered = said instanceof LinkedHashMap ? said : new TreeMap<>(said);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    ordered.forEach(
        (name, y) -> {
          ModelInput.requireName("output", name);
          if (y.shape().rank() == 0 || y.shape().dim(0) != 1) {
            throw new IllegalArgumentException(
                "the model makes "
                    + y.shape()
                    + " of one sample: the first dimension must be the batch");
          }
          shapes.put(name, y.shape().dropFirst());
        });
    if (shapes.isEmpty()) {
      throw new IllegalArgumentException("a model has at least one output, but this has none");
    }
    return Collections.unmodifiableMap(shapes);
  }

  /**
   * The only input.
   *
   * @throws IllegalStateException if there are several
   */
  ModelInput input() {
    if (inputs.size() > 1) {
      throw new IllegalStateException(
          "the model has several inputs, "
              + vocabularies.keySet()
              + ": ask inputs(), and predict with a map of arrays");
    }
    return inputs.get(0);
  }

  /**
   * The shape of the only output.
   *
   * @throws IllegalStateException if there are several
   */
  Shape output() {
    if (outputs.size() > 1) {
      throw new IllegalStateException(
          "the model has several outputs, "
              + outputs.keySet()
              + ": ask outputs(), and predict with a map of arrays");
    }
    return first;
  }

  long vocabulary(String input) {
    Long known = vocabularies.get(input);
    if (known == null) {
      throw new IllegalArgumentException(
          "the model has no input " + input + ": it has " + vocabularies.keySet());
    }
    return known;
  }

  /** Throws unless these are the names of the inputs. */
  void requireInputs(Set<String> names) {
    if (!names.equals(vocabularies.keySet())) {
      throw new IllegalArgumentException(
          "the model takes inputs " + vocabularies.keySet() + ", not " + names);
    }
  }

  /** Throws unless these are the names of the outputs. */
  void requireOutputs(Set<String> names) {
    if (!names.equals(outputs.keySet())) {
      throw new IllegalArgumentException(
          "the network gives outputs "
              + names
              + ", and gave "
              + outputs.keySet()
              + " when the model was made: it must give the same every time");
    }
  }

  /**
   * Throws unless the model knows all tokens of an input.
   *
   * @param tokens from the position to the limit
   * @param what a sample is called in the message
   */
  void requireKnown(ModelInput input, IntBuffer tokens, String what) {
    long vocabulary = vocabulary(input.name());
    if (vocabulary == 0) {
      return;
    }
    int row = (int) Math.max(1, input.shape().elements());
    for (int i = tokens.position(); i < tokens.limit(); i++) {
      int token = tokens.get(i);
      if (token < 0 || token >= vocabulary) {
        int at = i - tokens.position();
        throw new IllegalArgumentException(
            "token "
                + token
                + " at place "
                + at % row
                + " of "
                + what
                + " "
                + at / row
                + " is outside [0, "
                + vocabulary
                + "), the tokens that the model's embedding has");
      }
    }
  }

  /**
   * The number of rows that {@code elements} elements of an input make.
   *
   * @throws IllegalArgumentException if they have another type, or are not a whole number of rows
   */
  static int rows(ModelInput input, DType given, int elements) {
    if (input.type() != given) {
      throw new IllegalArgumentException(
          "the model takes samples of " + input.type() + ", but was given " + given);
    }
    long each = input.shape().elements();
    if (each == 0 || elements % each != 0) {
      throw new IllegalArgumentException(
          elements + " numbers are not a whole number of samples " + input.shape() + " of " + each);
    }
    return (int) (elements / each);
  }
}
