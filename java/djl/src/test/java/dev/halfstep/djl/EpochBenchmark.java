package dev.halfstep.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
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

/** An epoch of 8,000 samples through 784-256-128-10 in DJL: with its AdamW, and with Halfstep's. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
public class EpochBenchmark {
  private static final int SAMPLES = 8000;
  private static final int FEATURES = 784;

  @Param({"16", "64", "256"})
  int batch;

  @Param({"djl", "halfstep"})
  String optimizer;

  @Param({"1", "2"})
  int threads;

  private Model model;
  private Trainer trainer;
  private NDArray samples;
  private NDArray labels;

  @Setup
  public void initialize() {
    model = Model.newInstance("benchmark", "PyTorch");
    OptimizerBenchmark.setThreads(threads);
    model.setBlock(
        new SequentialBlock()
            .add(Linear.builder().setUnits(256).build())
            .add(Activation.reluBlock())
            .add(Linear.builder().setUnits(128).build())
            .add(Activation.reluBlock())
            .add(Linear.builder().setUnits(10).build()));
    trainer =
        model.newTrainer(
            new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                .optOptimizer(OptimizerBenchmark.adamW(optimizer)));
    trainer.initialize(new Shape(batch, FEATURES));
    Random random = new Random(1);
    NDManager manager = trainer.getManager();
    samples =
        manager.create(Networks.normal(random, SAMPLES * FEATURES), new Shape(SAMPLES, FEATURES));
    labels = manager.create(random.longs(SAMPLES, 0, 10).toArray(), new Shape(SAMPLES, 1));
  }

  @TearDown
  public void close() {
    trainer.close();
    model.close();
  }

  @Benchmark
  public void epoch() {
    for (int from = 0; from + batch <= SAMPLES; from += batch) {
      try (NDManager scratch = trainer.getManager().newSubManager()) {
        NDIndex rows = new NDIndex().addSliceDim(from, from + batch);
        NDArray x = samples.get(scratch, rows);
        NDArray y = labels.get(scratch, rows);
        try (GradientCollector collector = trainer.newGradientCollector()) {
          NDList outputs = trainer.forward(new NDList(x));
          collector.backward(trainer.getLoss().evaluate(new NDList(y), outputs));
        }
        trainer.step();
      }
    }
  }
}
