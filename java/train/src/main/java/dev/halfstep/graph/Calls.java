package dev.halfstep.graph;

import java.util.ArrayList;
import java.util.List;

/** The kernel calls of a plan in the making, in order. */
public final class Calls {
  private final List<Call> list = new ArrayList<>();
  private String layer = "";

  /** Adds the calls that compute all operations of a graph. */
  public void forward(Graph graph) {
    for (Graph.Node node : graph.operations()) {
      layer = node.layer();
      kernels(node).forward(this);
    }
    layer = "";
  }

  /**
   * Adds the calls that compute the gradients of all parameters of a graph, last operation first.
   *
   * @param accumulate whether the gradients are added to what the gradient arena holds, as in the
   *     second and later micro-batches of a step; otherwise they replace it
   */
  public void backward(Graph graph, boolean accumulate) {
    Backward backward = new Backward(graph, this, accumulate);
    List<Graph.Node> nodes = graph.operations();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      KernelOp operation = kernels(nodes.get(i));
      boolean root = operation.outputs().isEmpty();
      if (root || operation.outputs().stream().anyMatch(backward::has)) {
        layer = nodes.get(i).layer();
        operation.backward(backward);
      }
    }
    layer = "";
  }

  /** Only {@link Ops} and {@link StepOps} add operations to graphs, and these are kernel ops. */
  private static KernelOp kernels(Graph.Node node) {
    return (KernelOp) node.operation();
  }

  /** Adds a call under the name of the layer that is being unrolled. */
  public void add(Call call) {
    list.add(
        layer.isEmpty()
            ? call
            : new Call(
                layer + " " + call.name(),
                call.reads(),
                call.writes(),
                call.inPlace(),
                call.bytes(),
                call.flops(),
                call.kernel()));
  }

  /** The calls added so far. */
  public List<Call> list() {
    return List.copyOf(list);
  }
}
