package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_embedding;
import static dev.halfstep.bindings.Native.hs_embedding_backward;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table {@code [vocabulary, width]} by tokens I32 {@code [count]}, to y {@code [count,
 * width]}; the gradient of the table, F32. {@code state} is optional. Immutable and safe to use
 * from many threads.
 */
public final class Embedding {
  private static final Access ACCESS = Access.get();

  private final DType type;
  private final long vocabulary;
  private final long width;
  private final long count;
  private final long tableSize;
  private final long outputSize;
  private final long workspaceSize;

  private Embedding(DType type, long vocabulary, long width, long count) {
    Native.load();
    this.type = type;
    this.vocabulary = Sizes.positive("vocabulary", vocabulary);
    this.width = Sizes.positive("width", width);
    this.count = Sizes.notNegative("count", count);
    this.tableSize = Sizes.product("table", vocabulary, width);
    this.outputSize = Sizes.product("y", count, width);
    this.workspaceSize = vocabulary + 1 + count;
  }

  /** Of {@code count} tokens and a table {@code [vocabulary, width]}: F32, BF16 or F16. */
  public static Embedding of(DType type, long vocabulary, long width, long count) {
    return new Embedding(type, vocabulary, width, count);
  }

  /** The elements, I32, of the gradient's workspace. */
  public long workspaceSize() {
    return workspaceSize;
  }

  /**
   * {@code y[i] = table[tokens[i]]}. A token outside the table gives zeros and is reported in the
   * state. Runs on tensors of the stream's device; state is one from {@link StepKernels#newState}.
   */
  public void run(Stream stream, Tensor table, Tensor tokens, @Nullable Tensor state, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_embedding(
              handle,
              type.code(),
              vocabulary,
              width,
              count,
              ACCESS.use(stream, table, "table", type, tableSize),
              ACCESS.use(stream, tokens, "tokens", DType.I32, count),
              ACCESS.useOptional(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.use(stream, y, "y", type, outputSize)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer table, Buffer tokens, @Nullable HostStepState state, Buffer y) {
    Native.check(
        hs_embedding(
            0,
            type.code(),
            vocabulary,
            width,
            count,
            Operands.input(table, "table", type, tableSize),
            Operands.input(tokens, "tokens", DType.I32, count),
            HostStepState.addressOf(state),
            Operands.output(y, "y", type, outputSize)));
    Operands.keepAlive(table, tokens, state, y, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] table, int[] tokens, @Nullable HostStepState state, float[] y) {
    Operands.requireF32("embedding", type, type);
    Native.check(
        ArrayCalls.hs_embedding(
            0,
            type.code(),
            vocabulary,
            width,
            count,
            Operands.array(table, "table", tableSize),
            Operands.array(tokens, "tokens", count),
            HostStepState.addressOf(state),
            Operands.array(y, "y", outputSize)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long table, long tokens, long state, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_embedding(handle, type.code(), vocabulary, width, count, table, tokens, state, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * {@code dTable = beta * dTable +} the sum of dy over the places of each token, in their order.
   * Runs on tensors of the stream's device.
   */
  public void gradient(
      Stream stream, Tensor dy, Tensor tokens, float beta, Tensor dTable, Tensor workspace) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_embedding_backward(
              handle,
              type.code(),
              vocabulary,
              width,
              count,
              ACCESS.use(stream, dy, "dy", type, outputSize),
              ACCESS.use(stream, tokens, "tokens", DType.I32, count),
              beta,
              ACCESS.use(stream, dTable, "dTable", DType.F32, tableSize),
              ACCESS.use(stream, workspace, "workspace", DType.I32, workspaceSize)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(Buffer dy, Buffer tokens, float beta, Buffer dTable, Buffer workspace) {
    Native.check(
        hs_embedding_backward(
            0,
            type.code(),
            vocabulary,
            width,
            count,
            Operands.input(dy, "dy", type, outputSize),
            Operands.input(tokens, "tokens", DType.I32, count),
            beta,
            Operands.output(dTable, "dTable", DType.F32, tableSize),
            Operands.output(workspace, "workspace", DType.I32, workspaceSize)));
    Operands.keepAlive(dy, tokens, dTable, workspace, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(float[] dy, int[] tokens, float beta, float[] dTable, int[] workspace) {
    Operands.requireF32("embedding", type, type);
    Native.check(
        ArrayCalls.hs_embedding_backward(
            0,
            type.code(),
            vocabulary,
            width,
            count,
            Operands.array(dy, "dy", outputSize),
            Operands.array(tokens, "tokens", count),
            beta,
            Operands.array(dTable, "dTable", tableSize),
            Operands.array(workspace, "workspace", workspaceSize)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(
      @Nullable Stream stream, long dy, long tokens, float beta, long dTable, long workspace) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_embedding_backward(
              handle, type.code(), vocabulary, width, count, dy, tokens, beta, dTable, workspace));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "embedding " + type + " [" + vocabulary + ", " + width + "] of " + count + " tokens";
  }
}
