package dev.halfstep.graph;

/**
 * An operation with the kernel calls that compute it and the gradients of its inputs. Every
 * operation of a graph is one.
 *
 * <p>A new operation is a record with a static {@code of} that checks shapes and adds it to the
 * graph of its inputs, a place in the list below, and a method in {@link Ops}.
 */
sealed interface KernelOp extends Operation
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

  /** Adds the calls that compute the outputs. */
  void forward(Calls calls);

  /**
   * Adds the calls that compute the gradients of its differentiable inputs. {@link Calls} calls it
   * once, after the gradients of the outputs are complete, and not at all if no output has one.
   */
  void backward(Backward backward);
}
