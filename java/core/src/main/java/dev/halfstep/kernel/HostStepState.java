package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_ERROR_INDEX;
import static dev.halfstep.bindings.Native.HS_ERROR_LABEL;

import dev.halfstep.Tensor;
import dev.halfstep.bindings.hs_step_state;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.StepState;
import dev.halfstep.internal.Structs;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * The counters and sums of a training run ({@code hs_step_state}) in host memory, for kernels that
 * run on arrays and buffers. One thread at a time. Its memory is freed when nothing refers to it.
 */
public final class HostStepState {
  /** Bytes of the state, in host memory as on a device. */
  public static final long BYTES = bytes();

  private final ByteBuffer memory = Structs.buffer(hs_step_state.class);
  private final hs_step_state state = new hs_step_state(new BytePointer(memory));

  /** At step 0, all sums 0, loss scale 1. */
  public HostStepState() {
    state.loss_scale(1);
  }

  private static long bytes() {
    Native.load();
    return Loader.sizeof(hs_step_state.class);
  }

  static long addressOf(@Nullable HostStepState state) {
    return state == null ? 0 : state.state.address();
  }

  /**
   * The address for a kernel that divides by the weight.
   *
   * @throws IllegalStateException if that is 0: all gradients would silently become 0
   */
  long addressWithWeight() {
    if (StepState.weight(memory) == 0) {
      throw new IllegalStateException(
          "the state's weight is 0, and gradients are divided by it: set it with weight(...), to 1"
              + " for gradients of a mean, or run a loss with this state first");
    }
    return state.address();
  }

  /**
   * The address for an optimizer step, 0 for null. A checked step needs the multiplier that a
   * gradient check left in the state, any other step a weight that is not 0.
   */
  static long addressForStep(@Nullable HostStepState state, boolean checked) {
    if (state == null) {
      return 0;
    }
    if (!checked) {
      return state.addressWithWeight();
    }
    if (state.memory.getFloat(StepState.MULTIPLIER) == 0 && !state.nonfinite()) {
      throw new IllegalStateException(
          "the state's multiplier is 0, so nothing would be updated: run StepKernels.gradientCheck"
              + " with this state before each checked step");
    }
    return state.state.address();
  }

  /** Copies this state to a tensor from {@link StepKernels#newState}, on its default stream. */
  public void upload(Tensor device) {
    device.upload(memory);
  }

  /** Copies a tensor from {@link StepKernels#newState} here, on its default stream. */
  public void download(Tensor device) {
    device.download(memory);
  }

  /** The sum of weighted losses since {@link #clearSums}. */
  public double lossSum() {
    return state.loss_sum();
  }

  /** The sum of the rows' weights. */
  public double weight() {
    return state.weight();
  }

  /**
   * Sets the sum of the rows' weights. An {@link OptimizerStepKernel} with this state multiplies
   * gradients by its weight units over this weight, and refuses a weight of 0: set it if no loss
   * kernel has added to it.
   */
  public void weight(double sum) {
    state.weight(sum);
  }

  /** Rows whose largest logit is the label's. */
  public double correct() {
    return state.correct();
  }

  /** Rows that were not ignored. */
  public double rows() {
    return state.rows();
  }

  /** The norm that the last gradient check found, before clipping. */
  public float gradientNorm() {
    return state.gradient_norm();
  }

  /** Whether the last gradient check found an infinity or a NaN. */
  public boolean nonfinite() {
    return state.nonfinite() != 0;
  }

  /** Whether a label was out of range since {@link #clearErrors}: steps are skipped then. */
  public boolean badLabel() {
    return (state.error() & HS_ERROR_LABEL) != 0;
  }

  /** Whether an index was out of range since {@link #clearErrors}: steps are skipped then. */
  public boolean badIndex() {
    return (state.error() & HS_ERROR_INDEX) != 0;
  }

  /**
   * Clears the errors, so that steps are performed again: an {@link OptimizerStepKernel} changes no
   * parameter while there is an error.
   */
  public void clearErrors() {
    state.error(0);
  }

  /** Optimizer steps performed so far: the next one is number {@code performed + 1}. */
  public long performed() {
    return state.performed();
  }

  /** Sets the number of optimizer steps performed so far. */
  public void performed(long steps) {
    state.performed(Sizes.notNegative("performed", steps));
  }

  /** A step ends: one more is performed and the sums are cleared. */
  public void endStep() {
    state.step(state.step() + 1).performed(state.performed() + 1);
    clearSums();
  }

  /** Sets the sums to 0. */
  public void clearSums() {
    state.loss_sum(0).weight(0).correct(0).rows(0);
  }
}
