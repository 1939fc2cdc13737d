package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.kernel.MatmulKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Measures the cost of one kernel call in each of its forms, by a matrix product of 4 x 4. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class CallOverhead {
  private static final int SIZE = 4;

  private Device device;
  private MatmulKernel matmul;
  private Tensor a;
  private Tensor b;
  private Tensor c;
  private final float[] arrayA = new float[SIZE * SIZE];
  private final float[] arrayB = new float[SIZE * SIZE];
  private final float[] arrayC = new float[SIZE * SIZE];
  private final FloatBuffer bufferA = direct();
  private final FloatBuffer bufferB = direct();
  private final FloatBuffer bufferC = direct();

  /** Opens the CPU. */
  @Setup
  public void open() {
    device = Device.cpu();
    matmul = MatmulKernel.builder(SIZE, SIZE, SIZE).build();
    a = device.zeros(DType.F32, Shape.of(SIZE, SIZE));
    b = device.zeros(DType.F32, Shape.of(SIZE, SIZE));
    c = device.zeros(DType.F32, Shape.of(SIZE, SIZE));
  }

  /** Closes it. */
  @TearDown
  public void close() {
    device.close();
  }

  /** On tensors: shapes, types and device checked. */
  @Benchmark
  public void tensors() {
    matmul.run(device.stream(), a, b, c);
  }

  /** On direct buffers: length, byte order and directness checked. */
  @Benchmark
  public void buffers() {
    matmul.run(bufferA, bufferB, bufferC);
  }

  /** On arrays, without a copy. */
  @Benchmark
  public void arrays() {
    matmul.run(arrayA, arrayB, arrayC);
  }

  /** On raw addresses, unchecked. */
  @Benchmark
  public void addresses() {
    matmul.run(null, a.address(), b.address(), c.address(), 0, 0, 0);
  }

  private static FloatBuffer direct() {
    return ByteBuffer.allocateDirect(SIZE * SIZE * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
