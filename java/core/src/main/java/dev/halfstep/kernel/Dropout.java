package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_dropout;

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
 * Dropout (Srivastava et al., 2014): {@code y = x / (1 - rate)} where an element is kept, else 0.
 * What is kept follows from the seed, the operation and the micro-step of the state alone
 * (Philox4x32-10), so the gradient is the same call on dy, as long as the micro-step has not ended.
 * Immutable and safe to use from many threads.
 */
public final class Dropout {
  private static final Access ACCESS = Access.get();

  private final DType type;
  private final long count;
  private final float rate;
  private final long seed;
  private final int operation;

  private Dropout(DType type, long count, float rate, long seed, int operation) {
    Native.load();
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("dropout rate " + rate + " is not in [0, 1)");
    }
    this.type = type;
    this.count = Sizes.notNegative("count", count);
    this.rate = rate;
    this.seed = seed;
    this.operation = operation;
  }

  /**
   * Of {@code count} elements, F32, BF16 or F16.
   *
   * @param rate the share that is dropped, in [0, 1)
   * @param operation tells the dropouts of one network apart
   */
  public static Dropout of(DType type, long count, float rate, long seed, int operation) {
    return new Dropout(type, count, rate, seed, operation);
  }

  /**
   * Drops and scales. y may be x. Runs on tensors of the stream's device; state is one from {@link
   * StepKernels#newState}.
   */
  public void run(Stream stream, Tensor state, Tensor x, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_dropout(
              handle,
              type.code(),
              count,
              rate,
              seed,
              operation,
              ACCESS.use(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.use(stream, x, "x", type, count),
              ACCESS.use(stream, y, "y", type, count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(HostStepState state, Buffer x, Buffer y) {
    Native.check(
        hs_dropout(
            0,
            type.code(),
            count,
            rate,
            seed,
            operation,
            HostStepState.addressOf(Operands.present(state, "state")),
            Operands.input(x, "x", type, count),
            Operands.output(y, "y", type, count)));
    Operands.keepAlive(state, x, y, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(HostStepState state, float[] x, float[] y) {
    Operands.requireF32("dropout", type, type);
    Native.check(
        ArrayCalls.hs_dropout(
            0,
            type.code(),
            count,
            rate,
            seed,
            operation,
            HostStepState.addressOf(Operands.present(state, "state")),
            Operands.array(x, "x", count),
            Operands.array(y, "y", count)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long state, long x, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_dropout(handle, type.code(), count, rate, seed, operation, state, x, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "dropout " + type + " [" + count + "] at rate " + rate;
  }
}
