package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_gradient_check;
import static dev.halfstep.bindings.Native.hs_micro_step_end;
import static dev.halfstep.bindings.Native.hs_step_end;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_scaler;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Kernels around the optimizer step: the check of the gradients and the counters of a training run,
 * which lie in device memory so that a recorded list can be launched again and again. Addresses are
 * unchecked; with a null stream they run on the CPU at once.
 */
public final class StepKernels {
  private static final Access ACCESS = Access.get();

  static {
    Native.load();
  }

  private StepKernels() {}

  /** Dynamic loss scaling as PyTorch's GradScaler does it: built once, used in {@link #stepEnd}. */
  public static final class LossScaler {
    private final hs_scaler scaler;

    /**
     * @param growth the scale is multiplied by it after {@code interval} finite steps in a row
     * @param backoff the scale is multiplied by it after a step that was not finite
     * @param interval finite steps until the scale grows
     * @param minimum the scale does not fall below it
     */
    public LossScaler(float growth, float backoff, int interval, float minimum) {
      scaler =
          new hs_scaler(Structs.memory(hs_scaler.class))
              .growth(growth)
              .backoff(backoff)
              .interval(interval)
              .minimum(minimum);
    }
  }

  /** The state of a training run on a device: zeros, loss scale 1. U8 {@code [bytes]}. */
  public static Tensor newState(Device device) {
    Tensor state = device.empty(DType.U8, Shape.of(HostStepState.BYTES)).label("step state");
    new HostStepState().upload(state);
    return state;
  }

  /**
   * Checks in one pass whether all gradients are finite, and computes their norm without the loss
   * scale. Sets the state's multiplier to {@code weightUnits / (weight * lossScale)}, and clips it
   * so that the norm is at most {@code maxNorm}; 0: not clipped.
   */
  public static void gradientCheck(
      Stream stream, Tensor gradients, Tensor state, float weightUnits, float maxNorm) {
    long count = Operands.present(gradients, "gradients").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long address = ACCESS.use(stream, gradients, "gradients", DType.F32, count);
      long target = ACCESS.use(stream, state, "state", DType.U8, HostStepState.BYTES);
      Native.check(hs_gradient_check(handle, count, address, target, weightUnits, maxNorm));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, of {@code count} gradients in a direct buffer, on the CPU at once. */
  public static void gradientCheck(
      Buffer gradients, long count, HostStepState state, float weightUnits, float maxNorm) {
    long address =
        Operands.input(gradients, "gradients", DType.F32, Sizes.notNegative("count", count));
    long target = Operands.present(state, "state").addressWithWeight();
    Native.check(hs_gradient_check(0, count, address, target, weightUnits, maxNorm));
    Operands.keepAlive(gradients);
    Operands.keepAlive(state);
  }

  /** As above, of all gradients in an array, on the CPU at once. */
  public static void gradientCheck(
      float[] gradients, HostStepState state, float weightUnits, float maxNorm) {
    int count = Operands.present(gradients, "gradients").length;
    long target = Operands.present(state, "state").addressWithWeight();
    Native.check(ArrayCalls.hs_gradient_check(0, count, gradients, target, weightUnits, maxNorm));
    Operands.keepAlive(state);
  }

  /** As above, at addresses. */
  public static void gradientCheck(
      @Nullable Stream stream,
      long count,
      long gradients,
      long state,
      float weightUnits,
      float maxNorm) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_gradient_check(handle, count, gradients, state, weightUnits, maxNorm));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Ends a micro-batch: moves the cursor on by its {@code rows} samples. */
  public static void microStepEnd(@Nullable Stream stream, long state, long rows) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_micro_step_end(handle, state, rows));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * Ends a step: writes its record into the ring at {@code step % capacity}, updates the loss
   * scale, increments the counters and clears the sums.
   *
   * @param schedule rows of learning rate and momentum, or 0
   * @param scaler null: the loss scale stays
   */
  public static void stepEnd(
      @Nullable Stream stream,
      long state,
      long schedule,
      @Nullable LossScaler scaler,
      long ring,
      long capacity) {
    hs_scaler given = scaler == null ? null : scaler.scaler;
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_step_end(handle, state, schedule, given, ring, capacity));
    } finally {
      ACCESS.exit(stream);
    }
  }
}
