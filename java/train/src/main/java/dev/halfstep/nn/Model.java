package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import dev.halfstep.graph.Value;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network and its weights, in host memory. Training starts from these weights, or draws them if
 * they were never set, and stores the trained ones here on request.
 *
 * <pre>{@code
 * Model model = Model.of(Shape.of(28, 28, 1),
 *     Sequential.of(new Flatten(), new Linear(128), new ReLU(), new Linear(10)));
 * }</pre>
 *
 * <p>The architecture never changes; the weights are for one thread at a time.
 */
public final class Model extends ModelWeights {
  private static final Logger log = LoggerFactory.getLogger(Model.class);
  private static final String FEATURES = "features";
  private static final String OUTPUT = "output";

  private final Network network;
  private final @Nullable Layer layer; // the network, if it is one layer
  private final Signature signature;
  private @Nullable KeptPredictor kept;

  private Model(Signature signature, Scope scope, Network network, @Nullable Layer layer) {
    super(scope.parameters());
    this.network = network;
    this.layer = layer;
    this.signature = signature;
  }

  private Model(Model from, Parameters parameters) {
    super(parameters, from.weights);
    this.network = from.network;
    this.layer = from.layer;
    this.signature = from.signature;
  }

  /**
   * A model of samples of this shape.
   *
   * @throws IllegalArgumentException if a layer does not take what it is given; the message names
   *     it
   */
  public static Model of(Shape sampleShape, Layer layer) {
    return of(ModelInput.of(FEATURES, sampleShape), layer);
  }

  /** A model of samples of tokens, I32. */
  public static Model ofTokens(Shape sampleShape, Layer layer) {
    return of(ModelInput.ofTokens(FEATURES, sampleShape), layer);
  }

  private static Model of(ModelInput input, Layer layer) {
    Network single =
        (scope, inputs) -> {
          Value x = Objects.requireNonNull(inputs.get(FEATURES));
          return Map.of(OUTPUT, layer.apply(scope, x));
        };
    return made(List.of(input), single, layer);
  }

  /**
   * A model with several inputs or outputs, each with a name.
   *
   * @throws IllegalArgumentException if the network does not take what it is given, names are not
   *     different or have a dot, or there is no input or no output
   */
  public static Model of(List<ModelInput> inputs, Network network) {
    return made(inputs, network, null);
  }

  /** Finds parameters and outputs by applying the network to one sample. */
  private static Model made(List<ModelInput> inputs, Network network, @Nullable Layer layer) {
    Graph graph = new Graph(DType.F32, false);
    Scope scope = Scope.root(graph, null);
    Signature signature = Signature.of(inputs, graph, given -> network.apply(scope, given));
    return new Model(signature, scope, network, layer);
  }

  /**
   * Reads a model from a file that {@link #save} wrote, without the code that made it: the file
   * describes its layers. {@link SavedModel#read} also reads the normalisation and the class names;
   * {@link #load(Path)} reads only the weights, into a model made in code.
   *
   * @throws ModelFileException if the file is damaged, does not describe its layers, or has a kind
   *     of layer that is not known; the message names the file and what is wrong
   * @throws IOException if the file cannot be read
   */
  public static Model read(Path file) throws IOException {
    return read(Safetensors.read(file));
  }

  /**
   * As above, from a file's contents. No memory is allocated for weights that the file does not
   * hold.
   */
  static Model read(Safetensors.Contents contents) throws ModelFileException {
    Model model;
    try {
      model = of(Architecture.read(contents));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new ModelFileException(
          contents.file(), "has a " + Architecture.KEY + " that cannot be read: " + e.getMessage());
    }
    return model.load(contents);
  }

  private static Model of(Architecture architecture) {
    List<ModelInput> inputs = architecture.inputs();
    Layer layer = architecture.layer();
    if (layer == null) {
      return of(inputs, Objects.requireNonNull(architecture.network()));
    }
    ModelInput input = inputs.get(0);
    return input.type() == DType.F32 ? of(input.shape(), layer) : ofTokens(input.shape(), layer);
  }

