package dev.halfstep.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.optimizer.AdamW;
import ai.djl.training.optimizer.Optimizer;
import dev.halfstep.Device;
import java.util.Random;
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

/** The update of one parameter by AdamW: DJL's own, and Halfstep's. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class OptimizerBenchmark {
  @Param({"1000", "32768", "200704", "1000000", "10000000"})
  int parameters;

  @Param({"djl", "halfstep"})
  String optimizer;

  @Param({"1", "2"})
  int threads;

  private NDManager manager;
  private NDArray weight;
  private NDArray gradient;
  private Optimizer adamW;

  /** AdamW with the default options, which are the same in both. */
  static Optimizer adamW(String whose) {
    return whose.equals("djl") ? AdamW.builder().build() : HalfstepOptimizer.adamW().build();
  }

  /** Gives PyTorch and Halfstep as many threads. */
  static void setThreads(int threads) {
    JniUtils.setNumThreads(threads);
    Device.threads(threads);
  }

  @Setup
  public void draw() {
    manager = NDManager.newBaseManager("PyTorch");
    setThreads(threads);
    Random random = new Random(1);
    weight = manager.create(Networks.normal(random, parameters), new Shape(parameters));
    gradient = manager.create(Networks.normal(random, parameters), new Shape(parameters));
    adamW = adamW(optimizer);
  }

  @TearDown
  public void close() {
    manager.close();
  }

  @Benchmark
  public void update() {
    adamW.update("w", weight, gradient);
  }
}
