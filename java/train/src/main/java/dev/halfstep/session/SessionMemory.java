package dev.halfstep.session;

import static dev.halfstep.bindings.Native.HS_SEGMENT_COPY;
import static dev.halfstep.bindings.Native.HS_SEGMENT_FROZEN;
import static dev.halfstep.bindings.Native.HS_SEGMENT_NO_DECAY;

import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import dev.halfstep.graph.Plan;
import dev.halfstep.graph.ValueAddresses;
import dev.halfstep.internal.Segment;
import dev.halfstep.kernel.CastKernel;
import dev.halfstep.optim.CrossEntropy;
import dev.halfstep.optim.ParameterGroup;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The device memory of a session: arenas of the parameters, gradients, moments and storage copies,
 * all with the same layout, and the workspace of the activations.
 */
final class SessionMemory implements AutoCloseable {
  private final Device device;
  private final Parameters table;
  private final Tensor parameters;
  private final Tensor gradients;
  private final @Nullable Tensor moment1;
  private final @Nullable Tensor moment2;
  private final @Nullable Tensor average;
  private final @Nullable Tensor zeros;
  private final @Nullable Tensor copies;
  private final @Nullable Tensor classWeights;
  private final Tensor segments;
  private final @Nullable Tensor norms;
  private final Workspace workspace;
  private final boolean tf32;
  private final @Nullable Collective collective;
  private @Nullable Exchange exchange;

  SessionMemory(Device device, SessionOptions options) {
    this.device = device;
    tf32 = options.tf32();
    collective = options.collective();
    table = options.model().parameters();
    parameters = arena(DType.F32, "parameters");
    gradients = zeros("gradients");
    moment1 = options.optimizer().moments() > 0 ? zeros("first moments") : null;
    moment2 = options.optimizer().moments() > 1 ? zeros("second moments") : null;
    average = options.averageDecay() > 0 ? zeros("average of weights") : null;
    zeros = options.averageDecay() > 0 ? zeros("zeros") : null;
    copies =
        options.storage() == DType.F32 ? null : arena(options.storage(), "copies of parameters");
    float[] weights = options.loss().classWeights();
    classWeights = weights.length == 0 ? null : device.tensor(Shape.of(weights.length), weights);
    segments = device.empty(DType.U8, Shape.of((long) table.list().size() * Segment.BYTES));
    segments.upload(segments(table, options));
    norms =
        options.optimizer().usesNorms()
            ? device.zeros(DType.F64, Shape.of(2L, table.list().size())).label("norms")
            : null;
    workspace = new Workspace(device);
    parameters.upload(options.model().weights());
    if (collective != null) {
      collective.broadcast(parameters, 0);
    }
    copy();
  }

  private Tensor arena(DType type, String label) {
    return device.empty(type, Shape.of(table.arenaSize())).label(label);
  }

  private Tensor zeros(String label) {
    return device.zeros(DType.F32, Shape.of(table.arenaSize())).label(label);
  }

  /**
   * Writes one segment per parameter, with its group's rate and decay: matrices decay and have a
   * copy; parameters that are not trained are frozen.
   */
  private static ByteBuffer segments(Parameters table, SessionOptions options) {
    float weightDecay = options.optimizer().weightDecay();
    int count = table.list().size();
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(count * Segment.BYTES).order(ByteOrder.nativeOrder());
    for (int i = 0; i < count; i++) {
      Parameter parameter = table.list().get(i);
      boolean matrix = parameter.isMatrix();
      boolean trained = parameter.role() == Parameter.Role.TRAINED;
      ParameterGroup group = ParameterGroup.find(options.groups(), parameter.name());
      Segment.put(
          buffer,
          i,
          table.offset(parameter),
          parameter.shape().elements(),
          (float) group.rate(),
          matrix ? weightDecay * (float) group.decay() : 0,
          (matrix ? HS_SEGMENT_COPY : HS_SEGMENT_NO_DECAY) | (trained ? 0 : HS_SEGMENT_FROZEN));
    }
    return buffer;
  }

  /** The addresses of the arenas, under the names of a plan's inputs. */
  Map<String, Long> addresses() {
    Map<String, Long> addresses = new HashMap<>();
    put(addresses, "parameters", parameters);
    put(addresses, "gradients", gradients);
    put(addresses, "moment1", moment1);
    put(addresses, "moment2", moment2);
    put(addresses, "average", average);
    put(addresses, "zeros", zeros);
    put(addresses, "copies", copies);
    put(addresses, "segments", segments);
    put(addresses, "norms", norms);
    put(addresses, CrossEntropy.CLASS_WEIGHTS, classWeights);
    return addresses;
  }

