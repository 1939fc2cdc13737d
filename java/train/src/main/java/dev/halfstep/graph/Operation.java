package dev.halfstep.graph;

import java.util.List;

/**
 * A differentiable function of values: one record that holds its inputs, attributes and outputs and
 * says, in kernel calls with their cost, how it is computed and how gradients flow back through it.
 *
 * <p>{@link Ops} makes operations. Whoever walks a graph ({@link Graph#operations}), as an exporter
 * or a drawing does, reads {@link #name}, {@link #inputs} and {@link #outputs}, and the record's
 * own components for the attributes: {@code ((Conv2dOp) operation).window()}.
 *
 * <p>A new operation is a record with a static {@code of} that checks shapes and adds it to the
 * graph of its inputs, a place in the list below, and a method in {@link Ops}.
 */
public sealed interface Operation
    permits ActivationOp,
        BatchNormOp,
        CastOp,
        ConcatOp,
        ConstantOp,
        Conv2dOp,
        CrossEntropyOp,
        CrossEntropyRowsOp,
        DropoutOp,
        ElementwiseOp,
        EmbeddingOp,
        GatherOp,
        GroupNormOp,
        LinearOp,
        MatmulOp,
        PermuteOp,
        PointwiseLossOp,
        Pool2dOp,
        ReduceOp,
        ReshapeOp,
        ResizeOp,
        ScaleOp,
        SoftmaxOp,
        SplitOp {

  /** The kind of operation, such as {@code linear} or {@code relu}, for plans and messages. */
  String name();

  /**
   * What it reads: values that other operations make, parameters, and inputs of the graph; optional
   * ones where they are there.
   */
  List<Value> inputs();

  /** What it makes for other operations; nothing, if it is the end of a graph, as a loss is. */
  List<Value> outputs();

  /** Adds the calls that compute the outputs. */
  void forward(Calls calls);

  /**
   * Adds the calls that compute the gradients of its differentiable inputs. Called once, when the
   * gradients of its outputs are complete, and only if there are any.
   */
  void backward(Backward backward);
}
