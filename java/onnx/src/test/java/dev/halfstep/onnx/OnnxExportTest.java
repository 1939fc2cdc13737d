package dev.halfstep.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.CastKernel;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Sequential;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxExportTest {
  private static final Shape IMAGE = Shape.of(5, 4, 3);

  @TempDir Path folder;

  private static Model cnn() {
    return OnnxRuntime.drawn(
        Model.of(
            IMAGE,
            Sequential.of(
                new Conv2d(4, 3).padding(1),
                new ReLU(),
                new Residual(Sequential.of(new Conv2d(4, 1), new BatchNorm())),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(2))));
  }

  private static ModelProto read(byte[] file) throws InvalidProtocolBufferException {
    return ModelProto.parseFrom(file);
  }

  private static List<String> operators(byte[] file) throws InvalidProtocolBufferException {
    return read(file).getGraph().getNodeList().stream().map(NodeProto::getOpType).toList();
  }

  private static float[] run(byte[] file, float[] samples) throws OrtException {
    try (OrtSession session = OnnxRuntime.ENVIRONMENT.createSession(file)) {
      return OnnxRuntime.run(session, Map.of("features", samples)).get("output");
    }
  }

  /** Images of {@link #IMAGE}, channels last, with the channels first. */
  private static float[] channelsFirst(float[] images, int channels) {
    int pixels = 20;
    float[] result = new float[images.length];
    for (int i = 0; i < images.length; i++) {
      int image = i / (pixels * channels);
      int pixel = i / channels % pixels;
      result[(image * channels + i % channels) * pixels + pixel] = images[i];
    }
    return result;
  }

  @Test
  void aFileHasNamesWeightsClassesAndMetadata() throws IOException, OrtException {
    Path file = folder.resolve("model.onnx");
    SavedModel saved =
        SavedModel.of(cnn())
            .withClasses(List.of("yes", "\"no\""))
            .withMetadata(Map.of("author", "somebody"));
    OnnxExport.of(saved).write(file);
    assertArrayEquals(OnnxExport.of(saved).toBytes(), Files.readAllBytes(file));
    try (OrtSession session = OnnxRuntime.ENVIRONMENT.createSession(file.toString())) {
      assertEquals(List.of("features"), List.copyOf(session.getInputNames()));
      assertEquals(List.of("output"), List.copyOf(session.getOutputNames()));
      Map<String, String> metadata = session.getMetadata().getCustomMetadata();
      assertEquals(
          Map.of("author", "somebody", "halfstep.classes", "[\"yes\",\"\\\"no\\\"\"]"), metadata);
      assertEquals("Halfstep", session.getMetadata().getProducerName());
    }
    List<String> weights =
        read(Files.readAllBytes(file)).getGraph().getInitializerList().stream()
            .map(TensorProto::getName)
            .toList();
    for (Parameter parameter : saved.model().parameters().list()) {
      assertTrue(weights.contains(parameter.name()), parameter.name());
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList(), "nothing else is left in the folder");
    }
  }

  @Test
  void convolutionsInARowNeedNoTranspositions() throws InvalidProtocolBufferException {
    List<String> nodes = operators(OnnxExport.of(cnn()).toBytes());
    // One for the input, and one for the linear layer that reads the flattened image.
    assertEquals(2, nodes.stream().filter("Transpose"::equals).count(), nodes.toString());
    nodes = operators(OnnxExport.of(cnn()).channelsFirst().toBytes());
    assertEquals(1, nodes.stream().filter("Transpose"::equals).count(), nodes.toString());
  }

  @Test
  void channelsFirstTakesAndGivesImagesSo() throws OrtException {
    Model model = OnnxRuntime.drawn(Model.of(IMAGE, new Conv2d(2, 3).padding(1)));
    Normalization normalization =
        Normalization.of(new double[] {1, 2, 3}, new double[] {4, 5, 0.5});
    float[] samples = (float[]) OnnxRuntime.samples(model, 3).get("features");
    float[] wanted = channelsFirst(model.predict(samples), 2);
    OnnxExport export = OnnxExport.of(model).channelsFirst();
    float[] got = run(export.toBytes(), channelsFirst(samples, 3));
    assertTrue(OnnxRuntime.difference(wanted, got) < 1e-5);

    SavedModel saved = SavedModel.of(model).withNormalization(normalization);
    wanted = channelsFirst(model.predict(saved.prepared(samples)), 2);
    got = run(export.withNormalization(normalization).toBytes(), channelsFirst(samples, 3));
    assertTrue(OnnxRuntime.difference(wanted, got) < 1e-5);
  }

  @Test
  void aNormalizationIsPartOfTheFileWhenAsked() throws OrtException {
    for (Normalization normalization :
        List.of(
            Normalization.ofUnitPixels(0.5, 0.25),
            Normalization.of(new double[] {1, -2, 3}, new double[] {4, 0.5, 2}))) {
      SavedModel saved = SavedModel.of(cnn()).withNormalization(normalization);
      float[] samples = (float[]) OnnxRuntime.samples(saved.model(), 3).get("features");
      float[] wanted = saved.model().predict(saved.prepared(samples));
      byte[] file = OnnxExport.of(saved).withNormalization().toBytes();
      assertTrue(OnnxRuntime.difference(wanted, run(file, samples)) < 1e-5);
      byte[] without = OnnxExport.of(saved).toBytes();
      assertTrue(OnnxRuntime.difference(wanted, run(without, samples)) > 0.1);
    }
  }

  @Test
  void onlyOneOfSeveralInputsIsNormalized() throws OrtException {
    Model model =
        Model.of(
            List.of(ModelInput.of("a", Shape.of(2)), ModelInput.of("b", Shape.of(2))),
            (scope, inputs) -> Map.of("sum", Ops.add(inputs.get("a"), inputs.get("b"))));
    model.initialize(1);
    byte[] file =
        OnnxExport.of(model)
            .withNormalization("b", Normalization.of(new double[] {1}, new double[] {4}))
            .toBytes();
    try (OrtSession session = OnnxRuntime.ENVIRONMENT.createSession(file)) {
      Map<String, float[]> got =
          OnnxRuntime.run(session, Map.of("a", new float[] {100, 200}, "b", new float[] {5, 9}));
      assertArrayEquals(new float[] {101, 202}, got.get("sum"));
    }
    IllegalArgumentException wrong =
        assertThrows(
            IllegalArgumentException.class,
            () -> OnnxExport.of(model).withNormalization("c", Normalization.NONE));
    assertTrue(wrong.getMessage().contains("has no input c"), wrong.getMessage());
    assertThrows(
        IllegalStateException.class,
        () -> OnnxExport.of(model).withNormalization(Normalization.NONE));
  }

  @Test
  void weightsOf16BitsAreRoundedToNearest() throws OrtException, IOException {
    Model model = cnn();
    Model rounded = cnn();
    int whole = OnnxExport.of(model).toBytes().length;
    for (DType type : List.of(DType.F16, DType.BF16)) {
      for (Parameter parameter : model.parameters().list()) {
        if (parameter.isMatrix()) {
          float[] values = model.get(parameter.name());
          short[] bits = new short[values.length];
          CastKernel.of(DType.F32, type, values.length).run(values, bits);
          CastKernel.of(type, DType.F32, values.length).run(bits, values);
          rounded.set(parameter.name(), values);
        }
      }
      byte[] file = OnnxExport.of(model).weights(type).toBytes();
      OnnxRuntime.compare(rounded, file);
      assertTrue(file.length < whole, file.length + " of " + whole);
      assertTrue(
          OnnxRuntime.difference(predict(model, 3), predict(rounded, 3)) > 1e-5,
          "rounding changes nothing");
    }
    assertThrows(IllegalArgumentException.class, () -> OnnxExport.of(model).weights(DType.I32));
  }

  private static float[] predict(Model model, int batch) {
    return model.predict((float[]) OnnxRuntime.samples(model, batch).get("features"));
  }

  @Test
  void aWeightTooLargeForItsTypeIsRefused() {
    Model model = Model.of(Shape.of(2), new Linear(1)).initialize(1);
    model.set("weight", new float[] {70000, 1});
    byte[] wide = OnnxExport.of(model).weights(DType.BF16).toBytes();
    assertTrue(wide.length > 0);
    IllegalArgumentException refused = refused(OnnxExport.of(model).weights(DType.F16));
    assertTrue(
        refused.getMessage().contains("parameter weight holds 70000.0, too large for F16"),
        refused.getMessage());
  }

  private IllegalArgumentException refused(OnnxExport export) {
    Path file = folder.resolve("refused.onnx");
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> export.write(file));
    assertFalse(Files.exists(file));
    return refused;
  }

  private static Model named(String name, Layer layer) {
    return Model.of(Shape.of(4), Sequential.of(new Linear(4)).then(name, layer)).initialize(1);
  }

  @Test
  void whatCannotBeExportedIsRefusedWithTheLayer() {
    Model narrow = named("half", (s, x) -> Ops.cast(Ops.relu(Ops.cast(x, DType.F16)), DType.F32));
    assertMessage(
        refused(OnnxExport.of(narrow)), "layer half: operation relu cannot be exported", "F16");

    Model loss =
        Model.of(
            List.of(ModelInput.of("x", Shape.of(3)), ModelInput.ofTokens("y", Shape.of())),
            (scope, inputs) ->
                Map.of("loss", Ops.crossEntropyRows(inputs.get("x"), inputs.get("y"))));
    assertMessage(
        refused(OnnxExport.of(loss.initialize(1))),
        "operation cross_entropy_rows cannot be exported",
        "belongs to training");
  }

  @Test
  void aNetworkThatDependsOnTheBatchSizeIsRefused() {
    Model scaled = named("mean", (s, x) -> Ops.scale(x, 1f / x.shape().dim(0)));
    assertMessage(
        refused(OnnxExport.of(scaled)),
        "layer mean: operation scale has another factor with a batch of 5 than with a batch of 2");
    Model longer =
        named(
            "more",
            (s, x) -> {
              Value y = x;
              for (int i = 1; i < x.shape().dim(0); i++) {
                y = Ops.tanh(y);
              }
              return y;
            });
    assertMessage(refused(OnnxExport.of(longer)), "the network has another number of operations");
    Model other = named("odd", (s, x) -> x.shape().dim(0) % 2 == 0 ? Ops.tanh(x) : Ops.scale(x, 2));
    assertMessage(refused(OnnxExport.of(other)), "layer odd: operation tanh is another operation");
    Model squared =
        named(
            "square",
            (s, x) -> {
              Value products = Ops.matmul(x, x, false, true, 1);
              long count = products.shape().elements();
              return Ops.add(x, Ops.sum(Ops.reshape(products, Shape.of(count)), 0));
            });
    assertMessage(refused(OnnxExport.of(squared)), "layer square: operation reshape", "batch size");
  }

  @Test
  void equalNamesOfInputAndOutputAreRefused() {
    Model model =
        Model.of(
            List.of(ModelInput.of("x", Shape.of(3))),
            (scope, inputs) -> Map.of("x", Ops.relu(inputs.get("x"))));
    assertMessage(refused(OnnxExport.of(model.initialize(1))), "an input and an output named x");
  }

  private static void assertMessage(IllegalArgumentException refused, String... parts) {
    for (String part : parts) {
      assertTrue(refused.getMessage().contains(part), refused.getMessage());
    }
  }

  @Test
  void aModelWithoutWeightsIsRefused() {
    Model model = Model.of(Shape.of(3), new Linear(2));
    Path file = folder.resolve("none.onnx");
    IllegalStateException refused =
        assertThrows(IllegalStateException.class, () -> OnnxExport.of(model).write(file));
    assertTrue(refused.getMessage().contains("no weights"), refused.getMessage());
    assertFalse(Files.exists(file));
    assertThrows(IllegalStateException.class, () -> OnnxExport.of(model).withNormalization());
  }

  @Test
  void aWriteThatFailsLeavesTheOldFile() throws IOException {
    Path file = folder.resolve("model.onnx");
    OnnxExport.of(cnn()).write(file);
    byte[] before = Files.readAllBytes(file);
    refused(OnnxExport.of(named("mean", (s, x) -> Ops.scale(x, 1f / x.shape().dim(0)))));
    assertArrayEquals(before, Files.readAllBytes(file));
    assertThrows(
        FileSystemException.class, () -> OnnxExport.of(cnn()).write(folder.resolve("no/x.onnx")));
    assertThrows(FileSystemException.class, () -> OnnxExport.of(cnn()).write(folder));
  }

  @Test
  void exportsOfOneModelAreEqual() {
    assertArrayEquals(OnnxExport.of(cnn()).toBytes(), OnnxExport.of(cnn()).toBytes());
  }
}