  private static void put(Map<String, Long> addresses, String name, @Nullable Tensor tensor) {
    if (tensor != null) {
      addresses.put(name, tensor.address());
    }
  }

  /** Records a plan of this session; the settings of the device's stream stay the same. */
  CommandList record(Plan plan, Map<String, Long> inputs) {
    ValueAddresses.Arenas arenas =
        new ValueAddresses.Arenas(
            table,
            workspace.address(),
            parameters.address(),
            copies == null ? 0 : copies.address(),
            gradients.address());
    Stream stream = device.stream();
    boolean allowed = stream.allowsTf32();
    stream.allowTf32(tf32);
    try {
      return plan.record(stream, plan.addresses(arenas, inputs));
    } finally {
      stream.allowTf32(allowed);
    }
  }

  /**
   * The exchange of the gradients, for a session with a collective; its state is at this address.
   */
  Exchange exchange(long state) {
    if (exchange == null) {
      exchange = new Exchange(Objects.requireNonNull(collective), gradients, state);
    }
    return exchange;
  }

  /** Grows the workspace to at least {@code bytes} bytes of activations. */
  void requireWorkspace(long bytes) {
    workspace.require(bytes);
  }

  /** Bytes of the workspace for activations. */
  long workspaceBytes() {
    return workspace.bytes();
  }

  /** A number that changes when recorded plans become invalid. */
  int generation() {
    return workspace.generation();
  }

  /** Sets all parameters, and their copies. */
  void upload(float[] values) {
    parameters.upload(values);
    copy();
  }

  private void copy() {
    if (copies != null) {
      CastKernel.of(parameters.dtype(), copies.dtype(), parameters.shape().elements())
          .run(device.stream(), parameters, copies);
    }
  }

  /** Copies all parameters to the host, laid out by their table. */
  float[] download() {
    return parameters.toFloats();
  }

  /** The contents of the arenas, with these counters. */
  SessionState state(byte[] counters) {
    return new SessionState(
        download(), values(moment1), values(moment2), values(average), counters);
  }

  private static float @Nullable [] values(@Nullable Tensor arena) {
    return arena == null ? null : arena.toFloats();
  }

  /** Sets all arenas, after {@link SessionState#requireFitting}. */
  void state(SessionState state) {
    upload(state.weights());
    restore(moment1, state.moment1());
    restore(moment2, state.moment2());
    restore(average, state.average());
  }

  private static void restore(@Nullable Tensor arena, float @Nullable [] values) {
    if (arena != null && values != null) {
      arena.upload(values);
    }
  }

  /** The average of the weights after {@code updates} updates. */
  float[] average(double decay, long updates) {
    if (average == null) {
      throw new IllegalStateException(
          "the session keeps no average of the weights: give it averageDecay(...)");
    }
    float[] values = average.toFloats();
    double seen = 1 - Math.pow((float) decay, (double) updates);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] / seen);
    }
    return values;
  }

  /** The device address of a parameter's gradient. */
  long gradientAddress(Parameter parameter) {
    return gradients.address() + table.offset(parameter) * DType.F32.bytes();
  }

  /** One weight, by its tensor's name and its index there. */
  float weight(String name, int index) {
    Parameter parameter = table.get(name);
    long elements = parameter.shape().elements();
    if (index < 0 || index >= elements) {
      throw new IllegalArgumentException(
          name + " has " + elements + " weights: there is none with the index " + index);
    }
    long offset = table.offset(parameter) + index;
    try (Tensor one = parameters.slice(offset, offset + 1)) {
      return one.toFloats()[0];
    }
  }

  /**
   * The gradients of the last step as stored: times the loss scale, and divided by the assumed
   * weight of one per label.
   */
  float[] gradients() {
    return gradients.toFloats();
  }

  @Override
  public void close() {
    if (exchange != null) {
      exchange.close();
    }
    workspace.close();
    for (Tensor tensor : new Tensor[] {parameters, gradients, segments}) {
      tensor.close();
    }
    for (@Nullable Tensor tensor :
        new @Nullable Tensor[] {moment1, moment2, average, zeros, copies, classWeights, norms}) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }
}
