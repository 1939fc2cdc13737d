package dev.halfstep.graph;

import java.util.List;

/**
 * A differentiable function of values: one record that holds its inputs and outputs and says, in
 * kernel calls with their cost, how it is computed and how gradients flow back through it.
 *
 * <p>A new operation is a record with a static {@code of} that checks shapes and adds it to the
 * graph of its inputs, and a place in the list below.
 */
public sealed interface Operation
    permits ActivationOp,
        BatchNormOp,
        CastOp,
        ConcatOp,
        Conv2dOp,
        CrossEntropyOp,
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

  /** The kernel's name in plans and messages. */
  String name();

  /** What it makes for other operations. */
  List<Value> outputs();

  /** Adds the calls that compute the outputs. */
  void forward(Calls calls);

  /**
   * Adds the calls that compute the gradients of its differentiable inputs. Called once, when the
   * gradients of its outputs are complete, and only if there are any.
   */
  void backward(Backward backward);
}
