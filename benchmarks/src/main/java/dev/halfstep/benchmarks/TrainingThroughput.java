package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.benchmarks.harness.Network;
import dev.halfstep.data.Order;
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
 * Measures training throughput against batch size, by network, precision and device: epochs of
 * 1,024 samples a second, samples a second and steps a second. The shuffled order, the gathering of
 * each batch, and reading the losses back are part of it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class TrainingThroughput {
  private static final int SAMPLES = 1024;

  /** Samples in a batch. */
  @Param({"1", "8", "16", "32", "64", "128", "256", "512", "1024"})
  public int batchSize;

  /** The network: 1000-100-2 with SGD, or MNIST's network with Adam. */
  @Param({"MLP", "CNN"})
  public Network network;

  /** The storage type: F32, BF16 or F16. */
  @Param("F32")
  public DType precision;

  /** The device. */
  @Param("cpu")
  public String device;

  private HalfstepTraining training;
  private final int[] order = new int[SAMPLES];
  private long epoch;

  /** Counters that JMH divides by the time. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Rates {
    /** Samples trained on. */
    public long samples;

    /** Optimizer steps. */
    public long steps;

    /** At the start of each iteration. */
    @Setup(Level.Iteration)
    public void clear() {
      samples = 0;
      steps = 0;
    }
  }

  /** Uploads the data, and records the step. */
  @Setup
  public void open() {
    training = new HalfstepTraining(network, batchSize, device, precision);
  }

  /** Frees the device. */
  @TearDown
  public void close() {
    training.close();
  }

  /** One epoch. */
  @Benchmark
  public float[] epoch(Rates rates) {
    Order.fill(1, epoch++, order);
    float[] losses = training.train(order);
    rates.samples += SAMPLES;
    rates.steps += losses.length;
    return losses;
  }
}