  /**
   * The inputs and layers described as JSON, as {@link #save} puts them into the file.
   *
   * @throws UnsupportedOperationException if a layer has no spec: see {@link Layer#spec}
   */
  public String architecture() {
    return new Architecture(inputs(), layer, layer == null ? network : null).write();
  }

  /** The inputs in order. A model that is made of a layer has one, named {@code features}. */
  public List<ModelInput> inputs() {
    return signature.inputs();
  }

  /**
   * The shapes of the outputs for one sample, by name and in order. A model that is made of a layer
   * has one, named {@code output}.
   */
  public Map<String, Shape> outputs() {
    return signature.outputs();
  }

  /**
   * The shape of one sample.
   *
   * @throws IllegalStateException if the model has several inputs
   */
  public Shape sampleShape() {
    return signature.input().shape();
  }

  /**
   * F32, or I32 for tokens.
   *
   * @throws IllegalStateException if the model has several inputs
   */
  public DType sampleType() {
    return signature.input().type();
  }

  /**
   * The shape of the output for one sample.
   *
   * @throws IllegalStateException if the model has several outputs
   */
  public Shape outputShape() {
    return signature.output();
  }

  /**
   * The number of tokens that the model knows: the vocabulary of the {@link Embedding} that reads
   * its samples. 0 for a model of numbers, or one that changes its tokens before it embeds them.
   *
   * @throws IllegalStateException if the model has several inputs
   */
  public long vocabulary() {
    return vocabulary(signature.input().name());
  }

  /**
   * As above, for one input.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public long vocabulary(String input) {
    return signature.vocabulary(input);
  }

  /**
   * Throws unless the model knows all tokens of these samples.
   *
   * @param tokens {@code [rows, sampleShape...]}, from the position to the limit
   * @param what a sample is called in the message, such as "row"
   * @throws IllegalArgumentException if the model does not know one of them; the message names it
   *     and its place
   */
  public void requireKnown(IntBuffer tokens, String what) {
    signature.requireKnown(signature.input(), tokens, what);
  }

  /**
   * Adds the model to a graph.
   *
   * @param x {@code [batch, sampleShape...]}
   * @return {@code [batch, outputShape...]}
   * @throws IllegalStateException if the model has several inputs or outputs
   */
  public Value build(Graph graph, Value x) {
    signature.output();
    return build(graph, Map.of(signature.input().name(), x)).values().iterator().next();
  }

  /**
   * Adds the model to a graph.
   *
   * @param given {@code [batch, ...]} for each input, by name
   * @return {@code [batch, ...]} for each output, by name
   * @throws IllegalArgumentException if the names are not those of the inputs, or the network gives
   *     other outputs than when the model was made
   */
  public Map<String, Value> build(Graph graph, Map<String, Value> given) {
    signature.requireInputs(given.keySet());
    Map<String, Value> said = network.apply(Scope.root(graph, parameters), given);
    signature.requireOutputs(said.keySet());
    return said;
  }

  /**
   * This model with some parameters frozen: training computes no gradient for them and does not
   * change them. Both models share the weights, so training can go on with the original model
   * later. Running statistics of batch normalisation are not parameters; every training batch still
   * updates them.
   *
   * @param prefixes names of parameters or of layers: {@code "conv1"} stands for {@code
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

  /** As above, for the parameters that a predicate selects. */
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

  /**
   * Draws initial weights, a pure function of the seed, which does not depend on the device. Each
   * parameter has its own random sequence.
   */
  public Model initialize(long seed) {
    draw(seed);
    return this;
  }

  /**
   * Writes the weights as a {@link Safetensors} file, all or nothing, under the names and in the
   * layout that PyTorch gives them. Its metadata describe the layers, so that {@link #read} can
   * make the model again. If a layer has no spec, such as a lambda, the description is left out and
   * this is logged.
   *
   * @param metadata further texts for readers of the file
   * @throws IOException if the file cannot be written; an existing file is then unchanged
   * @throws IllegalStateException if the weights were never set
   */
  public void save(Path file, Map<String, String> metadata) throws IOException {
    Map<String, String> texts = new HashMap<>(metadata);
    texts.remove(Architecture.KEY); // metadata from another file may have its entry
    try {
      texts.put(Architecture.KEY, architecture());
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      log.info("{} is written without its layers: {}", file, e.getMessage());
    }
    Safetensors.write(file, tensors(weights()), texts);
  }

