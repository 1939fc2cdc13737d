package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.halfstep.DType;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.JsonTree;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.SavedModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes the message of one ONNX file: inputs, then the nodes of each operation, then outputs. */
final class Exporter {
  private static final int OPSET = 20; // the first with Gelu
  private static final int IR_VERSION = 9; // that of the release that brought this opset
  private static final long MOST_BYTES = Integer.MAX_VALUE; // of a message of Protocol Buffers

  private final SavedModel saved;
  private final Model model;
  private final Map<String, Normalization> normalizations;
  private final DType weightType;
  private final boolean channelsFirst;
  private final OnnxGraph onnx = new OnnxGraph();
  private final BatchShapes shapes;
  private final Values values;

  Exporter(
      SavedModel saved,
      Map<String, Normalization> normalizations,
      DType weightType,
      boolean channelsFirst) {
    this.saved = saved;
    this.model = saved.model();
    this.normalizations = normalizations;
    this.weightType = weightType;
    this.channelsFirst = channelsFirst;
    requireInitialized();
    requireRoom();
    this.shapes = BatchShapes.of(model);
    this.values = new Values(onnx, shapes, model, weightType);
  }

  private void requireInitialized() {
    if (!model.isInitialized()) {
      throw new IllegalStateException(
          "the model has no weights yet: call initialize(seed), train it, or load them");
    }
  }

  private void requireRoom() {
    long bytes = 0;
    for (Parameter parameter : model.parameters().list()) {
      bytes += parameter.shape().elements() * parameter.readAs(weightType).bytes();
    }
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "the weights have "
              + bytes
              + " bytes as "
              + weightType
              + ", and an ONNX file at most "
              + MOST_BYTES
              + (weightType == DType.F32 ? ": weights(DType.F16) halves them" : ""));
    }
  }

  ModelProto message() {
    shapes.inputs().keySet().forEach(this::reserve);
    shapes.outputs().forEach(this::reserveOutput);
    shapes.inputs().forEach(this::addInput);
    Rules rules = new Rules(onnx, values);
    for (Graph.Node node : shapes.operations()) {
      rules.add(node);
    }
    onnx.enter("");
    shapes.outputs().forEach(this::addOutput);
    ModelProto.Builder message =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("Halfstep")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
            .setGraph(onnx.message());
    metadata()
        .forEach(
            (key, value) ->
                message.addMetadataProps(
                    StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return message.build();
  }

  private Map<String, String> metadata() {
    Map<String, String> texts = new TreeMap<>(saved.metadata());
    if (!saved.classes().isEmpty()) {
      texts.put("halfstep.classes", JsonTree.write(saved.classes()));
    }
    return texts;
  }

  /** Keeps a name of the model's inputs and outputs from being given to something else. */
  private void reserve(String name) {
    if (!onnx.unique(name).equals(name)) {
      throw new IllegalArgumentException(
          "the model has an input and an output named "
              + name
              + ": ONNX needs different names. Name them differently in the network");
    }
  }

  private void reserveOutput(String name, Value value) {
    reserve(name);
    values.reserve(value, layout(value), name);
  }

  private Layout layout(Value value) {
    boolean image = value.shape().rank() == 4 && value.type() == DType.F32;
    return channelsFirst && image ? Layout.FIRST : Layout.LAST;
  }

  private void addInput(String name, Value value) {
    Layout layout = layout(value);
    onnx.message().addInput(info(name, value));
    values.batchIn(name);
    Normalization normalization = normalizations.get(name);
    values.hold(
        value,
        layout,
        normalization == null ? name : normalized(name, normalization, value, layout));
  }

  private String normalized(String name, Normalization normalization, Value value, Layout layout) {
    long channels = normalization.channels();
    List<Long> shape = new ArrayList<>(List.of(channels));
    if (layout == Layout.FIRST) {
      shape.addAll(Collections.nCopies(value.shape().rank() - 2, 1L));
    }
    String scale =
        onnx.constant(
            name + ".scale", key -> Tensors.of(key, DType.F32, shape, normalization.scale()));
    String shift =
        onnx.constant(
            name + ".shift", key -> Tensors.of(key, DType.F32, shape, normalization.shift()));
    return onnx.node("Add", List.of(onnx.node("Mul", List.of(name, scale)), shift));
  }

  /** Adds an output; a value that has another name, such as an input's, is copied. */
  private void addOutput(String name, Value value) {
    onnx.message().addOutput(info(name, value));
    String held = values.of(value, layout(value));
    if (!held.equals(name)) {
      onnx.nodeTo(name, "Identity", List.of(held));
    }
  }

  private ValueInfoProto info(String name, Value value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Extent extent : values.extents(value, layout(value))) {
      TensorShapeProto.Dimension.Builder dimension = shape.addDimBuilder();
      if (extent.isFixed()) {
        dimension.setDimValue(extent.fixed());
      } else if (extent.isBatch()) {
        dimension.setDimParam("batch");
      } else {
        throw new IllegalArgumentException(
            name + " " + value + " has a dimension that is neither the batch nor fixed");
      }
    }
    TypeProto.Tensor tensor =
        TypeProto.Tensor.newBuilder()
            .setElemType(Tensors.type(value.type()).getNumber())
            .setShape(shape)
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }
}
