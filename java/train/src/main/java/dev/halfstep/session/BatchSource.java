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
 * Where the batches of a plan come from, without the data themselves.
 *
 * @param inputs in the order in which the data have them
 * @param targets likewise
 * @param samples rows of the tables; 0: the caller uploads each batch, to be read as it lies
 * @param orderSize indices in the order of the samples; 0: the rows as they lie
 * @param loss what is minimised on them
 */
record BatchSource(List<Table> inputs, List<Table> targets, int samples, int orderSize, Loss loss) {

  /**
   * One of the arrays of which samples consist.
   *
   * @param name of the model's input, or of the data's target
   * @param type in which it lies
   * @param shape of one sample's part
   * @param channels of the normalisation; 0: values as they are
   */
  record Table(String name, DType type, Shape shape, int channels) {}

  /**
   * A batch.
   *
   * @param features in the graph's storage type (tokens: I32), by the names of the model's inputs
   * @param labels or values, by the names of the data's targets
   */
  record Batch(Map<String, Value> features, Map<String, Value> labels) {}

  /**
   * Batches that the caller uploads, with the targets that the loss takes. Micro-batches find their
   * rows by the state's cursor, in a table of a batch that is read round and round.
   *
   * @throws IllegalArgumentException if the model has several inputs or outputs, or the loss takes
   *     names
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
   * Batches of a data set that lies on the device.
   *
   * @throws IllegalArgumentException if its samples are not those that the model takes, or its
   *     targets not those that the loss does
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

  /**
   * The data's inputs under the names of the model's: the only ones belong together as they are.
   */
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

  /** The same from tables of so many rows, in which they lie in the order of the samples. */
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

  /** The name of an input's factors in plans. */
  static String scale(int input) {
    return "scale" + numbered(input);
  }

  /** The name of an input's summands in plans. */
  static String shift(int input) {
    return "shift" + numbered(input);
  }

  /** The name of the place for an output's values in plans. */
  static String outputs(int output) {
    return "outputs" + numbered(output);
  }

  private static String numbered(int array) {
    return array == 0 ? "" : " " + array;
  }

  /**
   * Weight units that the gradients of one sample reckon with until the update divides by the
   * weight that there was: one for each label or value of the first target.
   */
  static long unitsPerSample(SampleForm form) {
    return form.target().shape().elements();
  }

  /** As above. */
  long unitsPerSample() {
    return targets.get(0).shape().elements();
  }

  /** Adds a batch of so many rows to a graph. */
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
