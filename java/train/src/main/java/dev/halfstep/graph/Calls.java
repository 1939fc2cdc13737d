package dev.halfstep.graph;

import java.util.ArrayList;
import java.util.List;

/** The calls of a plan in the making, in order. */
public final class Calls {
  private final List<Call> list = new ArrayList<>();
  private String layer = "";

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

  /** Names the layer that the next calls belong to. */
  void layer(String layer) {
    this.layer = layer;
  }

  /** The calls added so far. */
  public List<Call> list() {
    return List.copyOf(list);
  }
}
