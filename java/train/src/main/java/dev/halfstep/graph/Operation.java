package dev.halfstep.graph;

import java.util.List;

/**
 * A function of values in a graph: one record that holds its inputs, attributes and outputs.
 *
 * <p>{@link Ops} makes operations. Code that walks a graph ({@link Graph#operations}), such as an
 * exporter or a drawing, reads {@link #name}, {@link #inputs} and {@link #outputs}, and the
 * record's own components for the attributes: {@code ((Conv2dOp) operation).window()}. {@link
 * Calls} turns operations into kernel calls.
 */
public interface Operation {
  /** The kind of operation, such as {@code linear} or {@code relu}, for plans and messages. */
  String name();

  /**
   * The values that it reads: outputs of other operations, parameters, and inputs of the graph. An
   * optional operand is in the list only if it was given.
   */
  List<Value> inputs();

  /**
   * The values that it makes for other operations; empty for the end of a graph, such as a loss.
   */
  List<Value> outputs();
}
