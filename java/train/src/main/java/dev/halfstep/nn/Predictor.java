package dev.halfstep.nn;

import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.graph.Addresses;
import dev.halfstep.graph.Call;
import dev.halfstep.graph.Calls;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Plan;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Elementwise;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A model's weights on a device with a plan that only goes forward, computed in F32. It keeps the
 * weights that the model had when it was made. For the thread that owns the device's default
 * stream.
 */
public final class Predictor implements AutoCloseable {
  private final Model model;
  private final Device device;
  private final int batch;
  private final Plan plan;
  private final Tensor weights;
  private final Tensor features;
  private final Tensor activations;
  private final Tensor output;
  private final CommandList list;

  /**
   * Uploads the weights and records the plan.
   *
   * @param batch rows computed at once
   * @throws IllegalArgumentException if batch is not positive
   * @throws IllegalStateException if the model has no weights
   */
  public Predictor(Model model, Device device, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("prediction takes at least 1 row at once, not " + batch);
    }
    this.model = model;
    this.device = device;
    this.batch = batch;
    float[] values = model.weights();
    Graph graph = new Graph(DType.F32, false);
    Value x = graph.input("features", model.sampleType(), model.sampleShape().prepend(batch));
    Value y = model.build(graph, x);
    Value out = graph.input("output", y.type(), y.shape());
    plan = plan(graph, y, out);
    weights = device.tensor(Shape.of(values.length), values).label("weights of a predictor");
    features = device.zeros(x.type(), x.shape()).label("samples of a predictor");
    activations =
        device.empty(DType.U8, Shape.of(plan.arenaBytes())).label("activations of a predictor");
    output = device.zeros(y.type(), y.shape()).label("output of a predictor");
    Addresses addresses =
        plan.addresses(
            new Addresses.Arenas(
                model.parameters(), activations.address(), weights.address(), 0, 0),
            Map.of("features", features.address(), "output", output.address()));
    list = plan.record(device.stream(), addresses);
  }

  private static Plan plan(Graph graph, Value y, Value out) {
    Calls calls = new Calls();
    graph.forward(calls);
    calls.add(
        Call.of(
            "output",
            List.of(y),
            List.of(out),
            0,
            (stream, at) -> Elementwise.copy(stream, at.of(out), at.of(y), out.bytes())));
    return new Plan("prediction, batch " + y.shape().dim(0), calls, List.of());
  }

  /** The plan of one batch. */
  public Plan plan() {
    return plan;
  }

  /**
   * What the model says of samples.
   *
   * @param samples {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the samples are not a whole number of rows, or the model
   *     takes tokens
   */
  public float[] predict(float[] samples) {
    requireType(DType.F32);
    return predict(
        samples.length, (from, to, place) -> place.upload(Arrays.copyOfRange(samples, from, to)));
  }

  /**
   * What a model of tokens says of samples.
   *
   * @param tokens {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the tokens are not a whole number of rows, or the model
   *     takes numbers
   */
  public float[] predict(int[] tokens) {
    requireType(DType.I32);
    return predict(
        tokens.length, (from, to, place) -> place.upload(Arrays.copyOfRange(tokens, from, to)));
  }

  private void requireType(DType given) {
    if (model.sampleType() != given) {
      throw new IllegalArgumentException(
          "the model takes samples of " + model.sampleType() + ", but was given " + given);
    }
  }

  /** Uploads the elements from (inclusive) up to (exclusive) of what is predicted. */
  private interface Source {
    void upload(int from, int to, Tensor place);
  }

  private float[] predict(int length, Source samples) {
    int sampleSize = (int) model.sampleShape().elements();
    int outputSize = (int) model.outputShape().elements();
    if (sampleSize == 0 || length % sampleSize != 0) {
      throw new IllegalArgumentException(
          length
              + " numbers are not a whole number of samples "
              + model.sampleShape()
              + " of "
              + sampleSize);
    }
    int rows = length / sampleSize;
    float[] result = new float[rows * outputSize];
    for (int from = 0; from < rows; from += batch) {
      int count = Math.min(batch, rows - from);
      samples.upload(from * sampleSize, (from + count) * sampleSize, features.slice(0, count));
      device.stream().launch(list);
      float[] said = output.slice(0, count).toFloats();
      System.arraycopy(said, 0, result, from * outputSize, said.length);
    }
    return result;
  }

  @Override
  public void close() {
    list.close();
    output.close();
    activations.close();
    features.close();
    weights.close();
  }
}
