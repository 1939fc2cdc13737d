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
import dev.halfstep.optim.Loss;

/**
 * Where the batches of a plan come from, without the data themselves.
 *
 * @param type of the features as they lie
 * @param sampleShape of one sample's features
 * @param targetType I32 for labels, F32 for values
 * @param labelShape of one sample's labels or values
 * @param samples rows of the tables; 0: the caller uploads each batch, to be read as it lies
 * @param channels of the normalisation; 0: values as they are
 * @param orderSize indices in the order of the samples; 0: the rows as they lie
 * @param loss what is minimised on them
 */
record BatchSource(
    DType type,
    Shape sampleShape,
    DType targetType,
    Shape labelShape,
    int samples,
    int channels,
    int orderSize,
    Loss loss) {

  /** A batch: features in the graph's storage type (tokens: I32), and labels or values. */
  record Batch(Value features, Value labels) {}

  /**
   * Batches that the caller uploads, with the targets that the loss takes. Micro-batches find their
   * rows by the state's cursor, in a table of a batch that is read round and round.
   */
  static BatchSource uploaded(SessionOptions options) {
    Model model = options.model();
    boolean parts = options.microBatch() < options.batchSize();
    return new BatchSource(
        model.sampleType(),
        model.sampleShape(),
        options.loss().targetType(),
        options.loss().targetShape(model.outputShape()),
        parts ? options.batchSize() : 0,
        0,
        0,
        options.loss());
  }

  /**
   * Batches of a data set that lies on the device.
   *
   * @throws IllegalArgumentException if its samples are not those that the model takes, or its
   *     targets not those that the loss does
   */
  static BatchSource of(SessionOptions options, Dataset data, int orderSize) {
    Model model = options.model();
    SampleForm form = data.form();
    InputSpec input = form.input();
    if (form.targets().isEmpty()) {
      throw new IllegalArgumentException(
          data.name() + " has no targets: samples without them can only be predicted");
    }
    if (form.inputs().size() > 1 || form.targets().size() > 1) {
      throw new IllegalArgumentException(
          "the model takes one input and gives one output, but the samples of "
              + data.name()
              + " are "
              + form);
    }
    TargetSpec target = form.target();
    boolean tokens = input.type() == DType.I32;
    if (!input.shape().equals(model.sampleShape()) || tokens != (model.sampleType() == DType.I32)) {
      throw new IllegalArgumentException(
          "the model takes samples "
              + model.sampleType()
              + model.sampleShape()
              + ", but those of "
              + data.name()
              + " are "
              + input.type()
              + input.shape());
    }
    if (target.type() != options.loss().targetType()) {
      boolean values = target.type() == DType.F32;
      throw new IllegalArgumentException(
          options.loss()
              + (values ? " takes class labels" : " takes values")
              + ", but the targets of "
              + data.name()
              + (values ? " are values" : " are class labels"));
    }
    return new BatchSource(
        input.type(),
        input.shape(),
        target.type(),
        target.shape(),
        data.size(),
        input.isNormalized() ? input.normalization().channels() : 0,
        orderSize,
        DataCheck.loss(options.loss(), data));
  }

  /** The same from tables of so many rows, in which they lie in the order of the samples. */
  BatchSource ofRows(int rows) {
    return new BatchSource(type, sampleShape, targetType, labelShape, rows, channels, 0, loss);
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

  private static String numbered(int array) {
    return array == 0 ? "" : " " + array;
  }

  /** Labels of one sample. */
  long labelsPerSample() {
    return labelShape.elements();
  }

  /** Adds a batch of so many rows to a graph. */
  Batch build(Graph graph, int rows, Value state) {
    if (samples == 0) {
      return uploaded(graph, rows);
    }
    Value table = graph.input("features", type, sampleShape.prepend(samples));
    Value labels = graph.input("labels", targetType, labelShape.prepend(samples));
    Value order = orderSize == 0 ? null : graph.input("order", DType.I32, Shape.of(orderSize));
    Value scale = channels == 0 ? null : graph.input("scale", DType.F32, Shape.of(channels));
    Value shift = channels == 0 ? null : graph.input("shift", DType.F32, Shape.of(channels));
    return new Batch(
        StepOps.gather(table, order, state, scale, shift, rows),
        StepOps.gatherTargets(labels, order, state, rows));
  }

  private Batch uploaded(Graph graph, int rows) {
    Value features = graph.input("features", type, sampleShape.prepend(rows));
    Value labels = graph.input("labels", targetType, labelShape.prepend(rows));
    boolean asIs = type == DType.I32 || type == graph.storage();
    Value x = asIs ? features : StepOps.gather(features, null, null, null, null, rows);
    return new Batch(x, labels);
  }
}
