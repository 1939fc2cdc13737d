package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Work;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Measures single kernels on tensors: calls a second, GFLOP/s, and GB/s for the bytes that a call
 * must move at least. {@code ./halfstep bench} compares them with the machine's ceilings.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class KernelThroughput {
  /** The work, as {@link Work} names it. */
  @Param({
    "matmul/1x256",
    "matmul/1x1024",
    "matmul/1x2048",
    "matmul/64x128",
    "matmul/512x64",
    "matmul/1024x32",
    "matmul/4096x16",
    "cross_entropy/64x10",
    "cross_entropy/64x1000",
    "cross_entropy/1024x1000",
    "cross_entropy/256x50257",
    "batch_norm/64x64x28",
    "batch_norm/64x512x7",
    "adamw/100000",
    "adamw/100000000",
    "conv/64x14x32x64",
    "conv_data/64x14x32x64",
    "conv_weights/64x14x32x64",
    "conv/8x28x128x128"
  })
  public String work;

  /** The type of operands in the storage type: F32, BF16 or F16. */
  @Param("F32")
  public DType precision;

  /** The device. */
  @Param("cpu")
  public String device;

  private Contender.Kernel kernel;
  private double gflop;
  private double gigabytes;

  /** Counters that JMH divides by the time. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Rates {
    /** 1e9 floating-point operations. */
    public double gflop;

    /** 1e9 bytes. */
    public double gigabytes;

    /** At the start of each iteration. */
    @Setup(Level.Iteration)
    public void clear() {
      gflop = 0;
      gigabytes = 0;
    }
  }

  /** Fills the operands. */
  @Setup
  public void open() {
    Work parsed = Work.parse(work);
    kernel = HalfstepKernels.of(parsed, device, precision);
    gflop = parsed.flops() * 1e-9;
    gigabytes = parsed.bytes() * 1e-9;
  }

  /** Frees the device. */
  @TearDown
  public void close() {
    kernel.close();
  }

  /** One call, which is complete when the method returns. */
  @Benchmark
  public void call(Rates rates) {
    kernel.run();
    rates.gflop += gflop;
    rates.gigabytes += gigabytes;
  }
}
