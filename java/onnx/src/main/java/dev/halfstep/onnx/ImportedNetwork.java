package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.halfstep.Shape;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.Network;
import dev.halfstep.nn.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The graph of an ONNX file as a network: for each batch size its nodes become operations. */
final class ImportedNetwork implements Network {
  private final List<ModelInput> inputs = new ArrayList<>();
  private final Map<String, String> fileNames = new HashMap<>();
  private final List<NodeProto> nodes = new ArrayList<>();
  private final List<String> outputs;
  private final Map<String, ImportedTensor> constants = new HashMap<>();
  private final Map<String, String> weightNames = new HashMap<>();

  /** The values of parameters as Halfstep arranges them, until the model has them. */
  private @Nullable Map<String, float[]> weights = new HashMap<>();

  ImportedNetwork(GraphProto graph) {
    for (TensorProto tensor : graph.getInitializerList()) {
      constants.put(tensor.getName(), ImportedTensor.of(tensor));
    }
    for (NodeProto node : graph.getNodeList()) {
      ImportedTensor copied = copied(node);
      if (copied != null) {
        constants.put(node.getOutput(0), copied);
        weightNames.put(node.getOutput(0), weightName(node.getInput(0)));
      } else if (node.getOpType().equals("Constant")) {
        constants.put(node.getOutput(0), ImportedTensor.ofConstant(node));
      } else {
        nodes.add(node);
      }
    }
    for (ValueInfoProto input : graph.getInputList()) {
      if (!constants.containsKey(input.getName())) {
        inputs.add(input(input));
        fileNames.put(modelName(input.getName()), input.getName());
      }
    }
    outputs = graph.getOutputList().stream().map(ValueInfoProto::getName).toList();
  }

  /** The constant that a node only passes on: under another name, or from 16 bits to FLOAT. */
  private @Nullable ImportedTensor copied(NodeProto node) {
    boolean passesOn =
        node.getOpType().equals("Identity")
            || (node.getOpType().equals("Cast")
                && new OnnxNode(node).whole("to", 0) == DataType.FLOAT.getNumber());
    ImportedTensor constant = passesOn ? constants.get(node.getInput(0)) : null;
    return constant != null && constant.isFloat() ? constant : null;
  }

  /** The name of the parameter that a constant becomes. */
  String weightName(String constant) {
    return weightNames.getOrDefault(constant, constant);
  }

  private static String modelName(String name) {
    return name.replace('.', '_');
  }

  private static ModelInput input(ValueInfoProto input) {
    TypeProto.Tensor type = input.getType().getTensorType();
    int rank = type.getShape().getDimCount();
    long[] sample = new long[Math.max(rank - 1, 0)];
    for (int i = 1; i < rank; i++) {
      sample[i - 1] = type.getShape().getDim(i).getDimValue();
    }
    boolean tokens =
        type.getElemType() == DataType.INT32.getNumber()
            || type.getElemType() == DataType.INT64.getNumber();
    Shape shape = Shape.of(sample);
    if (rank == 0 || shape.elements() == 0) {
      throw new IllegalArgumentException(
          "input "
              + input.getName()
              + " needs fixed dimensions after the first, which is the batch");
    }
    if (!tokens && type.getElemType() != DataType.FLOAT.getNumber()) {
      throw new IllegalArgumentException(
          "input " + input.getName() + " is neither FLOAT nor tokens of INT32 or INT64");
    }
    String name = modelName(input.getName());
    return tokens ? ModelInput.ofTokens(name, shape) : ModelInput.of(name, shape);
  }

  List<ModelInput> inputs() {
    return inputs;
  }

  /** Sets the model's weights; they are then no longer kept here. */
  void moveWeightsTo(Model model) {
    if (weights != null) {
      weights.forEach(model::set);
    }
    weights = null;
    if (!model.isInitialized()) {
      model.initialize(0); // a network without weights
    }
  }

  /** Takes the values of a parameter, if they are still wanted. */
  void take(String name, ImportedTensor values) {
    if (weights != null) {
      float[] before = weights.put(name, values.values());
      if (before != null && !Arrays.equals(before, values.values())) {
        throw new IllegalArgumentException(
            "tensor " + name + " is used in two orders of its numbers, which is not read");
      }
    }
  }

  @Nullable ImportedTensor constant(String name) {
    return constants.get(name);
  }

  @Override
  public Map<String, Value> apply(Scope scope, Map<String, Value> given) {
    ImportedValues values = new ImportedValues(scope, this);
    given.forEach((name, value) -> values.put(fileNames.getOrDefault(name, name), value));
    NodeRules rules = new NodeRules(values);
    for (NodeProto node : nodes) {
      rules.add(node);
    }
    Map<String, Value> said = new LinkedHashMap<>();
    outputs.forEach(name -> said.put(modelName(name), values.of(name)));
    return said;
  }
}
