package dev.halfstep.onnx;

import static dev.halfstep.graph.Ops.add;
import static dev.halfstep.graph.Ops.constant;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;
import dev.halfstep.kernel.Activation;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Each operation alone computes in ONNX Runtime what Halfstep computes. */
class OperationExportTest {
  private static final Shape ROW = Shape.of(6);
  private static final Shape TOKENS = Shape.of(5, 6);
  private static final Shape IMAGE = Shape.of(7, 6, 4);
  private static final Initializer NORMAL = new Initializer.Normal(0, 1);

  /** Operations that read targets or the state of a step, and so belong to training. */
  private static final Set<String> OF_TRAINING =
      Set.of("CrossEntropyOp", "CrossEntropyRowsOp", "DropoutOp", "GatherOp", "PointwiseLossOp");

  private final Map<String, Model> cases = new LinkedHashMap<>();

  private void on(String name, Shape sample, Layer layer) {
    assertFalse(cases.containsKey(name), name);
    cases.put(name, OnnxRuntime.drawn(Model.of(sample, layer)));
  }

  private static Value weight(Scope scope, long... shape) {
    return scope.parameter("weight", Shape.of(shape), NORMAL);
  }

  private static Value vector(Scope scope, String name, long size) {
    return scope.parameter(name, Shape.of(size), NORMAL);
  }

  private static Value positive(Value x) {
    return add(Ops.abs(x), constant(x.graph(), 0.5f));
  }

  private void products() {
    on("linear", ROW, (s, x) -> Ops.linear(x, weight(s, 3, 6), vector(s, "bias", 3)));
    on("linear without bias", ROW, (s, x) -> Ops.linear(x, weight(s, 3, 6), null));
    for (Activation activation : List.of(Activation.RELU, Activation.GELU)) {
      on(
          "linear and " + activation,
          TOKENS,
          (s, x) -> Ops.linear(x, weight(s, 3, 6), vector(s, "bias", 3), activation));
    }
    on("linear of images", IMAGE, (s, x) -> Ops.linear(x, weight(s, 3, 4), null));
    on("linear of computed weights", ROW, (s, x) -> Ops.linear(x, Ops.tanh(weight(s, 3, 6)), null));
    on("matmul", TOKENS, (s, x) -> Ops.matmul(Ops.permute(x, 0, 2, 1), x));
    on("matmul transposed", TOKENS, (s, x) -> Ops.matmul(x, Ops.relu(x), false, true, 0.3f));
    on("matmul transposed twice", TOKENS, (s, x) -> squares(x, true, true));
    on("matmul of a", TOKENS, (s, x) -> Ops.matmul(x, Ops.tanh(x), true, false, 1));
  }

  private static Value squares(Value x, boolean transposeA, boolean transposeB) {
    Value square = Ops.matmul(x, x, false, true, 1);
    return Ops.matmul(square, Ops.relu(square), transposeA, transposeB, 0.1f);
  }

  private void images() {
    Window window = Window.of(3, 2);
    List<Window> windows =
        List.of(window, window.stride(2, 1), window.padding(1, 0), window.dilation(2));
    for (Window each : windows) {
      on("conv2d " + each, IMAGE, (s, x) -> Ops.conv2d(x, weight(s, 6, 3, 2, 4), null, each));
    }
    on(
        "conv2d in groups",
        IMAGE,
        (s, x) -> Ops.conv2d(x, weight(s, 6, 3, 2, 2), vector(s, "bias", 6), window));
    for (Activation activation : List.of(Activation.RELU, Activation.GELU)) {
      on(
          "conv2d and " + activation,
          IMAGE,
          (s, x) -> Ops.conv2d(x, weight(s, 4, 3, 2, 1), vector(s, "bias", 4), window, activation));
    }
    Window pool = Window.of(3, 2).stride(2, 2).padding(1, 1);
    on("max_pool", IMAGE, (s, x) -> Ops.maxPool2d(x, pool));
    on("average_pool", IMAGE, (s, x) -> Ops.averagePool2d(x, pool, false));
    on("padded average_pool", IMAGE, (s, x) -> Ops.averagePool2d(x, pool, true));
    on("resize up", IMAGE, (s, x) -> Ops.resize(x, 11, 13));
    on("resize down", IMAGE, (s, x) -> Ops.resize(x, 3, 4));
    on("resize to a pixel", IMAGE, (s, x) -> Ops.resize(x, 1, 1));
  }

