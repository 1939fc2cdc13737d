package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.halfstep.graph.Conv2dOp;
import dev.halfstep.graph.Pool2dOp;
import dev.halfstep.graph.ResizeOp;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.List;

/** Operations on images: ONNX has their channels first. */
record ImageRules(Values values, Rules rules) {

  void conv2d(Conv2dOp op) {
    Window window = op.window();
    long dilation = window.dilation();
    long groups = op.x().shape().dim(3) / op.weight().shape().dim(3);
    List<String> inputs = new ArrayList<>();
    inputs.add(values.of(op.x(), Layout.FIRST));
    inputs.add(values.of(op.weight(), Layout.FIRST));
    Value bias = op.bias();
    if (bias != null) {
      inputs.add(values.of(bias));
    }
    rules.result(
        op.y(),
        Layout.FIRST,
        op.activation(),
        "Conv",
        inputs,
        shape(window),
        strides(window),
        padding(window),
        Attributes.of("dilations", List.of(dilation, dilation)),
        Attributes.of("group", groups));
  }

  void pool2d(Pool2dOp op) {
    List<AttributeProto> attributes =
        new ArrayList<>(List.of(shape(op.window()), strides(op.window()), padding(op.window())));
    if (op.kind() == Pool2dOp.Kind.PADDED_AVERAGE) {
      attributes.add(Attributes.of("count_include_pad", 1));
    }
    rules.result(
        op.y(),
        Layout.FIRST,
        Activation.NONE,
        op.kind() == Pool2dOp.Kind.MAX ? "MaxPool" : "AveragePool",
        List.of(values.of(op.x(), Layout.FIRST)),
        attributes.toArray(AttributeProto[]::new));
  }

  private static AttributeProto shape(Window window) {
    return Attributes.of("kernel_shape", List.of((long) window.rows(), (long) window.columns()));
  }

  private static AttributeProto strides(Window window) {
    return Attributes.of(
        "strides", List.of((long) window.strideRows(), (long) window.strideColumns()));
  }

  private static AttributeProto padding(Window window) {
    long rows = window.paddingRows();
    long columns = window.paddingColumns();
    return Attributes.of("pads", List.of(rows, columns, rows, columns));
  }

  /**
   * Pixel centres at half coordinates: PyTorch's {@code align_corners=False}. The size has the
   * batch too: ONNX Runtime 1.29 moves transpositions past a Resize node wrongly if that has {@code
   * axes}.
   */
  void resize(ResizeOp op) {
    String size = values.sizes(values.extents(op.y(), Layout.FIRST));
    rules.result(
        op.y(),
        Layout.FIRST,
        Activation.NONE,
        "Resize",
        List.of(values.of(op.x(), Layout.FIRST), "", "", size),
        Attributes.of("mode", "linear"),
        Attributes.of("coordinate_transformation_mode", "half_pixel"));
  }
}
