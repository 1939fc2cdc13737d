package dev.halfstep.benchmarks;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.data.RandomData;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.train.Optimizer;
import dev.halfstep.train.StepBlock;
import dev.halfstep.train.TrainingSession;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * Training throughput against batch size: one epoch over 1,024 samples of 1,000 features through a
 * 1000-100-2 network with SGD. The shuffled order, the gathering of each batch, and reading the
 * losses back are part of it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class MlpThroughput {
  private static final int SAMPLES = 1024;

  /** Samples in a batch. */
  @Param({"1", "8", "16", "32", "64", "128", "256", "1024"})
  public int batchSize;

  /** Where to train. */
  @Param("cpu")
  public String device;

  private TrainingSession session;
  private final int[] order = new int[SAMPLES];
  private long epoch;

  /** Uploads the data, and records the step. */
  @Setup
  public void open() {
    Dataset data = RandomData.unlearnable(1).train();
    Model model =
        Model.of(data.sampleShape(), Sequential.of(new Linear(100), new ReLU(), new Linear(2)));
    session =
        TrainingSession.builder(model)
            .device(device)
            .optimizer(Optimizer.sgd(0.01))
            .batchSize(batchSize)
            .open();
    session.data(data);
    session.learningRate(0.01);
  }

  /** Frees the device. */
  @TearDown
  public void close() {
    session.close();
  }

  /** One epoch. */
  @Benchmark
  public StepBlock epoch() {
    Order.fill(1, epoch++, order);
    session.order(order);
    session.run(SAMPLES / batchSize);
    return session.drain();
  }
}
