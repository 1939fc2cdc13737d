package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Random;
import dev.halfstep.random.RandomStream;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A network and its weights, in host memory. Training starts from the weights that are there, or
 * draws them if there are none, and stores them here when it is told to.
 *
 * <pre>{@code
 * Model model = Model.of(Shape.of(28, 28, 1),
 *     Sequential.of(new Flatten(), new Linear(128), new ReLU(), new Linear(10)));
 * }</pre>
 *
 * <p>The architecture never changes; the weights are for one thread at a time.
 */
public final class Model {
  private final Layer layer;
  private final DType sampleType;
  private final Shape sampleShape;
  private final Shape outputShape;
  private final long vocabulary;
  private final Parameters parameters;
  private final Weights weights;
  private @Nullable KeptPredictor kept;

  /** The numbers, which a model and those that {@link #freeze} makes of it share. */
  private static final class Weights {
    final float[] values;
    boolean set;
    long version;

    Weights(int size) {
      values = new float[size];
    }
  }

  private Model(Layer layer, DType sampleType, Shape sampleShape) {
    this.layer = layer;
    this.sampleType = sampleType;
    this.sampleShape = sampleShape;
    Graph graph = new Graph(DType.F32, false);
    Scope scope = Scope.root(graph, null);
    Value x = graph.input("features", sampleType, sampleShape.prepend(1));
    Value y = layer.apply(scope, x);
    if (y.shape().rank() == 0 || y.shape().dim(0) != 1) {
      throw new IllegalArgumentException(
          "the model makes " + y.shape() + " of one sample: the first dimension must be the batch");
    }
    this.outputShape = y.shape().dropFirst();
    this.vocabulary = graph.vocabulary(x);
    this.parameters = new Parameters(scope.parameters());
    this.weights = new Weights(Math.toIntExact(parameters.arenaSize()));
  }

  private Model(Model from, Parameters parameters) {
    this.layer = from.layer;
    this.sampleType = from.sampleType;
    this.sampleShape = from.sampleShape;
    this.outputShape = from.outputShape;
    this.vocabulary = from.vocabulary;
    this.parameters = parameters;
    this.weights = from.weights;
  }

  /**
   * A model of samples of this shape.
   *
   * @throws IllegalArgumentException if a layer does not take what it is given; the message names
   *     it
   */
  public static Model of(Shape sampleShape, Layer layer) {
    return new Model(layer, DType.F32, sampleShape);
  }

  /** A model of samples of tokens, I32. */
  public static Model ofTokens(Shape sampleShape, Layer layer) {
    return new Model(layer, DType.I32, sampleShape);
  }

  /** The shape of one sample. */
  public Shape sampleShape() {
    return sampleShape;
  }

  /** F32, or I32 for tokens. */
  public DType sampleType() {
    return sampleType;
  }

  /** The shape of what the model says of one sample. */
  public Shape outputShape() {
    return outputShape;
  }

  /**
   * How many tokens the model knows, from 0 on: those of the {@link Embedding} that takes its
   * samples. 0 for a model of numbers, or one that changes its tokens before it embeds them.
   */
  public long vocabulary() {
    return vocabulary;
  }

