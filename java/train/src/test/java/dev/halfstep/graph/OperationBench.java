package dev.halfstep.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Order;
import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.HostStepState;
import dev.halfstep.kernel.StepKernels;
import dev.halfstep.train.TestDevice;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/**
 * Runs operations whose inputs are parameters, on memory filled with NaN before. It computes their
 * output and the gradients of the loss sum((y - t)^2) with fixed targets t, and checks the
 * gradients by central differences.
 */
final class OperationBench implements AutoCloseable {
  /** The key of dropout in every graph. */
  static final long DROPOUT_KEY = 77;

  /** The result of a run; parameters and gradients are laid out by the table. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Result(float[] output, double loss, float[] parameters, float[] gradients) {}

  private final Device device = TestDevice.open();
  private final Parameters table;
  private final DType storage;
  private final int[] tokens;
  private final Function<Graph, Value> network;

  OperationBench(DType storage, Function<Graph, Value> network, Parameter... parameters) {
    this(storage, new int[] {0}, network, parameters);
  }

  /** A network whose tokens are {@code graph.input("tokens", I32, [tokens])}. */
  OperationBench(
      DType storage, int[] tokens, Function<Graph, Value> network, Parameter... parameters) {
    this.storage = storage;
    this.tokens = tokens;
    this.network = network;
    this.table = new Parameters(List.of(parameters));
  }

  /** An input under test. */
  static Parameter parameter(String name, long... shape) {
    return new Parameter(name, Shape.of(shape), new Initializer.Constant(0));
  }

  /** A parameter without gradient, such as running statistics. */
  static Parameter state(String name, long... shape) {
    return parameter(name, shape).as(Parameter.Role.STATE);
  }

  Parameters table() {
    return table;
  }

  /**
   * Fixed values for all parameters, in random order. Their distances from each other and from 0
   * are so large that the steps of central differences change neither a maximum nor a sign.
   */
  float[] values() {
    float[] values = new float[(int) table.arenaSize()];
    for (Parameter parameter : table.list()) {
      int count = (int) parameter.shape().elements();
      int[] order = Order.permutation(parameter.name().hashCode(), 0, count);
      int offset = (int) table.offset(parameter);
      for (int i = 0; i < count; i++) {
        float value = Math.max(0.08f, 2.4f / count) * (order[i] + 0.5f - 0.5f * count);
        boolean positive = parameter.role() == Parameter.Role.STATE;
        values[offset + i] = positive ? 0.5f + Math.abs(value) : value;
      }
    }
    return values;
  }

  /** A parameter's part of an arena, in fp64. */
  double[] part(float[] arena, String name) {
    Parameter parameter = table.get(name);
    int offset = (int) table.offset(parameter);
    double[] part = new double[(int) parameter.shape().elements()];
    for (int i = 0; i < part.length; i++) {
      part[i] = arena[offset + i];
    }
    return part;
  }

  /** The forward pass of a graph for evaluation. */
  Result evaluate(float[] values) {
    return run(values, false);
  }

  /** The forward and backward pass of a graph for training. */
  Result train(float[] values) {
    return run(values, true);
  }

  private Result run(float[] values, boolean training) {
    Graph graph = new Graph(storage, training);
    Value state = graph.input("state", DType.U8, Shape.of(HostStepState.BYTES));
    graph.step(state, DROPOUT_KEY);
    Value y = network.apply(graph);
    int count = (int) y.shape().elements();
    Value flat = Ops.reshape(y, Shape.of(1, count));
    Value target = graph.input("target", DType.F32, Shape.of(1, count));
    Value kept = Ops.reshape(y, Shape.of(count));
    Value output = graph.input("output", y.type(), Shape.of(count));
    Calls calls = new Calls();
    StepOps.pointwiseLoss(PointwiseLossOp.Kind.SQUARED_ERROR, flat, target, state, 1);
    calls.forward(graph);
    if (training) {
      calls.backward(graph, false);
    }
    // The gradient of the loss may overwrite y, so y is copied before it is computed.
    List<Call> list = calls.list();
    int loss = 0;
    while (!list.get(loss).name().equals("squared_error")) {
      loss++;
    }
    Calls all = new Calls();
    list.subList(0, loss).forEach(all::add);
    all.add(
        Call.of(
            "output",
            List.of(kept),
            List.of(output),
            0,
            (stream, at) -> Copy.run(stream, at.of(output), at.of(kept), kept.bytes())));
    list.subList(loss, list.size()).forEach(all::add);
    return launch(new Plan("operations", all, List.of()), values, output);
  }

  private Result launch(Plan plan, float[] values, Value output) {
    int count = (int) output.shape().elements();
    try (Tensor arena = device.empty(DType.U8, Shape.of(plan.arenaBytes()));
        Tensor parameters = device.tensor(Shape.of(values.length), values);
        Tensor copies = device.empty(storage, parameters.shape());
        Tensor gradients = device.empty(DType.F32, parameters.shape());
        Tensor targets = device.tensor(Shape.of(count), targets(count));
        Tensor tokenTensor = device.tensor(Shape.of(tokens.length), tokens);
        Tensor result = device.empty(output.type(), Shape.of(count));
        Tensor state = StepKernels.newState(device)) {
      Copy.fill(device.stream(), arena, 255); // 0xffffffff and 0xffff are NaN
      dev.halfstep.kernel.CastKernel.of(
              parameters.dtype(), copies.dtype(), parameters.shape().elements())
          .run(device.stream(), parameters, copies);
      Copy.fill(device.stream(), gradients, Float.NaN);
      Map<String, Long> inputs = new HashMap<>();
      inputs.put("target", targets.address());
      inputs.put("tokens", tokenTensor.address());
      inputs.put("output", result.address());
      inputs.put("state", state.address());
      ValueAddresses.Arenas arenas =
          new ValueAddresses.Arenas(
              table, arena.address(), parameters.address(), copies.address(), gradients.address());
      plan.run(device.stream(), plan.addresses(arenas, inputs));
      HostStepState sums = new HostStepState();
      sums.download(state);
      return new Result(
          result.toFloats(), sums.lossSum(), parameters.toFloats(), gradients.toFloats());
    }
  }

  private static float[] targets(int count) {
    Random random = new Random(99);
    float[] targets = new float[count];
    for (int i = 0; i < count; i++) {
      targets[i] = (float) random.nextGaussian();
    }
    return targets;
  }

  /** Asserts that all gradients equal central differences, extrapolated to h = 0. */
  void assertGradients() {
    float[] values = values();
    float[] gradients = train(values).gradients();
    float h = 0x1p-6f;
    for (Parameter parameter : table.list()) {
      int offset = (int) table.offset(parameter);
      if (parameter.role() != Parameter.Role.TRAINED) {
        assertEquals(Float.NaN, gradients[offset], parameter.name() + " has a gradient");
        continue;
      }
      double largest = largest(part(gradients, parameter.name()));
      for (int i = offset; i < offset + parameter.shape().elements(); i++) {
        double expected = (4 * slope(values, i, h) - slope(values, i, 2 * h)) / 3;
        double bound = 2e-3 * Math.max(1, Math.max(Math.abs(expected), 0.1 * largest));
        assertEquals(expected, gradients[i], bound, parameter.name() + "[" + (i - offset) + "]");
      }
    }
  }

  private static double largest(double[] values) {
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private double slope(float[] values, int index, float h) {
    float center = values[index];
    values[index] = center + h;
    double above = train(values).loss();
    values[index] = center - h;
    double below = train(values).loss();
    values[index] = center;
    return (above - below) / (2 * h);
  }

  @Override
  public void close() {
    device.close();
  }
}
