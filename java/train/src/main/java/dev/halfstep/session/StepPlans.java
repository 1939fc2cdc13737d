package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Call;
import dev.halfstep.graph.Calls;
import dev.halfstep.graph.CrossEntropyRowsOp;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Plan;
import dev.halfstep.graph.Value;
import dev.halfstep.internal.RingRecord;
import dev.halfstep.internal.ScheduleRow;
import dev.halfstep.internal.Segment;
import dev.halfstep.internal.StepState;
import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.OptimizerStepKernel;
import dev.halfstep.kernel.StepKernels;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.random.RandomStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Builds the plans of training. A step is one or more micro-batches (batch, forward, loss,
 * backward) and then the end (check of the gradients, update, counters). The first micro-batch
 * overwrites the gradients; later ones add to them.
 */
final class StepPlans {
  private final SessionOptions options;
  private final BatchSource source;

  StepPlans(SessionOptions options, BatchSource source) {
    this.options = options;
    this.source = source;
  }

  /** The plans of one step of {@code rows} rows, in order. */
  List<Feed.Part> parts(int rows) {
    int most = Math.min(options.microBatch(), rows);
    boolean together = options.collective() != null;
    if (rows == most && !together) {
      return List.of(new Feed.Part(step(rows), 1));
    }
    List<Feed.Part> parts = new ArrayList<>();
    parts.add(new Feed.Part(microBatch(most, rows, false), 1));
    if (rows / most > 1) {
      parts.add(new Feed.Part(microBatch(most, rows, true), rows / most - 1));
    }
    if (rows % most > 0) {
      parts.add(new Feed.Part(microBatch(rows % most, rows, true), 1));
    }
    parts.add(new Feed.Part(end(rows), 1, together));
    return parts;
  }

  /** The plan of a step with a single micro-batch. */
  private Plan step(int rows) {
    Calls calls = new Calls();
    Graph graph = addMicroBatch(calls, rows, rows, false);
    addEnd(graph, calls, rows);
    return new Plan("training step, batch " + rows, calls, List.of());
  }

  /** The plan of one of several micro-batches of a step of {@code window} rows. */
  private Plan microBatch(int rows, int window, boolean accumulate) {
    Calls calls = new Calls();
    addMicroBatch(calls, rows, window, accumulate);
    String which = accumulate ? "later" : "first";
    return new Plan(which + " micro-batch of " + rows + ", batch " + window, calls, List.of());
  }

  /** The plan of the end of a step of {@code window} rows. */
  private Plan end(int window) {
    Calls calls = new Calls();
    addEnd(new Graph(options.storage(), true), calls, window);
    return new Plan("end of a step, batch " + window, calls, List.of());
  }

  /** The plan that evaluates {@code rows} rows. */
  List<Feed.Part> evaluationParts(int rows) {
    return List.of(new Feed.Part(evaluation(rows), 1));
  }

  /** The plan that adds the loss and metrics of {@code rows} rows to the state's sums. */
  private Plan evaluation(int rows) {
    Calls calls = new Calls();
    Graph graph = new Graph(options.storage(), false);
    addLoss(graph, calls, rows, rows);
    addMicroBatchEnd(graph, calls, rows);
    return new Plan("evaluation, batch " + rows, calls, List.of());
  }

  /** The plan that computes the gradients of {@code rows} rows without an update. */
  List<Feed.Part> gradientParts(int rows) {
    Calls calls = new Calls();
    addMicroBatchEnd(addMicroBatch(calls, rows, rows, false), calls, rows);
    return List.of(new Feed.Part(new Plan("gradients, batch " + rows, calls, List.of()), 1));
  }

