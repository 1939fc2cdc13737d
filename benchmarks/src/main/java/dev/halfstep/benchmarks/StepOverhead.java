package dev.halfstep.benchmarks;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.RandomData;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Measures the cost of a step besides its kernels: the device "noop" launches everything and
 * computes nothing. With {@code -prof gc}, {@code gc.alloc.rate.norm} is the number of bytes that a
 * step allocates in Java.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class StepOverhead {
  private static final int STEPS = 8192;

  /** The device: "noop" for the overhead, "cpu" for the allocations of a whole step. */
  @Param({"noop", "cpu"})
  public String device;

  private TrainingSession session;
  private final StepBlock records = new StepBlock(STEPS);

  /** Records a step of a 1000-100-2 network with one sample. */
  @Setup
  public void open() {
    Dataset data = RandomData.unlearnable(1).train();
    Model model =
        Model.of(data.sampleShape(), Sequential.of(new Linear(100), new ReLU(), new Linear(2)));
    session =
        TrainingSession.builder(model)
            .device(device)
            .optimizer(Optimizer.sgd(0.01))
            .batchSize(1)
            .pendingSteps(STEPS)
            .open();
    session.data(data);
    session.learningRate(0.01);
  }

  /** Reads the steps' records, outside of the measured time. */
  @TearDown(Level.Invocation)
  public void drain() {
    session.drain(records);
  }

  /** Frees the device. */
  @TearDown
  public void close() {
    session.close();
  }

  /** Steps that are launched one by one. */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public void oneByOne() {
    for (int i = 0; i < STEPS; i++) {
      session.run(1);
    }
  }

  /** Steps that are launched with one call, as the trainer does. */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public void inOneCall() {
    session.run(STEPS);
  }
}
