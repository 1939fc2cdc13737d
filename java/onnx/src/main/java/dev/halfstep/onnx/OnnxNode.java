package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Collections;
import java.util.List;

/** A node of an ONNX file with its attributes. */
record OnnxNode(NodeProto node) {
  String operator() {
    return node.getOpType();
  }

  String input(int i) {
    if (!hasInput(i)) {
      throw refusal("lacks input " + i);
    }
    return node.getInput(i);
  }

  boolean hasInput(int i) {
    return i < node.getInputCount() && !node.getInput(i).isEmpty();
  }

  String output() {
    return node.getOutput(0);
  }

  private AttributeProto attribute(String name) {
    return node.getAttributeList().stream()
        .filter(attribute -> attribute.getName().equals(name))
        .findFirst()
        .orElse(AttributeProto.getDefaultInstance());
  }

  boolean has(String attribute) {
    return !attribute(attribute).getName().isEmpty();
  }

  long whole(String name, long otherwise) {
    return has(name) ? attribute(name).getI() : otherwise;
  }

  float number(String name, float otherwise) {
    return has(name) ? attribute(name).getF() : otherwise;
  }

  String text(String name, String otherwise) {
    return has(name) ? attribute(name).getS().toStringUtf8() : otherwise;
  }

  List<Long> list(String name, int count, long otherwise) {
    return has(name) ? attribute(name).getIntsList() : Collections.nCopies(count, otherwise);
  }

  /** Throws unless a condition holds that reading this node needs. */
  void require(boolean holds, String problem) {
    if (!holds) {
      throw refusal(problem);
    }
  }

  /** An exception that names the node and its operator. */
  IllegalArgumentException refusal(String problem) {
    return new IllegalArgumentException(
        "node "
            + node.getName()
            + " ("
            + operator()
            + " to "
            + node.getOutputList()
            + ") "
            + problem);
  }
}
