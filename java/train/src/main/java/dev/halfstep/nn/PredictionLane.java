package dev.halfstep.nn;

import static dev.halfstep.bindings.Native.hs_fill;

import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.graph.Call;
import dev.halfstep.graph.Calls;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Plan;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.ValueAddresses;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.StepState;
import dev.halfstep.kernel.Copy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one call of {@code predict} needs exclusively: a stream and, for each batch size, memory and
 * a recorded plan of the forward pass. All lanes share the weights on the device. One thread at a
 * time uses a lane, between {@link #enter} and {@link #exit}.
 */
final class PredictionLane implements AutoCloseable {
  private static final Access ACCESS = Access.get();

  private final Model model;
  private final Device device;
  private final Tensor weights;
  private final int[] batchSizes; // ascending
  private final Stream stream;
  private final @Nullable Tensor state; // receives the kernels' errors for tokens
  private final @Nullable HostMemory hostState;
  private final List<HostRows> inputs = new ArrayList<>();
  private final List<HostRows> outputs = new ArrayList<>();
  private final TreeMap<Integer, Room> rooms = new TreeMap<>(); // by batch size

  /**
   * A lane without plans, which the calling thread has entered.
   *
   * @param batchSizes ascending
   */
  PredictionLane(Model model, Device device, Tensor weights, int[] batchSizes) {
    this.model = model;
    this.device = device;
    this.weights = weights;
    this.batchSizes = batchSizes;
    this.stream = device.newStream();
    boolean tokens = false;
    for (ModelInput input : model.inputs()) {
      tokens |= input.type() == DType.I32;
      inputs.add(rows(input.type(), input.shape()));
    }
    for (Shape shape : model.outputs().values()) {
      outputs.add(rows(DType.F32, shape));
    }
    state = tokens ? device.empty(DType.U8, Shape.of(StepState.BYTES)).label("step state") : null;
    hostState = tokens ? new HostMemory(device, StepState.BYTES) : null;
    clearErrors();
  }

  private HostRows rows(DType type, Shape shape) {
    return new HostRows(device, stream, type, Math.toIntExact(shape.elements()));
  }

  /** Gives the lane to the calling thread. */
  void enter() {
    stream.adopt();
  }

  /** Ends the calling thread's use of the lane. */
  void exit() {
    inputs.forEach(HostRows::clear);
    outputs.forEach(HostRows::clear);
    stream.release();
  }

  /** The caller's memory for an input of the model. */
  HostRows input(int index) {
    return inputs.get(index);
  }

  /** The caller's memory for an output of the model. */
  HostRows output(int index) {
    return outputs.get(index);
  }

  /** Copies a model's weights to the device, into memory that lanes share. */
  void uploadWeights(float[] values) {
    HostRows rows = new HostRows(device, stream, DType.F32, values.length);
    rows.use(values);
    rows.upload(weights.address(), 0, 1);
  }

  /** The memory and the recorded plan of one batch size. */
  private final class Room {
    final int rows;
    final Plan plan;
    final List<Tensor> in = new ArrayList<>();
    final List<Tensor> out = new ArrayList<>();
    final List<Tensor> held = new ArrayList<>(); // the tensors above, and the activations
    final CommandList list;

    Room(int rows) {
      this.rows = rows;
      boolean recorded = false;
      try {
        Map<String, Long> places = new HashMap<>();
        plan = plan(places);
        Tensor activations = hold(DType.U8, Shape.of(plan.arenaBytes()), "activations");
        ValueAddresses.Arenas arenas =
            new ValueAddresses.Arenas(
                model.parameters(), activations.address(), weights.address(), 0, 0);
        list = plan.record(stream, plan.addresses(arenas, places));
        recorded = true;
      } finally {
        if (!recorded) {
          held.forEach(Tensor::close);
        }
      }
    }

    private Tensor hold(DType type, Shape shape, String what) {
      Tensor memory = device.empty(type, shape).label(what + " of a predictor");
      held.add(memory);
      return memory;
    }

    /** Plans the forward pass, and puts the addresses of inputs and outputs into the map. */
    private Plan plan(Map<String, Long> places) {
      Graph graph = new Graph(DType.F32, false);
      if (state != null) {
        graph.step(graph.input("prediction.state", state.dtype(), state.shape()), 0);
        places.put("prediction.state", state.address());
      }
      Map<String, Value> given = new HashMap<>();
      for (ModelInput input : model.inputs()) {
        Value value = graph.input(input.name(), input.type(), input.shape().prepend(rows));
        given.put(input.name(), value);
        Tensor memory = hold(value.type(), value.shape(), "input " + input.name());
        in.add(zeroed(memory));
        places.put(input.name(), memory.address());
      }
      Map<String, Value> said = model.build(graph, given);
      Calls calls = new Calls();
      calls.forward(graph);
      for (String name : model.outputs().keySet()) {
        Value y = Objects.requireNonNull(said.get(name), name);
        Value target = graph.input("prediction." + name, y.type(), y.shape());
        calls.add(copy(y, target));
        Tensor memory = hold(y.type(), y.shape(), "output " + name);
        out.add(memory);
        places.put(target.name(), memory.address());
      }
      return new Plan("prediction, batch " + rows, calls, List.of());
    }

    long bytes() {
      long all = 0;
      for (Tensor memory : held) {
        all += memory.bytes();
      }
      return all;
    }

    void close() {
      list.close();
      held.forEach(Tensor::close);
    }
  }

  private static Call copy(Value from, Value to) {
    return Call.of(
        "output",
        List.of(from),
        List.of(to),
        0,
        (stream, at) -> Copy.run(stream, at.of(to), at.of(from), to.bytes()));
  }

  /** Fills a tensor with zeros on this lane's stream. */
  private Tensor zeroed(Tensor tensor) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_fill(handle, tensor.dtype().code(), tensor.address(), tensor.shape().elements(), 0));
    } finally {
      ACCESS.exit(stream);
    }
    return tensor;
  }

  /** The room of a batch size, whose plan is recorded at the first call. */
  private Room room(int batchSize) {
    Room room = rooms.get(batchSize);
    if (room == null) {
      room = new Room(batchSize);
      rooms.put(batchSize, room);
    }
    return room;
  }

  /** Records the plans of all batch sizes. */
  void recordAll() {
    for (int batchSize : batchSizes) {
      room(batchSize);
    }
  }

  /** The plan of a batch size. */
  Plan plan(int batchSize) {
    return room(batchSize).plan;
  }

  /** The smallest batch size that holds this number of rows; the largest if none does. */
  private int batchSize(int rows) {
    for (int size : batchSizes) {
      if (size >= rows) {
        return size;
      }
    }
    return batchSizes[batchSizes.length - 1];
  }

  /**
   * Predicts the rows in the memory of each {@link #input}, into the memory of each {@link
   * #output}.
   *
   * @throws IllegalArgumentException if a layer makes a token that the model does not know
   */
  void predict(int rows) {
    int count;
    for (int from = 0; from < rows; from += count) {
      Room room = room(batchSize(rows - from));
      count = Math.min(room.rows, rows - from);
      compute(room, from, count);
      if (state != null && failed()) {
        // The unused rows of the batch, left by an earlier call, may have failed: replace them.
        for (int row = count; row < room.rows; row++) {
          uploadRow(room, from, row);
        }
        compute(room, from, count);
        if (failed()) {
          throw new IllegalArgumentException(
              "a token of rows "
                  + from
                  + " to "
                  + (from + count - 1)
                  + " was outside an embedding's table");
        }
      }
      for (int i = 0; i < outputs.size(); i++) {
        outputs.get(i).download(room.out.get(i).address(), from, count);
      }
    }
  }

  private void compute(Room room, int from, int count) {
    for (int i = 0; i < inputs.size(); i++) {
      inputs.get(i).upload(room.in.get(i).address(), from, count);
    }
    stream.launch(room.list);
  }

  private void uploadRow(Room room, int from, int to) {
    for (int i = 0; i < inputs.size(); i++) {
      Tensor memory = room.in.get(i);
      inputs.get(i).upload(memory.address() + memory.bytes() / room.rows * to, from, 1);
    }
  }

  /**
   * Whether, since the last call of this method, a kernel has met a token that its table does not
   * have.
   */
  private boolean failed() {
    HostMemory host = hostState;
    if (host == null || state == null) {
      return false;
    }
    host.download(stream, state.address(), 0, StepState.BYTES);
    boolean failed = host.buffer().getInt(StepState.ERROR) != 0;
    if (failed) {
      clearErrors();
    }
    return failed;
  }

  private void clearErrors() {
    HostMemory host = hostState;
    if (host != null && state != null) {
      host.buffer().putInt(StepState.ERROR, 0).putFloat(StepState.LOSS_SCALE, 1);
      host.upload(stream, state.address(), 0, StepState.BYTES);
    }
  }

  /** Bytes of device and host memory, without the shared weights. */
  long bytes() {
    long all = state == null ? 0 : 2 * state.bytes();
    for (Room room : rooms.values()) {
      all += room.bytes();
    }
    for (HostRows rows : inputs) {
      all += rows.stagingBytes();
    }
    for (HostRows rows : outputs) {
      all += rows.stagingBytes();
    }
    return all;
  }

  /** Frees plans and their memory, the largest first, until at most {@code bytes} are in use. */
  void trim(long bytes) {
    long held = 0;
    for (Room room : rooms.values()) {
      held += room.bytes();
    }
    while (held > bytes && !rooms.isEmpty()) {
      Room largest = rooms.pollLastEntry().getValue();
      held -= largest.bytes();
      largest.close();
    }
  }

  /**
   * Frees everything but the weights. Any thread may call it while no thread has entered the lane.
   */
  @Override
  public void close() {
    trim(-1);
    inputs.forEach(HostRows::close);
    outputs.forEach(HostRows::close);
    if (state != null) {
      state.close();
    }
    if (hostState != null) {
      hostState.close();
    }
    stream.close();
  }
}
