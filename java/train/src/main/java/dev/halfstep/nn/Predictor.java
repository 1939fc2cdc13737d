package dev.halfstep.nn;

import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.graph.Call;
import dev.halfstep.graph.Calls;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Plan;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.ValueAddresses;
import dev.halfstep.kernel.Elementwise;
import dev.halfstep.kernel.HostStepState;
import dev.halfstep.kernel.StepKernels;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A model's weights on a device with plans that only go forward, computed in F32. It keeps the
 * weights that the model had when it was made. For the thread that owns the device's default
 * stream.
 *
 * <p>Outputs are what the arithmetic gives: of weights or samples that hold NaN they are NaN, and
 * nothing is said of it.
 */
public final class Predictor implements AutoCloseable {
  private final Model model;
  private final Device device;
  private final int batch;
  private final Tensor weights;
  private final @Nullable Tensor state; // takes the errors of tokens
  private final HostStepState hostState = new HostStepState();
  private final TreeMap<Integer, Room> rooms = new TreeMap<>(); // by their rows
  private boolean closed;

  /**
   * Uploads the weights and records the plan.
   *
   * @param batch rows computed at once; fewer rows are computed by plans for powers of two, which
   *     are recorded when they are first needed
   * @throws IllegalArgumentException if batch is not positive
   * @throws IllegalStateException if the model has no weights
   */
  public Predictor(Model model, Device device, int batch) {
    this(model, device, batch, true);
  }

  /** As above; without {@code ready} no plan is recorded before it is needed. */
  Predictor(Model model, Device device, int batch, boolean ready) {
    if (batch < 1) {
      throw new IllegalArgumentException("prediction takes at least 1 row at once, not " + batch);
    }
    this.model = model;
    this.device = device;
    this.batch = batch;
    float[] values = model.weights();
    weights = device.tensor(Shape.of(values.length), values).label("weights of a predictor");
    state = model.sampleType() == DType.I32 ? StepKernels.newState(device) : null;
    if (ready) {
      room(batch);
    }
  }

  /** What is computed at once: memory for so many rows, and the recorded plan. */
  private final class Room {
    final int rows;
    final Plan plan;
    final Tensor features;
    final Tensor activations;
    final Tensor output;
    final CommandList list;

    Room(int rows) {
      this.rows = rows;
      Graph graph = new Graph(DType.F32, false);
      Value x = graph.input("features", model.sampleType(), model.sampleShape().prepend(rows));
      if (state != null) {
        graph.step(graph.input("state", state.dtype(), state.shape()), 0);
      }
      Value y = model.build(graph, x);
      Value out = graph.input("output", y.type(), y.shape());
      plan = plan(graph, y, out);
      features = device.zeros(x.type(), x.shape()).label("samples of a predictor");
      activations =
          device.empty(DType.U8, Shape.of(plan.arenaBytes())).label("activations of a predictor");
      output = device.zeros(y.type(), y.shape()).label("output of a predictor");
      ValueAddresses addresses =
          plan.addresses(
              new ValueAddresses.Arenas(
                  model.parameters(), activations.address(), weights.address(), 0, 0),
              Map.of(
                  "features",
                  features.address(),
                  "output",
                  output.address(),
                  "state",
                  state == null ? 0L : state.address()));
      list = plan.record(device.stream(), addresses);
    }

    long bytes() {
      return features.bytes() + activations.bytes() + output.bytes();
    }

    void close() {
      list.close();
      output.close();
      activations.close();
      features.close();
    }
  }

  /** The room for so many rows: of the next power of two, at most a batch. */
  private Room room(int count) {
    int power = Integer.highestOneBit(count);
    int rows = (int) Math.min(batch, power == count ? power : 2L * power);
    return rooms.computeIfAbsent(rows, Room::new);
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
    return room(batch).plan;
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
        samples.length,
        (from, to, place) ->
            place.upload(
                to - from == samples.length ? samples : Arrays.copyOfRange(samples, from, to)));
  }

  /**
   * What a model of tokens says of samples.
   *
   * @param tokens {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the tokens are not a whole number of rows, the model does
   *     not know one of them, which the message names with its place, or it takes numbers
   */
  public float[] predict(int[] tokens) {
    requireType(DType.I32);
    model.requireKnown(IntBuffer.wrap(tokens), "row");
    return predict(
        tokens.length,
        (from, to, place) ->
            place.upload(
                to - from == tokens.length ? tokens : Arrays.copyOfRange(tokens, from, to)));
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
    if (closed) {
      throw new IllegalStateException("the predictor is closed");
    }
    int rows = length / sampleSize;
    float[] result = new float[rows * outputSize];
    for (int from = 0; from < rows; from += batch) {
      int count = Math.min(batch, rows - from);
      Room room = room(count);
      boolean full = count == room.rows;
      samples.upload(
          from * sampleSize,
          (from + count) * sampleSize,
          full ? room.features : room.features.slice(0, count));
      device.stream().launch(room.list);
      if (full && count == rows) {
        room.output.download(result);
      } else {
        float[] said = (full ? room.output : room.output.slice(0, count)).toFloats();
        System.arraycopy(said, 0, result, from * outputSize, said.length);
      }
      requireNoError(from, from + count);
    }
    return result;
  }

  /** Throws what a kernel met: a layer may make tokens of its own of those that were checked. */
  private void requireNoError(int from, int to) {
    if (state == null) {
      return;
    }
    hostState.download(state);
    if (hostState.badIndex()) {
      hostState.clearErrors();
      hostState.upload(state);
      throw new IllegalArgumentException(
          "a token of rows " + from + " to " + (to - 1) + " was outside an embedding's table");
    }
  }

  /** Takes the weights that the model has now. */
  void refresh() {
    weights.upload(model.weights());
  }

  /** Gives memory back, that of the largest plans first, until it has at most so many bytes. */
  void trim(long bytes) {
    long held = rooms.values().stream().mapToLong(Room::bytes).sum();
    while (held > bytes && !rooms.isEmpty()) {
      Room largest = rooms.pollLastEntry().getValue();
      held -= largest.bytes();
      largest.close();
    }
  }

  @Override
  public void close() {
    closed = true;
    trim(-1);
    if (state != null) {
      state.close();
    }
    weights.close();
  }
}
