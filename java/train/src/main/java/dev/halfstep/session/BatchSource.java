package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleForm;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.optim.Loss;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Describes where the batches of a plan come from; it does not hold the data.
 *
 * @param inputs the tables of the inputs, in the data's order
 * @param targets the tables of the targets, in the data's order
 * @param samples rows of the tables; 0: the caller uploads each batch, which is read from its first
 *     row
 * @param orderSize length of the sample order; 0: rows are read in the order of the tables
 * @param loss the loss to minimise
 */
record BatchSource(List<Table> inputs, List<Table> targets, int samples, int orderSize, Loss loss) {

  /**
   * One array of the samples: an input or a target.
   *
   * @param name the name of the model's input, or of the data's target
   * @param type of its stored values
   * @param shape the shape for one sample
   * @param channels channels of the normalisation; 0: values are not normalised
   */
  record Table(String name, DType type, Shape shape, int channels) {}

  /**
   * A batch.
   *
   * @param features values in the graph's storage type (tokens: I32), by the names of the model's
   *     inputs
   * @param labels labels or values, by the names of the data's targets
   */
  record Batch(Map<String, Value> features, Map<String, Value> labels) {}

  /**
   * Batches that the caller uploads, with the targets that the loss takes. With micro-batches, the
   * table holds one batch and is read cyclically: the state's cursor selects the rows.
   *
   * @throws IllegalArgumentException if the model has several inputs or outputs, or the loss takes
   *     named outputs
   */
  static BatchSource uploaded(SessionOptions options) {
    Model model = options.model();
    Loss loss = options.loss();
    if (model.inputs().size() > 1 || model.outputs().size() > 1 || loss.takesNames()) {
      throw new IllegalArgumentException(
          "step(x, y) takes one array of samples and one of targets, but the model has inputs "
              + names(model.inputs().stream().map(ModelInput::name))
              + " and outputs "
              + model.outputs().keySet()
              + ", and the loss is "
              + loss
              + ": train such models with data(...) and run(...)");
    }
    ModelInput input = model.inputs().get(0);
    boolean parts = options.microBatch() < options.batchSize();
    return new BatchSource(
        List.of(new Table(input.name(), input.type(), input.shape(), 0)),
        List.of(
            new Table(
                TargetSpec.DEFAULT_NAME,
                loss.targetType(),
                loss.targetShape(model.outputShape()),
                0)),
        parts ? options.batchSize() : 0,
        0,
        loss);
  }

  /**
   * Batches of a data set on the device.
   *
   * @throws IllegalArgumentException if its samples do not fit the model, or its targets do not fit
   *     the loss
   */
  static BatchSource of(SessionOptions options, Dataset data, int orderSize) {
    SampleForm form = data.form();
    if (form.targets().isEmpty()) {
      throw new IllegalArgumentException(
          data.name() + " has no targets: samples without them can only be predicted");
    }
    List<Table> inputs = inputs(options.model(), data);
    requireTargets(options, data);
    return new BatchSource(
        inputs,
        form.targets().stream()
            .map(spec -> new Table(spec.name(), spec.type(), spec.shape(), 0))
            .toList(),
        data.size(),
        orderSize,
        DataCheck.loss(options.loss(), data));
  }

  /** Matches the data's inputs to the model's by name; single inputs may differ in name. */
  private static List<Table> inputs(Model model, Dataset data) {
    List<InputSpec> given = data.form().inputs();
    Map<String, ModelInput> taken = new LinkedHashMap<>();
    model.inputs().forEach(input -> taken.put(input.name(), input));
    if (taken.size() == 1 && given.size() == 1) {
      return List.of(table(model.inputs().get(0), given.get(0), data));
    }
    Set<String> names = names(given.stream().map(InputSpec::name));
    if (!names.equals(taken.keySet())) {
      throw new IllegalArgumentException(
          "the model takes inputs "
              + taken.keySet()
              + ", but the samples of "
              + data.name()
              + " have "
              + names
              + ": give both the same names");
    }
    return given.stream()
        .map(spec -> table(Objects.requireNonNull(taken.get(spec.name())), spec, data))
        .toList();
  }

