package dev.halfstep.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.GELU;
import dev.halfstep.nn.GlobalAveragePool;
import dev.halfstep.nn.LayerNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.PositionEmbedding;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.nn.Softmax;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is read from a file predicts what ONNX Runtime says of it, and can be trained. */
class OnnxImportTest {
  private static final Shape IMAGE = Shape.of(8, 8, 4);

  @TempDir Path folder;

  private Path file(byte[] contents) throws IOException {
    return Files.write(folder.resolve("model.onnx"), contents);
  }

  /** Exports, imports, and compares with ONNX Runtime. */
  private Model readBack(OnnxExport export) throws IOException, OrtException {
    byte[] contents = export.toBytes();
    Model read = OnnxImport.read(file(contents));
    OnnxRuntime.compare(read, contents);
    return read;
  }

  /** As above, and compares with the first model. */
  private Model again(Model model) throws IOException, OrtException {
    OnnxRuntime.drawn(model);
    Model read = readBack(OnnxExport.of(model));
    Map<String, Object> samples = OnnxRuntime.samples(model, 5);
    read.predict(samples)
        .forEach(
            (name, values) ->
                assertTrue(
                    OnnxRuntime.difference(model.predict(samples).get(name), values) < 1e-5));
    return read;
  }

  private static Sequential block() {
    return Sequential.of(
        new Conv2d(8, 3).padding(1).withoutBias(),
        new BatchNorm(),
        new ReLU(),
        new Conv2d(8, 3).padding(1).groups(2),
        new BatchNorm());
  }

  private static Sequential resnet() {
    return Sequential.of(
        new Conv2d(8, 3).stride(2),
        new ReLU(),
        new Residual(block()),
        new ReLU(),
        new MaxPool2d(2),
        new Residual(block()),
        new GlobalAveragePool(),
        new Linear(3));
  }

  @Test
  void networksAreReadBack() throws IOException, OrtException {
    again(
        Model.of(
            IMAGE,
            Sequential.of(
                new Conv2d(8, 3), new Flatten(), new BatchNorm(), new Linear(6), new Softmax())));
    Model resnet = again(Model.of(IMAGE, resnet()));
    again(
        Model.ofTokens(
            Shape.of(5),
            Sequential.of(
                new Embedding(7, 6),
                new PositionEmbedding(5),
                new Residual(
                    Sequential.of(new LayerNorm(), new Linear(12), new GELU(), new Linear(6))),
                new Linear(4))));
    assertEquals(Parameter.Role.STATE, resnet.parameters().get("2.1.running_mean").role());
    assertEquals(Shape.of(8, 3, 3, 4), resnet.parameters().get("0.weight").shape());
  }

  @Test
  void functionsOfElementsAreReadBack() throws IOException, OrtException {
    again(
        Model.of(
            Shape.of(6),
            (s, x) ->
                Ops.divide(
                    Ops.exp(Ops.scale(x, 0.5f)),
                    Ops.add(Ops.abs(Ops.tanh(x)), Ops.constant(x.graph(), 1)))));
    again(
        Model.of(
            IMAGE,
            (s, x) -> {
              Value y = s.apply("conv", new Conv2d(4, 1), x);
              List<Value> parts = Ops.split(Ops.maximum(y, Ops.sigmoid(y)), 3, 1, 3);
              return Ops.sum(Ops.concat(List.of(parts.get(1), parts.get(0)), 3), 1);
            }));
  }

  @Test
  void imagesWithTheChannelsFirstAndSmallWeightsAreRead() throws IOException, OrtException {
    Model model = OnnxRuntime.drawn(Model.of(IMAGE, resnet()));
    Model read = readBack(OnnxExport.of(model).channelsFirst());
    assertEquals(Shape.of(4, 8, 8), read.sampleShape());
    assertArrayEquals(model.get("0.weight"), read.get("0.weight"));
    Model small = readBack(OnnxExport.of(model).weights(DType.F16));
    assertEquals(
        model.parameters().list().stream().map(Parameter::name).collect(Collectors.toSet()),
        small.parameters().list().stream().map(Parameter::name).collect(Collectors.toSet()));
  }

