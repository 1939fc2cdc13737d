package dev.halfstep.onnx;

import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reductions, and nodes that move elements. */
record LayoutNodes(ImportedValues values) {
  private static final List<Long> TO_LAST = List.of(0L, 2L, 3L, 1L);
  private static final List<Long> TO_FIRST = List.of(0L, 3L, 1L, 2L);

  void reduce(OnnxNode node) {
    List<Long> given = node.hasInput(1) ? integers(node, 1) : node.list("axes", 0, 0);
    String name = node.input(0);
    boolean keeps = node.whole("keepdims", 1) == 1;
    if (values.hasLast(name) && Arrays.equals(NodeRules.axes(given, 4), new int[] {2, 3})) {
      Value x = values.ofLast(name);
      Value y = reduced(node, x, 1, 2);
      Shape kept = Shape.of(x.shape().dim(0), x.shape().dim(3), 1, 1);
      values.put(node.output(), keeps ? Ops.reshape(y, kept) : y);
      return;
    }
    Value x = values.of(name);
    int rank = x.shape().rank();
    int[] axes = NodeRules.axes(given.isEmpty() ? NodeRules.all(rank) : given, rank);
    Value y = reduced(node, x, axes);
    long[] kept = x.shape().toArray();
    for (int axis : axes) {
      kept[axis] = 1;
    }
    values.put(node.output(), keeps ? Ops.reshape(y, Shape.of(kept)) : y);
  }

  private static Value reduced(OnnxNode node, Value x, int... axes) {
    return switch (node.operator()) {
      case "ReduceSum" -> Ops.sum(x, axes);
      case "ReduceMean" -> Ops.mean(x, axes);
      default -> Ops.max(x, axes);
    };
  }

  private List<Long> integers(OnnxNode node, int input) {
    ImportedTensor constant = values.constant(node.input(input));
    if (constant == null || constant.isFloat()) {
      throw node.refusal("has an input " + node.input(input) + " that is no constant of INT64");
    }
    return constant.integers();
  }

  /** In the target 0 stands for x's dimension, and -1 for what is left. */
  void reshape(OnnxNode node) {
    Value x = values.of(node.input(0));
    node.require(node.whole("allowzero", 0) == 0, "has allowzero");
    List<Long> target = integers(node, 1);
    long[] dims = new long[target.size()];
    long known = 1;
    int open = -1;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = target.get(i) == 0 ? x.shape().dim(i) : target.get(i);
      if (dims[i] < 0) {
        open = i;
      } else {
        known *= dims[i];
      }
    }
    if (open >= 0) {
      dims[open] = x.shape().elements() / Math.max(known, 1);
    }
    values.put(node.output(), Ops.reshape(x, Shape.of(dims)));
  }

  void flatten(OnnxNode node) {
    Value x = values.of(node.input(0));
    node.require(node.whole("axis", 1) == 1, "has another axis than 1");
    long batch = x.shape().dim(0);
    Shape rows = Shape.of(batch, x.shape().elements() / Math.max(batch, 1));
    values.put(node.output(), Ops.reshape(x, rows));
  }

  /** One that only moves the channels of an image needs no operation. */
  void transpose(OnnxNode node) {
    String name = node.input(0);
    int rank = values.hasLast(name) ? 4 : values.of(name).shape().rank();
    List<Long> order = new ArrayList<>(node.list("perm", 0, 0));
    if (order.isEmpty()) {
      NodeRules.all(rank).forEach(axis -> order.add(0, axis));
    }
    if (order.equals(TO_LAST)) {
      values.put(node.output(), values.ofLast(name));
    } else if (order.equals(TO_FIRST)) {
      values.putLast(node.output(), values.of(name));
    } else {
      Integer[] dimensions = order.stream().map(Long::intValue).toArray(Integer[]::new);
      values.put(node.output(), Ops.permute(values.of(name), dimensions));
    }
  }

  void concat(OnnxNode node) {
    List<String> names = node.node().getInputList();
    int axis = (int) node.whole("axis", 0);
    if (names.stream().allMatch(values::hasLast)) {
      List<Value> parts = names.stream().map(values::ofLast).toList();
      values.putLast(node.output(), Ops.concat(parts, last(axis)));
    } else {
      values.put(node.output(), Ops.concat(names.stream().map(values::of).toList(), axis));
    }
  }

  /** The place with the channels last of a dimension of an image with the channels first. */
  private static int last(int axis) {
    int plain = axis < 0 ? axis + 4 : axis;
    return plain == 0 ? 0 : plain == 1 ? 3 : plain - 1;
  }

  void split(OnnxNode node) {
    List<String> outputs = node.node().getOutputList();
    Value x = values.of(node.input(0));
    int axis = (int) node.whole("axis", 0);
    long[] extents = new long[outputs.size()];
    if (node.hasInput(1)) {
      List<Long> given = integers(node, 1);
      for (int i = 0; i < extents.length; i++) {
        extents[i] = given.get(i);
      }
    } else {
      long extent = x.shape().dim(axis);
      node.require(extent % extents.length == 0, "splits " + extent + " unevenly");
      Arrays.fill(extents, extent / extents.length);
    }
    List<Value> parts = Ops.split(x, axis, extents);
    for (int i = 0; i < extents.length; i++) {
      values.put(outputs.get(i), parts.get(i));
    }
  }
}
