package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_gradient_statistics;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_statistics;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * Statistics of F32 values such as gradients, computed in one pass. They count only finite values,
 * and are 0 if there is none.
 *
 * @param mean of the values
 * @param meanMagnitude the mean of their absolute values
 * @param deviation the root of the mean squared distance from the mean
 * @param minimum the least value
 * @param maximum the largest value
 * @param norm the root of the sum of squares
 * @param count values that are finite
 * @param nonfinite values that are NaN or infinite
 */
public record GradientStatistics(
    double mean,
    double meanMagnitude,
    double deviation,
    double minimum,
    double maximum,
    double norm,
    long count,
    long nonfinite) {
  private static final Access ACCESS = Access.get();

  /** Bytes of the statistics in memory. */
  public static final long BYTES = bytes();

  private static long bytes() {
    Native.load();
    return Loader.sizeof(hs_statistics.class);
  }

  /** Memory on a device for the statistics. U8 {@code [bytes]}. */
  public static Tensor newTensor(Device device) {
    return device.empty(DType.U8, Shape.of(BYTES)).label("gradient statistics");
  }

  /**
   * Finds the statistics of all of x, F32, times the multiplier that {@link
   * StepKernels#gradientCheck} left in the state, if there is one.
   *
   * @param statistics from {@link #newTensor}, to be read with {@link #read}
   */
  public static void run(Stream stream, Tensor x, @Nullable Tensor state, Tensor statistics) {
    long count = Operands.present(x, "x").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_gradient_statistics(
              handle,
              count,
              ACCESS.use(stream, x, "x", DType.F32, count),
              ACCESS.useOptional(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.use(stream, statistics, "statistics", DType.U8, BYTES)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public static void run(@Nullable Stream stream, long count, long x, long state, long statistics) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_gradient_statistics(handle, count, x, state, statistics));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Of {@code count} values in a direct buffer, on the CPU at once, from any thread. */
  public static GradientStatistics of(Buffer x, long count) {
    hs_statistics found = new hs_statistics(Structs.memory(hs_statistics.class));
    long address = Operands.input(x, "x", DType.F32, Sizes.notNegative("count", count));
    Native.check(hs_gradient_statistics(0, count, address, 0, found.address()));
    Operands.keepAlive(x);
    Operands.keepAlive(found);
    return of(found);
  }

  /** Of all values of an array, on the CPU at once, from any thread. */
  public static GradientStatistics of(float[] x) {
    int count = Operands.present(x, "x").length;
    hs_statistics found = new hs_statistics(Structs.memory(hs_statistics.class));
    Native.check(ArrayCalls.hs_gradient_statistics(0, count, x, 0, found.address()));
    Operands.keepAlive(found);
    return of(found);
  }

  /**
   * Reads the statistics that {@link #run} wrote, on the default stream of the tensor's device. If
   * they were found on another stream, synchronize that first.
   */
  public static GradientStatistics read(Tensor statistics) {
    ByteBuffer memory = Structs.buffer(hs_statistics.class);
    Operands.present(statistics, "statistics").download(memory);
    return of(new hs_statistics(new BytePointer(memory)));
  }

  private static GradientStatistics of(hs_statistics s) {
    return new GradientStatistics(
        s.mean(),
        s.mean_magnitude(),
        s.deviation(),
        s.minimum(),
        s.maximum(),
        s.norm(),
        s.count(),
        s.nonfinite());
  }
}