  @Test
  void trainingGoesOnAndTheModelIsExportedAgain() throws IOException, OrtException {
    Split digits = Digits.generate(0);
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(
                new Conv2d(4, 3).stride(2),
                new BatchNorm(),
                new ReLU(),
                new Flatten(),
                new Linear(10)));
    Model read = readBack(OnnxExport.of(model.initialize(1)));
    History history =
        Trainer.builder(read, digits.train())
            .test(digits.heldOut())
            .optimizer(Optimizer.adamW(0.003))
            .batchSize(64)
            .epochs(1)
            .seed(1)
            .fit();
    double accuracy = history.test().orElseThrow().accuracy();
    assertTrue(accuracy > 0.8, "accuracy " + accuracy);
    OnnxRuntime.compare(read, OnnxExport.of(read).toBytes());
  }

  @Test
  void whatIsNotReadIsRefusedWithItsNode() throws IOException {
    Model causal =
        Model.of(
            Shape.of(3, 3), (s, x) -> s.apply("a", (t, y) -> Ops.softmax(y, 1, true, null), x));
    ModelFileException refused =
        assertThrows(
            ModelFileException.class,
            () -> OnnxImport.read(file(OnnxExport.of(causal.initialize(1)).toBytes())));
    assertTrue(
        refused.getMessage().contains("(Where to ") && refused.getMessage().contains("is not read"),
        refused.getMessage());
    assertTrue(refused.getMessage().contains("a."), refused.getMessage());
    Path text = Files.writeString(folder.resolve("text.onnx"), "not a model at all");
    refused = assertThrows(ModelFileException.class, () -> OnnxImport.read(text));
    assertTrue(refused.getMessage().startsWith(text.toString()), refused.getMessage());
  }

  /** A file of one input and one output, with nodes that Halfstep does not write. */
  private static byte[] written(long[] sample, Function<OnnxGraph, String> network) {
    OnnxGraph graph = new OnnxGraph();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("N");
    for (long extent : sample) {
      shape.addDimBuilder().setDimValue(extent);
    }
    graph.message().addInput(info(graph.unique("in.put"), shape.build()));
    String output = network.apply(graph);
    graph.nodeTo("out.put", "Identity", List.of(output));
    TensorShapeProto.Builder any = TensorShapeProto.newBuilder();
    any.addDimBuilder().setDimParam("N");
    any.addDimBuilder().setDimParam("M");
    graph.message().addOutput(info("out.put", any.build()));
    return ModelProto.newBuilder()
        .setIrVersion(9)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(20))
        .setGraph(graph.message())
        .build()
        .toByteArray();
  }

  private static ValueInfoProto info(String name, TensorShapeProto shape) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }

  private static String weights(OnnxGraph graph, String name, Long... shape) {
    long count = Stream.of(shape).reduce(1L, (x, y) -> x * y);
    float[] values = new float[(int) count];
    Random random = new Random(name.hashCode());
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return graph.constant(name, key -> Tensors.of(key, DType.F32, List.of(shape), values));
  }

  /** Reads a file and compares what it predicts with ONNX Runtime. */
  private Model compared(byte[] contents) throws IOException, OrtException {
    Model model = OnnxImport.read(file(contents));
    assertEquals("in_put", model.inputs().get(0).name());
    assertEquals(List.of("out_put"), List.copyOf(model.outputs().keySet()));
    try (OrtSession session = OnnxRuntime.ENVIRONMENT.createSession(contents)) {
      for (int batch : new int[] {1, 4}) {
        float[] samples = (float[]) OnnxRuntime.samples(model, batch).get("in_put");
        long[] shape = model.sampleShape().prepend(batch).toArray();
        try (OnnxTensor input =
                OnnxTensor.createTensor(OnnxRuntime.ENVIRONMENT, FloatBuffer.wrap(samples), shape);
            OrtSession.Result result = session.run(Map.of("in.put", input))) {
          FloatBuffer buffer = ((OnnxTensor) result.get(0)).getFloatBuffer();
          float[] wanted = new float[buffer.remaining()];
          buffer.get(wanted);
          assertTrue(OnnxRuntime.difference(wanted, model.predict(samples)) < 1e-5);
        }
      }
    }
    return model;
  }

  @Test
  void otherProgramsFormsOfALinearLayerAreRead() throws IOException, OrtException {
    Model model =
        compared(
            written(
                new long[] {3},
                graph -> {
                  String product =
                      graph.node("MatMul", List.of("in.put", weights(graph, "a.weight", 3L, 5L)));
                  String sum = graph.node("Add", List.of(weights(graph, "a.bias", 5L), product));
                  String active = graph.node("Relu", List.of(sum));
                  return graph.node(
                      "Gemm",
                      List.of(
                          active,
                          graph.node("Identity", List.of(weights(graph, "b.weight", 5L, 2L))),
                          weights(graph, "b.bias", 1L, 2L)));
                }));
    assertEquals(Shape.of(5, 3), model.parameters().get("a.weight").shape());
    assertEquals(Shape.of(2, 5), model.parameters().get("b.weight").shape());
  }

  @Test
  void otherProgramsFormsOfImagesAreRead() throws IOException, OrtException {
    compared(
        written(
            new long[] {2, 6, 6},
            graph -> {
              List<String> convolved = List.of("in.put", weights(graph, "filters", 4L, 2L, 3L, 3L));
              String x =
                  graph.node("Conv", convolved, Attributes.of("pads", List.of(1L, 0L, 1L, 0L)));
              x = graph.node("Mul", List.of(x, weights(graph, "scale", 1L, 4L, 1L, 1L)));
              x = graph.node("Add", List.of(weights(graph, "shift", 4L, 1L, 1L), x));
              String left = graph.unique("left");
              String right = graph.unique("right");
              graph.node(
                  List.of(left, right),
                  "Split",
                  List.of(x),
                  Attributes.of("axis", 1),
                  Attributes.of("num_outputs", 2));
              x = graph.node("Concat", List.of(right, left), Attributes.of("axis", 1));
              String pooled = graph.node("GlobalAveragePool", List.of(x));
              String mean = graph.node("ReduceMax", List.of(x, graph.list(List.of(-1L, -2L))));
              String both = graph.node("Sub", List.of(pooled, mean));
              return graph.node("Flatten", List.of(both));
            }));
  }

  @Test
  void aTensorUsedInTwoOrdersIsRefused() throws IOException {
    byte[] contents =
        written(
            new long[] {2},
            graph -> {
              String square = weights(graph, "square", 2L, 2L);
              String first = graph.node("MatMul", List.of("in.put", square));
              return graph.node("Gemm", List.of(first, square), Attributes.of("transB", 1));
            });
    ModelFileException refused =
        assertThrows(ModelFileException.class, () -> OnnxImport.read(file(contents)));
    assertTrue(
        refused.getMessage().contains("tensor square is used in two orders"), refused.getMessage());
  }

  @Test
  void damagedFilesAreReadOrRefused() throws IOException {
    byte[] whole = OnnxExport.of(Model.of(IMAGE, resnet()).initialize(1)).toBytes();
    Random random = new Random(1);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      // The nodes come first; most of the file is weights.
      damaged[random.nextInt(2000)] = (byte) random.nextInt();
      try {
        OnnxImport.read(file(damaged));
      } catch (ModelFileException e) {
        refused++;
      }
    }
    assertTrue(refused > 30, refused + " refused");
  }
}