  private void normalizations() {
    for (Shape shape : List.of(ROW, TOKENS, IMAGE)) {
      int channels = (int) shape.dim(-1);
      on("batch_norm " + shape, shape, (s, x) -> batchNorm(s, x, null, Activation.NONE));
      on("batch_norm, residual " + shape, shape, (s, x) -> batchNorm(s, x, x, Activation.RELU));
      on(
          "layer_norm " + shape,
          shape,
          (s, x) -> Ops.layerNorm(x, vector(s, "g", channels), vector(s, "b", channels), 1e-4f));
      for (int groups : List.of(1, 2, channels)) {
        on(
            groups + " groups " + shape,
            shape,
            (s, x) ->
                Ops.groupNorm(x, vector(s, "g", channels), vector(s, "b", channels), groups, 0.1f));
      }
    }
    on("softmax", ROW, (s, x) -> Ops.softmax(x));
    on("softmax scaled", TOKENS, (s, x) -> Ops.softmax(x, 2, false, null));
    on("softmax causal", TOKENS, (s, x) -> Ops.softmax(x, 0.5f, true, null));
  }

  private static Value batchNorm(Scope s, Value x, Value residual, Activation activation) {
    long channels = x.shape().dim(-1);
    return Ops.batchNorm(
        x,
        vector(s, "g", channels),
        vector(s, "b", channels),
        residual,
        vector(s, "mean", channels),
        vector(s, "variance", channels),
        activation,
        1e-3f,
        0.1f);
  }

  private void elements() {
    on("relu", ROW, (s, x) -> Ops.relu(x));
    on("gelu", IMAGE, (s, x) -> Ops.gelu(x));
    on("sigmoid", ROW, (s, x) -> Ops.sigmoid(x));
    on("tanh", TOKENS, (s, x) -> Ops.tanh(x));
    on("abs", ROW, (s, x) -> Ops.abs(x));
    on("sqrt", ROW, (s, x) -> Ops.sqrt(positive(x)));
    on("exp", ROW, (s, x) -> Ops.exp(x));
    on("log", ROW, (s, x) -> Ops.log(positive(x)));
    on("scale", ROW, (s, x) -> Ops.scale(x, -1.5f));
    on("cast", ROW, (s, x) -> Ops.cast(Ops.cast(x, DType.BF16), DType.F32));
    on("add a bias", IMAGE, (s, x) -> add(x, vector(s, "bias", 4)));
    on("subtract", TOKENS, (s, x) -> Ops.subtract(x, weight(s, 5, 6)));
    on("multiply", TOKENS, (s, x) -> Ops.multiply(x, Ops.sigmoid(x)));
    on("divide", ROW, (s, x) -> Ops.divide(x, positive(x)));
    on("maximum", ROW, (s, x) -> Ops.maximum(x, constant(x.graph(), 0.25f)));
    on("minimum", ROW, (s, x) -> Ops.minimum(x, vector(s, "bias", 6)));
    on("a constant of all", ROW, (s, x) -> Ops.divide(ones(x), positive(x)));
    on("a constant array", ROW, (s, x) -> add(x, constant(x.graph(), ROW, 1, 2, 3, 4, 5, 6)));
    on("only a constant", ROW, (s, x) -> ones(x));
  }

  private static Value ones(Value x) {
    return constant(x.graph(), 1, x.shape());
  }

  private void layouts() {
    for (int axis = 1; axis <= 3; axis++) {
      int over = axis;
      on("sum over " + axis, IMAGE, (s, x) -> Ops.sum(x, over));
      on("concat over " + axis, IMAGE, (s, x) -> Ops.concat(List.of(x, Ops.relu(x)), over));
      on(
          "split over " + axis,
          IMAGE,
          (s, x) -> Ops.split(x, over, 3, x.shape().dim(over) - 3).get(0));
    }
    on("mean of all", TOKENS, (s, x) -> Ops.mean(x, 1, 2));
    on("mean apart", IMAGE, (s, x) -> Ops.mean(x, 1, -1));
    on("max", IMAGE, (s, x) -> Ops.max(x, 1, 2));
    on("permute", IMAGE, (s, x) -> Ops.permute(x, 0, 3, 1, 2));
    on("concat of batches", ROW, (s, x) -> halved(Ops.concat(List.of(x, Ops.tanh(x)), 0)));
    on("reshape to rows", TOKENS, (s, x) -> rowsAndBack(x));
    on(
        "the batch second",
        TOKENS,
        (s, x) -> Ops.permute(Ops.relu(Ops.permute(x, 1, 0, 2)), 1, 0, 2));
    on("nothing", ROW, (s, x) -> x);
  }

  /** The second half of a batch. */
  private static Value halved(Value x) {
    long half = x.shape().dim(0) / 2;
    return Ops.split(x, 0, half, half).get(1);
  }

  private static Value rowsAndBack(Value x) {
    Value rows = Ops.reshape(x, Shape.of(x.shape().dim(0) * 5, 6));
    return Ops.reshape(Ops.softmax(rows), Shape.of(x.shape().dim(0), 3, 10));
  }