  private static Table table(ModelInput taken, InputSpec given, Dataset data) {
    boolean tokens = given.type() == DType.I32;
    if (!given.shape().equals(taken.shape()) || tokens != (taken.type() == DType.I32)) {
      String which = data.form().inputs().size() == 1 ? "" : "of input " + given.name() + " ";
      throw new IllegalArgumentException(
          "the model takes samples "
              + which
              + taken.type()
              + taken.shape()
              + ", but those of "
              + data.name()
              + " are "
              + given.type()
              + given.shape());
    }
    int channels = given.isNormalized() ? given.normalization().channels() : 0;
    return new Table(taken.name(), given.type(), given.shape(), channels);
  }

  private static void requireTargets(SessionOptions options, Dataset data) {
    Loss loss = options.loss();
    List<TargetSpec> targets = data.form().targets();
    loss.requireOne(
        options.model().outputs().keySet(), names(targets.stream().map(TargetSpec::name)));
    if (loss.takesNames() || targets.get(0).type() == loss.targetType()) {
      return;
    }
    boolean values = targets.get(0).type() == DType.F32;
    throw new IllegalArgumentException(
        loss
            + (values ? " takes class labels" : " takes values")
            + ", but the targets of "
            + data.name()
            + (values ? " are values" : " are class labels"));
  }

  private static Set<String> names(Stream<String> names) {
    return names.collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** The same batches from tables of {@code rows} rows that are in the order of the samples. */
  BatchSource ofRows(int rows) {
    return new BatchSource(inputs, targets, rows, 0, loss);
  }

  /** The name of an input's table in plans. */
  static String features(int input) {
    return "features" + numbered(input);
  }

  /** The name of a target's table in plans. */
  static String labels(int target) {
    return "labels" + numbered(target);
  }

  /** The name of an input's normalisation factors in plans. */
  static String scale(int input) {
    return "scale" + numbered(input);
  }

  /** The name of an input's normalisation offsets in plans. */
  static String shift(int input) {
    return "shift" + numbered(input);
  }

  /** The name of the array that receives an output's values in plans. */
  static String outputs(int output) {
    return "outputs" + numbered(output);
  }

  private static String numbered(int array) {
    return array == 0 ? "" : " " + array;
  }

  /**
   * The weight that the backward pass assumes for one sample: 1 for each label or value of the
   * first target. The update then divides by the actual weight.
   */
  static long unitsPerSample(SampleForm form) {
    return form.target().shape().elements();
  }

  /** As above, for this source's first target. */
  long unitsPerSample() {
    return targets.get(0).shape().elements();
  }

  /** Adds a batch of {@code rows} rows to a graph. */
  Batch build(Graph graph, int rows, Value state) {
    Map<String, Value> features = new LinkedHashMap<>();
    Map<String, Value> labels = new LinkedHashMap<>();
    Value order = orderSize == 0 ? null : graph.input("order", DType.I32, Shape.of(orderSize));
    for (int i = 0; i < inputs.size(); i++) {
      features.put(inputs.get(i).name(), input(graph, i, order, rows, state));
    }
    for (int i = 0; i < targets.size(); i++) {
      Table target = targets.get(i);
      Value table = table(graph, labels(i), target, rows);
      labels.put(
          target.name(), samples == 0 ? table : StepOps.gatherTargets(table, order, state, rows));
    }
    return new Batch(features, labels);
  }

  private Value input(Graph graph, int i, @Nullable Value order, int rows, Value state) {
    Table input = inputs.get(i);
    Value table = table(graph, features(i), input, rows);
    if (samples == 0) {
      boolean asIs = input.type() == DType.I32 || input.type() == graph.storage();
      return asIs ? table : StepOps.gather(table, null, null, null, null, rows);
    }
    Shape channels = Shape.of(input.channels());
    Value scale = input.channels() == 0 ? null : graph.input(scale(i), DType.F32, channels);
    Value shift = input.channels() == 0 ? null : graph.input(shift(i), DType.F32, channels);
    return StepOps.gather(table, order, state, scale, shift, rows);
  }

  private Value table(Graph graph, String name, Table table, int rows) {
    return graph.input(name, table.type(), table.shape().prepend(samples == 0 ? rows : samples));
  }
}
