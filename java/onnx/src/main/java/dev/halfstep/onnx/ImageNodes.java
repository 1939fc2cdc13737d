package dev.halfstep.onnx;

import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;
import dev.halfstep.kernel.Activation;
import java.util.List;

/** Nodes of images: computed with the channels last. */
record ImageNodes(ImportedValues values) {

  void conv2d(OnnxNode node) {
    ImportedTensor filters = values.constant(node.input(1));
    node.require(
        filters != null && filters.shape().rank() == 4,
        "is not of images, or its weights are computed");
    if (filters == null) {
      return;
    }
    Value x = values.ofLast(node.input(0));
    long groups = node.whole("group", 1);
    node.require(filters.shape().dim(1) * groups == x.shape().dim(3), "has another group");
    Window window = window(node, filters.shape().dim(2), filters.shape().dim(3));
    Value weight = values.filters(node.input(1), filters);
    Value bias = node.hasInput(2) ? values.of(node.input(2)) : null;
    values.putLast(node.output(), Ops.conv2d(x, weight, bias, window));
  }

  void pool2d(OnnxNode node) {
    List<Long> size = node.list("kernel_shape", 2, 1);
    node.require(size.size() == 2, "is not of images");
    node.require(node.whole("ceil_mode", 0) == 0, "has a ceil_mode");
    Window window = window(node, size.get(0), size.get(1));
    Value x = values.ofLast(node.input(0));
    values.putLast(
        node.output(),
        node.operator().equals("MaxPool")
            ? Ops.maxPool2d(x, window)
            : Ops.averagePool2d(x, window, node.whole("count_include_pad", 0) == 1));
  }

  private static Window window(OnnxNode node, long rows, long columns) {
    List<Long> strides = node.list("strides", 2, 1);
    List<Long> pads = node.list("pads", 4, 0);
    List<Long> dilations = node.list("dilations", 2, 1);
    node.require(node.text("auto_pad", "NOTSET").equals("NOTSET"), "has auto_pad");
    node.require(
        pads.get(0).equals(pads.get(2)) && pads.get(1).equals(pads.get(3)),
        "has different padding on two sides: " + pads);
    node.require(dilations.get(0).equals(dilations.get(1)), "has two dilations: " + dilations);
    return Window.of(Math.toIntExact(rows), Math.toIntExact(columns))
        .stride(Math.toIntExact(strides.get(0)), Math.toIntExact(strides.get(1)))
        .padding(Math.toIntExact(pads.get(0)), Math.toIntExact(pads.get(1)))
        .dilation(Math.toIntExact(dilations.get(0)));
  }

  void globalAveragePool(OnnxNode node) {
    Value x = values.ofLast(node.input(0));
    Shape shape = Shape.of(x.shape().dim(0), x.shape().dim(3), 1, 1);
    values.put(node.output(), Ops.reshape(Ops.mean(x, 1, 2), shape));
  }

  void batchNorm(OnnxNode node) {
    boolean image = values.hasLast(node.input(0)) || values.of(node.input(0)).shape().rank() == 4;
    Value x = image ? values.ofLast(node.input(0)) : values.of(node.input(0));
    node.require(image || x.shape().rank() == 2, "is neither of images nor of rows");
    ImportedTensor mean = values.constant(node.input(3));
    ImportedTensor variance = values.constant(node.input(4));
    if (mean == null || variance == null) {
      throw node.refusal("has running statistics that are computed");
    }
    Value y =
        Ops.batchNorm(
            x,
            values.of(node.input(1)),
            values.of(node.input(2)),
            null,
            values.state(node.input(3), mean),
            values.state(node.input(4), variance),
            Activation.NONE,
            node.number("epsilon", 1e-5f),
            1 - node.number("momentum", 0.9f));
    if (image) {
      values.putLast(node.output(), y);
    } else {
      values.put(node.output(), y);
    }
  }
}