  /** Operations in a row that work channels-first, with others between them. */
  private void channelsFirst() {
    Layer convolution = (s, x) -> Ops.conv2d(x, weight(s, 4, 1, 1, 4), null, Window.of(1, 1));
    Map<String, Layer> after = new LinkedHashMap<>();
    after.put("relu", (s, x) -> Ops.scale(Ops.relu(x), 2));
    after.put("add", (s, x) -> add(x, Ops.tanh(x)));
    after.put("add a number", (s, x) -> add(x, constant(x.graph(), 1, Shape.of(1, 1))));
    after.put("add a bias", (s, x) -> add(x, vector(s, "bias", 4)));
    after.put("mean", (s, x) -> Ops.mean(x, 1, 2));
    after.put("sum of rows", (s, x) -> Ops.sum(x, 1));
    after.put("reshape", (s, x) -> Ops.reshape(x, Shape.of(x.shape().dim(0), 168)));
    after.put("layer_norm", (s, x) -> Ops.layerNorm(x, vector(s, "g", 4), vector(s, "b", 4), 1));
    after.put("linear", (s, x) -> Ops.linear(x, weight(s, 3, 4), null));
    after.put("softmax", (s, x) -> Ops.softmax(x));
    for (int axis = 0; axis <= 3; axis++) {
      int over = axis;
      after.put(
          "concat over " + axis, (s, x) -> halfOf(Ops.concat(List.of(x, Ops.relu(x)), over), over));
    }
    after.forEach(
        (name, layer) ->
            on(
                "conv2d, then " + name,
                IMAGE,
                (s, x) -> s.apply("b", layer, s.apply("a", convolution, x))));
  }

  private static Value halfOf(Value x, int axis) {
    long half = x.shape().dim(axis) / 2;
    return Ops.split(x, axis, half, half).get(1);
  }

  @TestFactory
  List<DynamicTest> eachOperation() {
    products();
    images();
    normalizations();
    elements();
    layouts();
    channelsFirst();
    List<DynamicTest> tests = new ArrayList<>();
    cases.forEach(
        (name, model) ->
            tests.add(DynamicTest.dynamicTest(name, () -> OnnxRuntime.compare(model))));
    return tests;
  }

  @Test
  void padding() throws OrtException {
    // Token 0 is padding; some rows are nothing else.
    Model model =
        Model.of(
            List.of(
                ModelInput.ofTokens("tokens", Shape.of(4)), ModelInput.of("x", Shape.of(2, 4, 4))),
            (s, inputs) -> {
              Value tokens = inputs.get("tokens");
              Value x = inputs.get("x");
              Padding padding = new Padding(tokens, 0);
              Value table = weight(s, 2, 3);
              Map<String, Value> outputs = new LinkedHashMap<>();
              outputs.put("embedded", Ops.embedding(table, tokens));
              outputs.put("padded", Ops.softmax(x, 1, false, padding));
              outputs.put("both", Ops.softmax(x, 1, true, padding));
              outputs.put("rows", Ops.softmax(Ops.max(x, 1, 2), 1, false, padding));
              return outputs;
            });
    OnnxRuntime.compare(OnnxRuntime.drawn(model));
    Map<String, Object> samples = OnnxRuntime.samples(model, 8);
    float[] both = model.predict(samples).get("both");
    boolean nothingSeen = false;
    for (int row = 0; row < both.length; row += 4) {
      nothingSeen |= Arrays.equals(new float[4], Arrays.copyOfRange(both, row, row + 4));
    }
    assertTrue(nothingSeen, "no row sees padding only");
  }

  @Test
  void everyOperationIsKnownOrOfTraining() throws ReflectiveOperationException {
    Class<?>[] all = Class.forName("dev.halfstep.graph.KernelOp").getPermittedSubclasses();
    OnnxGraph onnx = new OnnxGraph();
    Model model = Model.of(ROW, (scope, x) -> x);
    Rules rules = new Rules(onnx, new Values(onnx, BatchShapes.of(model), model, DType.F32));
    Set<String> unknown =
        Arrays.stream(all)
            .filter(operation -> !rules.know(operation))
            .map(Class::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(new TreeSet<>(OF_TRAINING), unknown);
  }

  @Test
  void theCasesHaveEveryOperation() throws ReflectiveOperationException {
    eachOperation();
    Set<String> seen = new TreeSet<>(OF_TRAINING);
    seen.add("EmbeddingOp"); // see padding()
    for (Model model : cases.values()) {
      Graph graph = new Graph(DType.F32, false);
      model.build(graph, graph.input("x", DType.F32, model.sampleShape().prepend(2)));
      graph.operations().forEach(node -> seen.add(node.operation().getClass().getSimpleName()));
    }
    Set<String> all =
        Arrays.stream(Class.forName("dev.halfstep.graph.KernelOp").getPermittedSubclasses())
            .map(Class::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(all, seen);
  }
}