  /**
   * Throws unless the model knows all tokens of these samples.
   *
   * @param tokens {@code [rows, sampleShape...]}, from the position to the limit
   * @param what one of them is called in the message, such as "row"
   * @throws IllegalArgumentException if the model does not know one of them; the message names it
   *     and its place
   */
  public void requireKnown(IntBuffer tokens, String what) {
    if (vocabulary == 0) {
      return;
    }
    int row = (int) Math.max(1, sampleShape.elements());
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

  /** Names, shapes and places of the parameters. */
  public Parameters parameters() {
    return parameters;
  }

  /**
   * Adds the model to a graph.
   *
   * @param x {@code [batch, sampleShape...]}
   * @return {@code [batch, outputShape...]}
   */
  public Value build(Graph graph, Value x) {
    return layer.apply(Scope.root(graph, parameters), x);
  }

  /**
   * This model with some parameters frozen: training computes no gradient for them and leaves every
   * bit as it is. The weights are the same ones, shared by both models, so the model without frozen
   * parameters is still there to go on with. Running statistics of batch normalisation are not
   * parameters; they move with every batch that is trained on.
   *
   * @param prefixes names of parameters or of what they are in: {@code "conv1"} stands for {@code
   *     conv1.weight} and {@code conv1.bias}
   * @throws IllegalArgumentException if no parameter has such a name
   */
  public Model freeze(String... prefixes) {
    for (String prefix : prefixes) {
      if (parameters.list().stream().noneMatch(parameter -> isWithin(parameter, prefix))) {
        throw new IllegalArgumentException(
            "nothing is named "
                + prefix
                + ": there are "
                + parameters.list().stream().map(Parameter::name).toList());
      }
    }
    return freeze(
        parameter -> Arrays.stream(prefixes).anyMatch(prefix -> isWithin(parameter, prefix)));
  }

  private static boolean isWithin(Parameter parameter, String prefix) {
    return parameter.name().equals(prefix) || parameter.name().startsWith(prefix + ".");
  }

  /** As above, of the parameters that a predicate names. */
  public Model freeze(Predicate<Parameter> frozen) {
    return new Model(
        this,
        new Parameters(
            parameters.list().stream()
                .map(
                    parameter ->
                        parameter.role() == Parameter.Role.TRAINED && frozen.test(parameter)
                            ? parameter.as(Parameter.Role.FROZEN)
                            : parameter)
                .toList()));
  }

  /** Whether the weights have been drawn, loaded or set. */
  public boolean isInitialized() {
    return weights.set;
  }

  /**
   * Draws first weights: a pure function of the seed, the same whatever the device. Each parameter
   * has a random sequence of its own.
   */
  public Model initialize(long seed) {
    long key = RandomStream.INITIAL_WEIGHTS.key(seed);
    for (int i = 0; i < parameters.list().size(); i++) {
      Parameter parameter = parameters.list().get(i);
      set(parameter.name(), draw(parameter, key, i));
    }
    weights.set = true;
    weights.version++;
    return this;
  }

  private static float[] draw(Parameter parameter, long key, long sequence) {
    float[] values = new float[Math.toIntExact(parameter.shape().elements())];
    Initializer initializer = parameter.initializer();
    if (initializer instanceof Initializer.Uniform uniform) {
      Random.uniform(values, key, sequence, uniform.low(), uniform.high());
    } else if (initializer instanceof Initializer.Normal normal) {
      Random.normal(values, key, sequence, normal.mean(), normal.deviation());
    } else if (initializer instanceof Initializer.Constant constant) {
      Arrays.fill(values, constant.value());
    }
    return values;
  }

  /**
   * A copy of a parameter's values, row-major in its shape. That is the order of memory: of a
   * convolution {@code [out, height, width, in]}, where files have {@code [out, in, height,
   * width]}, and of a linear layer behind {@link Flatten} the channels last. {@link #tensors} gives
   * the order of files.
   *
   * @throws IllegalArgumentException if there is none of that name
   * @throws IllegalStateException if the weights were never set
   */
  public float[] get(String name) {
    requireInitialized();
    Parameter parameter = parameters.get(name);
    int offset = (int) parameters.offset(parameter);
    return Arrays.copyOfRange(weights.values, offset, offset + (int) parameter.shape().elements());
  }

  /**
   * Sets a parameter's values, row-major in its shape, in the order of {@link #get}. Values from a
   * file are in another order: {@link #set(String, Safetensors.Entry)} takes those. Parameters that
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
    System.arraycopy(values, 0, weights.values, (int) parameters.offset(parameter), values.length);
    weights.set = true;
    weights.version++;
  }

  /**
   * Sets a parameter's values to a tensor in the layout of files, PyTorch's: of a convolution
   * {@code [out, in, height, width]}, of a linear layer behind {@link Flatten} the channels first.
   *
   * @throws IllegalArgumentException if there is no parameter of that name, or the tensor is of
   *     another shape than files give the parameter, or of a type that is not read
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
    return weights.values.clone();
  }

  /** Sets all weights, laid out by {@link #parameters}. */
  public void weights(float[] values) {
    int size = weights.values.length;
    if (values.length != size) {
      throw new IllegalArgumentException(
          "the weights are " + size + " numbers, padding included, not " + values.length);
    }
    System.arraycopy(values, 0, weights.values, 0, size);
    weights.set = true;
    weights.version++;
  }

  /**
   * Writes the weights as a {@link Safetensors} file, all or nothing, under the names and in the
   * layout that PyTorch gives them.
   *
   * @param metadata texts for whoever reads the file
   * @throws IOException if the file cannot be written; a file that stood there is unchanged then
   * @throws IllegalStateException if the weights were never set
   */
  public void save(Path file, Map<String, String> metadata) throws IOException {
    Safetensors.write(file, tensors(weights()), metadata);
  }

  /**
   * Weights of such a model as tensors of a file, as {@link #save} writes its own.
   *
   * @param weights laid out by {@link #parameters}
   */
  public Map<String, Safetensors.Entry> tensors(float[] weights) {
    return WeightFiles.tensors(parameters, weights);
  }

  /**
   * Takes the weights from a file that {@link #save} or another program wrote. F32, BF16, F16 and
   * F64 are read.
   *
   * @throws ModelFileException if the file is damaged or does not fit: the message lists every
   *     parameter that is missing, left over, or of another shape or type. The weights stay as they
   *     were then
   * @throws IOException if the file cannot be read
   */
  public Model load(Path file) throws IOException {
    return load(Safetensors.read(file));
  }

  /**
   * Takes the weights from what a file holds.
   *
   * @throws ModelFileException if it does not fit, as {@link #load(Path)} says
   */
  public Model load(Safetensors.Contents contents) throws ModelFileException {
    weights(weights(contents));
    return this;
  }

  /**
   * The weights that a file holds, laid out by {@link #parameters}; the model's own stay.
   *
   * @throws ModelFileException if it does not fit, as {@link #load(Path)} says
   */
  public float[] weights(Safetensors.Contents contents) throws ModelFileException {
    return WeightFiles.weights(contents, parameters);
  }

  /**
   * Takes from a file those tensors that have name and shape of a parameter, and leaves all other
   * weights as they are: another head on a trained network, PyTorch's {@code strict=False}. What
   * was and was not taken is in the report.
   *
   * @throws IllegalStateException if the weights were never set and the file lacks some, which
   *     would be 0: call {@link #initialize} first
   * @throws ModelFileException if the file is damaged, or nothing in it matches
   * @throws IOException if the file cannot be read
   */
  public LoadReport loadMatching(Path file) throws IOException {
    return loadMatching(Safetensors.read(file));
  }

  /**
   * As above, from what a file holds. Tensors under other names are taken after they were renamed:
   * {@link Safetensors.Contents#renamed}.
   */
  public LoadReport loadMatching(Safetensors.Contents contents) throws ModelFileException {
    float[] values = weights.values.clone();
    LoadReport report = WeightFiles.takeMatching(contents, parameters, values);
    if (report.taken().isEmpty()) {
      throw new ModelFileException(
          contents.file(), "has no tensor with name and shape of a parameter: " + report);
    }
    if (!weights.set && report.taken().size() < parameters.list().size()) {
      throw new IllegalStateException(
          "the file has not all weights, and the others were never set: call initialize(seed)"
              + " first; "
              + report);
    }
    weights(values);
    return report;
  }

  private void requireInitialized() {
    if (!weights.set) {
      throw new IllegalStateException(
          "the model has no weights yet: call initialize(seed), train it, or load them");
    }
  }

  /**
   * What the model says of samples, on the CPU, with the weights that it has now. The first call
   * opens a device and keeps it; further ones take microseconds for a row of a small model. Several
   * threads may predict as long as none changes the weights, but only one of them at a time finds
   * the device open: for many at once each makes a {@link Predictor}.
   *
   * @param samples {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}; NaN where weights or samples hold NaN
   * @throws IllegalArgumentException if the samples are not a whole number of rows, or the model
   *     takes tokens
   * @throws IllegalStateException if the weights were never set
   */
  public float[] predict(float[] samples) {
    requireInitialized();
    return kept().predict(predictor -> predictor.predict(samples));
  }

  /**
   * What a model of tokens says of samples, on the CPU, likewise.
   *
   * @param tokens {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the tokens are not a whole number of rows, the model does
   *     not know one of them, which the message names with its place, or it takes numbers
   * @throws IllegalStateException if the weights were never set
   */
  public float[] predict(int[] tokens) {
    requireInitialized();
    return kept().predict(predictor -> predictor.predict(tokens));
  }

  private synchronized KeptPredictor kept() {
    if (kept == null) {
      kept = KeptPredictor.of(this, new Model(this, parameters));
    }
    return kept;
  }

  /** Changes when the weights do. */
  long version() {
    return weights.version;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(layer.toString()).append('\n');
    for (Parameter parameter : parameters.list()) {
      text.append("  ").append(parameter.name()).append(' ').append(parameter.shape()).append('\n');
    }
    return text.append(parameters.count())
        .append(" parameters, samples ")
        .append(sampleShape)
        .append(" to ")
        .append(outputShape)
        .toString();
  }
}