  /** The plan that writes the model's outputs for {@code rows} rows to the inputs named outputs. */
  List<Feed.Part> outputParts(int rows) {
    Calls calls = new Calls();
    Graph graph = new Graph(options.storage(), false);
    Value state = state(graph);
    graph.step(state, dropoutKey());
    Map<String, Value> said =
        options.model().build(graph, source.build(graph, rows, state).features());
    calls.forward(graph);
    int index = 0;
    for (String name : options.model().outputs().keySet()) {
      Value output = Objects.requireNonNull(said.get(name));
      Value place = graph.input(BatchSource.outputs(index++), output.type(), output.shape());
      calls.add(
          Call.of(
              "outputs",
              List.of(output),
              List.of(place),
              0,
              (stream, at) -> Copy.run(stream, at.of(place), at.of(output), place.bytes())));
    }
    addMicroBatchEnd(graph, calls, rows);
    return List.of(new Feed.Part(new Plan("outputs, batch " + rows, calls, List.of()), 1));
  }

  /**
   * The number of classes of each target of a loss of named targets, in order, taken from the
   * cross-entropies that it computes; 0 for values, and for labels that no cross-entropy reads.
   *
   * @throws IllegalArgumentException if a layer or the loss does not take what it is given
   */
  int[] classes() {
    Graph graph = new Graph(options.storage(), false);
    int rows = 2; // with one row, a loss that mixes samples would look like one loss per sample
    BatchSource.Batch batch = addLoss(graph, new Calls(), rows, rows);
    return batch.labels().values().stream()
        .mapToInt(labels -> Math.toIntExact(CrossEntropyRowsOp.classes(graph, labels)))
        .toArray();
  }

  private Graph addMicroBatch(Calls calls, int rows, int window, boolean accumulate) {
    Graph graph = new Graph(options.storage(), true);
    addLoss(graph, calls, rows, window);
    calls.backward(graph, accumulate);
    if (rows != window) {
      addMicroBatchEnd(graph, calls, rows);
    }
    return graph;
  }

  private BatchSource.Batch addLoss(Graph graph, Calls calls, int rows, int window) {
    Value state = state(graph);
    graph.step(state, dropoutKey());
    BatchSource.Batch batch = source.build(graph, rows, state);
    Map<String, Value> outputs = options.model().build(graph, batch.features());
    source.loss().add(outputs, batch.labels(), state, 1 / units(window));
    calls.forward(graph);
    return batch;
  }

  /** The key of dropout masks; each worker has another key, because it has other samples. */
  private long dropoutKey() {
    Collective collective = options.collective();
    int rank = collective == null ? 0 : collective.rank();
    return RandomStream.DROPOUT.key(options.seed()) + rank;
  }

  /** The weight that the backward pass assumes for {@code window} rows. */
  private float units(int window) {
    return (float) window * source.unitsPerSample();
  }

  private void addMicroBatchEnd(Graph graph, Calls calls, int rows) {
    Value state = state(graph);
    calls.add(
        Call.of(
            "micro-batch end",
            List.of(state),
            List.of(state),
            0,
            (stream, at) -> StepKernels.microStepEnd(stream, at.of(state), rows)));
  }

  private void addEnd(Graph graph, Calls calls, int window) {
    Value gradients = arena(graph, "gradients");
    Value state = state(graph);
    float units = units(window);
    long count = gradients.shape().elements();
    if (options.checksGradients()) {
      calls.add(
          Call.of(
              "gradient check",
              List.of(gradients),
              List.of(state),
              2 * count,
              (stream, at) ->
                  StepKernels.gradientCheck(
                      stream, count, at.of(gradients), at.of(state), units, options.clipNorm())));
    }
    addUpdate(graph, calls, gradients, units);
    if (options.averageDecay() > 0) {
      addAverage(graph, calls);
    }
    if (window <= options.microBatch()) {
      addMicroBatchEnd(graph, calls, window);
    }
    addStepEnd(graph, calls);
  }

