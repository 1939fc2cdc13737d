package dev.halfstep.djl;

import ai.djl.ndarray.NDScope;
import ai.djl.pytorch.engine.PtNDArray;
import dev.halfstep.bindings.Addresses;
import dev.halfstep.kernel.HostStepState;
import dev.halfstep.kernel.OptimizerStepKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * What an optimizer keeps of one parameter: its kernel and its moments. For one thread at a time.
 */
final class ParameterState {
  private static final int ALIGNMENT = 64; // bytes: a vector register, and a line of the cache

  private final UpdateRule rule;
  private final String id;
  private final long count;
  private final @Nullable ByteBuffer moment1;
  private final @Nullable ByteBuffer moment2;

  /** Holds the factor of gradients, where that is not 1. */
  private final @Nullable HostStepState factor;

  private OptimizerStepKernel kernel;
  private float kernelRate = Float.NaN; // the rate that is part of the kernel, see rateInMomentum
  private long updates;

  /** The array that was found to have its elements in order. */
  private @Nullable PtNDArray knownArray;

  ParameterState(UpdateRule rule, String id, PtNDArray parameter) {
    this.rule = rule;
    this.id = id;
    count = parameter.size();
    moment1 = rule.hasFirstMoment() ? zeros(count) : null;
    moment2 = rule.hasSecondMoment() ? zeros(count) : null;
    kernel = rule.kernel(count, parameter.getShape().dimension() <= 1);
    if (rule.rescale() != 1 || rule.rateInMomentum()) {
      factor = new HostStepState();
      factor.weight(1);
    } else {
      factor = null;
    }
  }

  private static ByteBuffer zeros(long count) {
    // A slice begins and ends at multiples of the alignment.
    long lines = (count * Float.BYTES + ALIGNMENT - 1) / ALIGNMENT;
    return ByteBuffer.allocateDirect(Math.toIntExact((lines + 1) * ALIGNMENT))
        .alignedSlice(ALIGNMENT)
        .order(ByteOrder.nativeOrder());
  }

  /**
   * The memory of the parameter.
   *
   * @throws IllegalArgumentException if it has another size than before, or if its elements do not
   *     lie one after the other
   */
  @SuppressWarnings("ReferenceEquality") // equals() of DJL's arrays compares their elements
  ByteBuffer memory(PtNDArray parameter) {
    if (parameter.size() != count) {
      throw new IllegalArgumentException(
          "the parameter "
              + id
              + " had "
              + count
              + " elements in the updates before and has "
              + parameter.size()
              + " now: use a new optimizer for another network");
    }
    if (parameter != knownArray) {
      requireInOrder(parameter);
      knownArray = parameter; // no method of DJL changes the order of an array's elements
    }
    return parameter.toByteBuffer(true);
  }

  /**
   * Of an array whose elements do not lie in order, DJL gives the memory of a copy, a new one for
   * each call, and has no public method that tells. Both copies exist at once here, so that their
   * addresses differ; the scope closes them.
   */
  private void requireInOrder(PtNDArray parameter) {
    try (NDScope scope = new NDScope()) {
      scope.suppressNotUsedWarning();
      long address = Addresses.of(parameter.toByteBuffer(true));
      if (Addresses.of(parameter.toByteBuffer(true)) != address) {
        throw new IllegalArgumentException(
            "the elements of the parameter "
                + id
                + ", of shape "
                + parameter.getShape()
                + ", do not lie in memory one after the other, as after a transposition: make it of"
                + " an array that does, for example manager.create(array.toFloatArray(),"
                + " array.getShape())");
      }
    }
  }

  /**
   * One update.
   *
   * @param number of the update, as DJL counts them
   */
  void run(ByteBuffer parameter, ByteBuffer gradient, int number, float rate) {
    if (rule.rateInMomentum() && rate != kernelRate) {
      kernel = rule.kernelWithRate(count, rate);
      kernelRate = rate;
    }
    long t = rule.djl() ? number : updates + 1;
    if (factor != null) {
      factor.performed(t - 1);
    }
    kernel.step(t, rule.rateInMomentum() ? 1 : rate);
    kernel.run(parameter, gradient, moment1, moment2, factor);
    updates++;
  }
}
