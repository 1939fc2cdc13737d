package dev.halfstep.nn;

import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import dev.halfstep.random.RandomStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The weights of a {@link Model}: access by name, as one array, and as tensors of files. */
abstract class ModelWeights {
  private static final int MOST_NUMBERS = Integer.MAX_VALUE - 64;

  final Parameters parameters;
  final Weights weights;

  /** Weights that are not set. */
  ModelWeights(List<Parameter> list) {
    requireRoom(list);
    this.parameters = new Parameters(list);
    this.weights = new Weights((int) parameters.arenaSize());
  }

  /** Shares the weights of another model, whose parameters have other roles. */
  ModelWeights(Parameters parameters, Weights shared) {
    this.parameters = parameters;
    this.weights = shared;
  }

  /** Throws unless one Java array can hold all parameters, each at a multiple of 16 elements. */
  private static void requireRoom(List<Parameter> parameters) {
    long numbers = 0;
    for (Parameter parameter : parameters) {
      numbers += parameter.shape().elements() + 16;
      if (numbers > MOST_NUMBERS) {
        throw new IllegalArgumentException(
            "the model has more parameters than the "
                + MOST_NUMBERS
                + " numbers that one array holds: they pass it with "
                + parameter.name()
                + " "
                + parameter.shape());
      }
    }
  }

  /** Names, shapes and places of the parameters. */
  public Parameters parameters() {
    return parameters;
  }

  /** Whether the weights have been drawn, loaded or set. */
  public boolean isInitialized() {
    return weights.areSet();
  }

  /** Draws initial weights, each parameter from its own random sequence. */
  final void draw(long seed) {
    long key = RandomStream.INITIAL_WEIGHTS.key(seed);
    for (int i = 0; i < parameters.list().size(); i++) {
      Parameter parameter = parameters.list().get(i);
      set(parameter.name(), Weights.draw(parameter, key, i));
    }
    weights.changed();
  }

  /**
   * A copy of a parameter's values, row-major in its shape. The order is that of memory: {@code
   * [out, height, width, in]} for a convolution, where files have {@code [out, in, height, width]},
   * and channels last for a linear layer after {@link Flatten}. {@link #tensors} returns the order
   * of files.
   *
   * @throws IllegalArgumentException if there is none of that name
   * @throws IllegalStateException if the weights were never set
   */
  public float[] get(String name) {
    requireInitialized();
    Parameter parameter = parameters.get(name);
    int offset = (int) parameters.offset(parameter);
    return Arrays.copyOfRange(
        weights.values(), offset, offset + (int) parameter.shape().elements());
  }

  /**
   * Sets a parameter's values, row-major in its shape, in the order of {@link #get}. Values from a
   * file have another order: use {@link #set(String, Safetensors.Entry)} for them. Parameters that
   * are never set are 0.
   *
   * @throws IllegalArgumentException if there is none of that name, or their number differs
   */
  public void set(String name, float[] values) {
    Parameter parameter = parameters.get(name);
    if (values.length != parameter.shape().elements()) {
      throw new IllegalArgumentException(
          "parameter "
              + name
              + " "
              + parameter.shape()
              + " has "
              + parameter.shape().elements()
              + " values, not "
              + values.length);
    }
    System.arraycopy(
        values, 0, weights.values(), (int) parameters.offset(parameter), values.length);
    weights.changed();
  }

  /**
   * Sets a parameter's values to a tensor in the layout of files, which is PyTorch's: {@code [out,
   * in, height, width]} for a convolution, and channels first for a linear layer after {@link
   * Flatten}.
   *
   * @throws IllegalArgumentException if there is no parameter of that name, or the tensor has
   *     another shape than the parameter has in files, or a type that is not supported
   */
  public void set(String name, Safetensors.Entry tensor) {
    Parameter parameter = parameters.get(name);
    String problem = WeightFiles.problem(tensor, parameter);
    if (problem != null) {
      throw new IllegalArgumentException("the tensor for " + name + " is " + problem);
    }
    set(name, parameter.fileLayout().fromFile(tensor.values()));
  }

  /**
   * A copy of all weights, laid out by {@link #parameters}.
   *
   * @throws IllegalStateException if the weights were never set
   */
  public float[] weights() {
    requireInitialized();
    return weights.values().clone();
  }

  /** Sets all weights, laid out by {@link #parameters}. */
  public void weights(float[] values) {
    int size = weights.size();
    if (values.length != size) {
      throw new IllegalArgumentException(
          "the weights are " + size + " numbers, padding included, not " + values.length);
    }
    System.arraycopy(values, 0, weights.values(), 0, size);
    weights.changed();
  }

  /**
   * Converts weights of this architecture to the tensors of a file, as {@link Model#save} writes
   * them.
   *
   * @param weights laid out by {@link #parameters}
   */
  public Map<String, Safetensors.Entry> tensors(float[] weights) {
    return WeightFiles.tensors(parameters, weights);
  }

  /**
   * The weights of a file, laid out by {@link #parameters}. The model's weights are unchanged.
   *
   * @throws ModelFileException if it does not fit, as {@link Model#load(Path)} says
   */
  public float[] weights(Safetensors.Contents contents) throws ModelFileException {
    return WeightFiles.weights(contents, parameters);
  }

  /**
   * Takes from a file the tensors that have the name and shape of a parameter, and does not change
   * the other weights, as PyTorch's {@code strict=False}: for a new head on a trained network, for
   * example. The report lists what was taken and what was not.
   *
   * @throws IllegalStateException if the weights were never set and the file lacks some: call
   *     {@link Model#initialize} first, or these would be 0
   * @throws ModelFileException if the file is damaged, or nothing in it matches
   * @throws IOException if the file cannot be read
   */
  public LoadReport loadMatching(Path file) throws IOException {
    return loadMatching(Safetensors.read(file));
  }

  /**
   * As above, from a file's contents. If the tensors have other names, rename them before: {@link
   * Safetensors.Contents#renamed}.
   */
  public LoadReport loadMatching(Safetensors.Contents contents) throws ModelFileException {
    float[] values = weights.values().clone();
    LoadReport report = WeightFiles.takeMatching(contents, parameters, values);
    if (report.taken().isEmpty()) {
      throw new ModelFileException(
          contents.file(), "has no tensor with name and shape of a parameter: " + report);
    }
    if (!weights.areSet() && report.taken().size() < parameters.list().size()) {
      throw new IllegalStateException(
          "the file has not all weights, and the others were never set: call initialize(seed)"
              + " first; "
              + report);
    }
    weights(values);
    return report;
  }

  final void requireInitialized() {
    if (!weights.areSet()) {
      throw new IllegalStateException(
          "the model has no weights yet: call initialize(seed), train it, or load them");
    }
  }

  /** A number that changes whenever the weights change. */
  long version() {
    return weights.version();
  }
}
