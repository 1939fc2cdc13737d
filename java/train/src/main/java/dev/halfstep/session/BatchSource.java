package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Normalization;
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
    Features features = data.features();
    boolean tokens = features.type() == DType.I32;
    if (!features.sampleShape().equals(model.sampleShape())
        || tokens != (model.sampleType() == DType.I32)) {
      throw new IllegalArgumentException(
          "the model takes samples "
              + model.sampleType()
              + model.sampleShape()
              + ", but those of "
              + data.name()
              + " are "
              + features.type()
              + features.sampleShape());
    }
    if (data.targets().type() != options.loss().targetType()) {
      boolean values = data.targets().type() == DType.F32;
      throw new IllegalArgumentException(
          options.loss()
              + (values ? " takes class labels" : " takes values")
              + ", but the targets of "
              + data.name()
              + (values ? " are values" : " are class labels"));
    }
    Normalization normalization = features.normalization();
    int channels = normalization.equals(Normalization.NONE) ? 0 : normalization.channels();
    return new BatchSource(
        features.type(),
        features.sampleShape(),
        data.targets().type(),
        data.targets().sampleShape(),
        data.size(),
        channels,
        orderSize,
        DataCheck.loss(options.loss(), data));
  }

  /** The same from tables of so many rows, in which they lie in the order of the samples. */
  BatchSource ofRows(int rows) {
    return new BatchSource(type, sampleShape, targetType, labelShape, rows, channels, 0, loss);
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