  /**
   * Reads the weights from a file that {@link #save} or another program wrote. F32, BF16, F16 and
   * F64 are read.
   *
   * @throws ModelFileException if the file is damaged or does not fit: the message lists every
   *     parameter that is missing, unexpected, or of another shape or type. The weights are then
   *     unchanged
   * @throws IOException if the file cannot be read
   */
  public Model load(Path file) throws IOException {
    return load(Safetensors.read(file));
  }

  /**
   * Takes the weights from a file's contents.
   *
   * @throws ModelFileException if it does not fit, as {@link #load(Path)} says
   */
  public Model load(Safetensors.Contents contents) throws ModelFileException {
    weights(weights(contents));
    return this;
  }

  /**
   * The model's outputs for samples, computed on the CPU with the present weights. The first call
   * opens a device and keeps it; later calls take microseconds for a row of a small model. Several
   * threads may predict while none changes the weights, but only one at a time can use the open
   * device and each other opens one: use a {@link Predictor} to share one among many threads.
   *
   * @param samples {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}; NaN where weights or samples hold NaN
   * @throws IllegalArgumentException if the samples are not a whole number of rows, or the model
   *     takes tokens
   * @throws IllegalStateException if the weights were never set
   */
  public float[] predict(float[] samples) {
    requireInitialized();
    return predicted(Signature.rows(signature.input(), DType.F32, samples.length), samples);
  }

  /**
   * As above, for a model of tokens.
   *
   * @param tokens {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the tokens are not a whole number of rows, the model does
   *     not know one of them (the message names it and its place), or the model takes numbers
   * @throws IllegalStateException if the weights were never set
   */
  public float[] predict(int[] tokens) {
    requireInitialized();
    int rows = Signature.rows(signature.input(), DType.I32, tokens.length);
    signature.requireKnown(signature.input(), IntBuffer.wrap(tokens), "row");
    return predicted(rows, tokens);
  }

  private float[] predicted(int rows, Object samples) {
    float[] result = new float[Math.multiplyExact(rows, (int) outputShape().elements())];
    kept()
        .predict(
            lane -> {
              lane.input(0).use(samples);
              lane.output(0).use(result);
              lane.predict(rows);
            });
    return result;
  }

  /**
   * As above, for a model with several inputs or outputs.
   *
   * @param samples for each input, by name, a {@code float[]}, or an {@code int[]} for tokens,
   *     {@code [rows, ...]}, all with the same number of rows
   * @return for each output, by name and in order, {@code [rows, ...]}
   * @throws IllegalArgumentException if the names are not those of the inputs, or an array has
   *     another type, not a whole number of rows, or another number of rows than the others
   * @throws IllegalStateException if the weights were never set
   */
  public Map<String, float[]> predict(Map<String, ?> samples) {
    requireInitialized();
    NamedRows rows = NamedRows.of(signature, samples);
    kept().predict(rows::predict);
    return rows.results();
  }

  private synchronized KeptPredictor kept() {
    if (kept == null) {
      kept = KeptPredictor.of(this, new Model(this, parameters));
    }
    return kept;
  }

  /** Names, types and shapes of inputs and outputs. */
  Signature signature() {
    return signature;
  }

  /**
   * The layer that the model was made of; {@link Layer#children} leads to the layers inside it.
   * Null for a network of named inputs and outputs.
   */
  public @Nullable Layer layer() {
    return layer;
  }

  /**
   * The model as a table: a line for each layer, indented by depth, with its output shape for one
   * sample and the number of its parameters, and the sums.
   */
  @Override
  public String toString() {
    if (layer != null) {
      return ModelTree.of(layer, parameters, signature.input(), outputShape())
          + parameters.count()
          + " parameters, samples "
          + sampleShape()
          + " to "
          + outputShape();
    }
    StringBuilder text = new StringBuilder(String.valueOf(network)).append('\n');
    for (Parameter parameter : parameters.list()) {
      text.append("  ").append(parameter.name()).append(' ').append(parameter.shape()).append('\n');
    }
    return text + (parameters.count() + " parameters, inputs " + inputs() + " to " + outputs());
  }
}
