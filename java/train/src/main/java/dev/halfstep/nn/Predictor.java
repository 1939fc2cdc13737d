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
 * A model's weights on a device with a plan that only goes forward, in F32. It keeps the weights
 * that the model had when it was made. For the thread that owns the device's default stream.
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
   * @throws IllegalArgumentException if batch is not positive, or the samples are tokens
   * @throws IllegalStateException if the model has no weights
   */
  public Predictor(Model model, Device device, int batch) {
    if (batch < 1 || model.sampleType() != DType.F32) {
      throw new IllegalArgumentException(
          "prediction takes F32 samples, at least 1 at once: it was given "
              + model.sampleType()
              + " and a batch of "
              + batch);
    }
    this.model = model;
    this.device = device;
    this.batch = batch;
    float[] values = model.weights();
    Graph graph = new Graph(DType.F32, false);
    Value x = graph.input("features", DType.F32, model.sampleShape().prepend(batch));
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
   * @throws IllegalArgumentException if the samples are not a whole number of rows
   */
  public float[] predict(float[] samples) {
    int sampleSize = (int) model.sampleShape().elements();
    int outputSize = (int) model.outputShape().elements();
    if (sampleSize == 0 || samples.length % sampleSize != 0) {
      throw new IllegalArgumentException(
          samples.length
              + " numbers are not a whole number of samples "
              + model.sampleShape()
              + " of "
              + sampleSize);
    }
    int rows = samples.length / sampleSize;
    float[] result = new float[rows * outputSize];
    for (int from = 0; from < rows; from += batch) {
      int count = Math.min(batch, rows - from);
      float[] part = Arrays.copyOfRange(samples, from * sampleSize, (from + count) * sampleSize);
      features.slice(0, count).upload(part);
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
