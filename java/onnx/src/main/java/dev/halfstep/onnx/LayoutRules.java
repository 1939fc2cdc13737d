package dev.halfstep.onnx;

import dev.halfstep.graph.ConcatOp;
import dev.halfstep.graph.PermuteOp;
import dev.halfstep.graph.ReduceOp;
import dev.halfstep.graph.ReshapeOp;
import dev.halfstep.graph.SplitOp;
import dev.halfstep.graph.Value;
import java.util.List;
import java.util.stream.LongStream;

/** Reductions, and operations that move elements. */
record LayoutRules(OnnxGraph onnx, Values values) {

  /** Over all positions of an image it is the same in both layouts but for the dimensions. */
  void reduce(ReduceOp op) {
    int rank = op.x().shape().rank();
    boolean positions = op.axis() == 1 && op.axes() == rank - 2;
    Layout layout = positions ? values.shared(List.of(op.x())) : Layout.LAST;
    String operator =
        switch (op.kind()) {
          case SUM -> "ReduceSum";
          case MEAN -> "ReduceMean";
          case MAX -> "ReduceMax";
        };
    int first = layout.axis(op.axis(), rank);
    List<Long> axes = LongStream.range(first, first + op.axes()).boxed().toList();
    onnx.nodeTo(
        values.define(op.y(), Layout.LAST),
        operator,
        List.of(values.of(op.x(), layout), onnx.list(axes)),
        Attributes.of("keepdims", 0));
  }

  void reshape(ReshapeOp op) {
    String shape = values.target(values.extents(op.y(), Layout.LAST));
    onnx.nodeTo(values.define(op.y(), Layout.LAST), "Reshape", List.of(values.of(op.x()), shape));
  }

  void permute(PermuteOp op) {
    onnx.nodeTo(
        values.define(op.y(), Layout.LAST),
        "Transpose",
        List.of(values.of(op.x())),
        Attributes.of("perm", op.order().stream().map(Integer::longValue).toList()));
  }

  void concat(ConcatOp op) {
    Layout layout = values.shared(op.parts());
    onnx.nodeTo(
        values.define(op.y(), layout),
        "Concat",
        op.parts().stream().map(part -> values.of(part, layout)).toList(),
        Attributes.of("axis", (long) layout.axis(op.axis(), op.y().shape().rank())));
  }

  void split(SplitOp op) {
    Layout layout = values.shared(List.of(op.x()));
    List<Extent> extents =
        op.outputs().stream()
            .map(part -> values.extents(part, Layout.LAST).get(op.axis()))
            .toList();
    onnx.node(
        op.outputs().stream().map((Value part) -> values.define(part, layout)).toList(),
        "Split",
        List.of(values.of(op.x(), layout), values.sizes(extents)),
        Attributes.of("axis", (long) layout.axis(op.axis(), op.x().shape().rank())));
  }
}