  private void addUpdate(Graph graph, Calls calls, Value gradients, float units) {
    Value parameters = arena(graph, "parameters");
    Value moment1 = options.optimizer().moments() > 0 ? arena(graph, "moment1") : null;
    Value moment2 = options.optimizer().moments() > 1 ? arena(graph, "moment2") : null;
    boolean copied = options.storage() != DType.F32;
    Value copies = copied ? graph.input("copies", options.storage(), gradients.shape()) : null;
    Value schedule = schedule(graph);
    Value state = state(graph);
    int segmentCount = options.model().parameters().list().size();
    Value segments =
        graph.input("segments", DType.U8, Shape.of((long) segmentCount * Segment.BYTES));
    Value norms =
        options.optimizer().usesNorms()
            ? graph.input("norms", DType.F64, Shape.of(2L, segmentCount))
            : null;
    List<Value> changed = new ArrayList<>(List.of(parameters));
    if (moment1 != null) {
      changed.add(moment1);
    }
    if (moment2 != null) {
      changed.add(moment2);
    }
    List<Value> read = new ArrayList<>(changed);
    read.add(gradients);
    if (copies != null) {
      changed.add(copies);
    }
    long count = gradients.shape().elements();
    OptimizerStepKernel.Builder kernel =
        options
            .optimizer()
            .kernel(count)
            .weightUnits(units)
            .checked(options.checksGradients())
            .copyType(options.storage());
    calls.add(
        Call.of(
            "update",
            read,
            changed,
            options.optimizer().flopsPerParameter() * count,
            (stream, at) ->
                kernel
                    .build()
                    .run(
                        stream,
                        at.of(parameters),
                        at.of(gradients),
                        at.of(moment1),
                        at.of(moment2),
                        at.of(copies),
                        at.of(state),
                        at.of(schedule),
                        at.of(segments),
                        segmentCount,
                        at.of(norms))));
  }

  /**
   * Computes the moving average of the weights as the momentum of an SGD with learning rate 0: v =
   * decay v + g with the gradient g = 0 + (1 - decay) p. Skipped steps skip it too.
   */
  private void addAverage(Graph graph, Calls calls) {
    Value parameters = arena(graph, "parameters");
    Value average = arena(graph, "average");
    Value zeros = arena(graph, "zeros");
    Value state = state(graph);
    long count = parameters.shape().elements();
    float decay = (float) options.averageDecay();
    OptimizerStepKernel.Builder kernel =
        OptimizerStepKernel.sgd(count)
            .learningRate(0)
            .momentum(decay, false)
            .weightDecay(1 - decay)
            .checked(options.checksGradients());
    calls.add(
        Call.of(
            "average of weights",
            List.of(parameters, average, zeros, state),
            List.of(parameters, average),
            5 * count,
            (stream, at) ->
                kernel
                    .build()
                    .run(
                        stream,
                        at.of(parameters),
                        at.of(zeros),
                        at.of(average),
                        0,
                        0,
                        at.of(state),
                        0,
                        0,
                        0,
                        0)));
  }

  private void addStepEnd(Graph graph, Calls calls) {
    Value state = state(graph);
    Value schedule = schedule(graph);
    Value ring = graph.input("ring", DType.U8, Shape.of(RingRecord.BYTES));
    LossScaling scaling = options.lossScaling();
    StepKernels.LossScaler scaler =
        scaling == null
            ? null
            : new StepKernels.LossScaler(
                scaling.growth(), scaling.backoff(), scaling.interval(), scaling.minimum());
    calls.add(
        Call.of(
            "step end",
            List.of(state),
            List.of(state, ring),
            0,
            (stream, at) ->
                StepKernels.stepEnd(
                    stream,
                    at.of(state),
                    at.of(schedule),
                    scaler,
                    at.of(ring),
                    options.pendingSteps())));
  }

  private Value arena(Graph graph, String name) {
    return graph.input(name, DType.F32, Shape.of(options.model().parameters().arenaSize()));
  }

  private Value schedule(Graph graph) {
    return graph.input(
        "schedule", DType.U8, Shape.of((long) options.pendingSteps() * ScheduleRow.BYTES));
  }

  private static Value state(Graph graph) {
    return graph.input("state", DType.U8, Shape.of(StepState.BYTES));
  }
}
