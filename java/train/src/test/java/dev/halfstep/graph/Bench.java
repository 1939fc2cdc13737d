package dev.halfstep.graph;

import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.HostStepState;
import dev.halfstep.kernel.StepKernels;
import dev.halfstep.train.TestDevice;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Runs a small network that ends with cross-entropy, on memory filled with NaN before, and returns
 * loss and gradients.
 */
final class Bench implements AutoCloseable {
  /** The result of a run. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Result(double loss, float[] gradients) {}

  private final Device device = TestDevice.open();
  private final Parameters table;
  private final DType storage;
  private final Shape inputShape;
  private final float[] input;
  private final int[] labels;
  private final Function<Graph, Value> network;

  /**
   * A network under test.
   *
   * @param network computes logits; its input is {@code graph.input("x", storage, inputShape)}
   */
  Bench(
      DType storage,
      List<Parameter> parameters,
      Shape inputShape,
      float[] input,
      int[] labels,
      Function<Graph, Value> network) {
    this.table = new Parameters(parameters);
    this.storage = storage;
    this.inputShape = inputShape;
    this.input = input;
    this.labels = labels;
    this.network = network;
  }

  Parameters table() {
    return table;
  }

  /** Runs the forward and backward pass, as a captured list or call by call. */
  Result run(float[] weights, boolean captured, boolean accumulate, float gradientsBefore) {
    Graph graph = new Graph(storage, true);
    Value logits = network.apply(graph);
    Value y = graph.input("y", DType.I32, Shape.of(labels.length));
    Value state = graph.input("state", DType.U8, Shape.of(HostStepState.BYTES));
    StepOps.crossEntropy(logits, y, null, state, 0, -1, 1f / labels.length);
    Calls calls = new Calls();
    calls.forward(graph);
    calls.backward(graph, accumulate);
    Plan plan = new Plan("bench", calls, List.of());
    try (Tensor arena = poisoned(DType.U8, Shape.of(plan.arenaBytes()));
        Tensor parameters = device.tensor(Shape.of(weights.length), weights);
        Tensor copies = device.empty(storage, parameters.shape());
        Tensor gradients = device.empty(DType.F32, parameters.shape());
        Tensor x = device.empty(storage, inputShape);
        Tensor targets = device.tensor(Shape.of(labels.length), labels);
        Tensor stepState = StepKernels.newState(device)) {
      dev.halfstep.kernel.CastKernel.of(
              parameters.dtype(), copies.dtype(), parameters.shape().elements())
          .run(device.stream(), parameters, copies);
      Copy.fill(device.stream(), gradients, gradientsBefore);
      x.upload(input);
      Map<String, Long> inputs = new HashMap<>();
      inputs.put("x", x.address());
      inputs.put("y", targets.address());
      inputs.put("state", stepState.address());
      ValueAddresses at =
          plan.addresses(
              new ValueAddresses.Arenas(
                  table,
                  arena.address(),
                  parameters.address(),
                  copies.address(),
                  gradients.address()),
              inputs);
      launch(plan, at, captured);
      HostStepState sums = new HostStepState();
      sums.download(stepState);
      return new Result(sums.lossSum() / sums.weight(), gradients.toFloats());
    }
  }

  /** Runs call by call; the gradients overwrite NaN. */
  Result run(float[] weights) {
    return run(weights, false, false, Float.NaN);
  }

  private void launch(Plan plan, ValueAddresses at, boolean captured) {
    if (!captured) {
      plan.run(device.stream(), at);
      return;
    }
    try (CommandList list = plan.record(device.stream(), at)) {
      device.stream().launch(list);
    }
  }

  private Tensor poisoned(DType type, Shape shape) {
    Tensor tensor = device.empty(type, shape);
    Copy.fill(device.stream(), tensor, 255); // 0xffffffff and 0xffff are NaN
    return tensor;
  }

  @Override
  public void close() {
    device.close();
  }
}
