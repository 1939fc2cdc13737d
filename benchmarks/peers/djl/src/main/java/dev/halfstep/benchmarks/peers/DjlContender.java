package dev.halfstep.benchmarks.peers;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Adam;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Fork;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Network;
import dev.halfstep.benchmarks.harness.Work;
import java.util.Arrays;
import java.util.List;

/** DJL with its PyTorch engine. Temporaries belong to a manager that is closed with their step. */
public final class DjlContender implements Contender {
  private static final int SHOWN = 1000;

  private DjlContender() {
    Engine.getInstance();
  }

  /** Times the works that the arguments name: see {@link Fork}. */
  public static void main(String[] arguments) {
    Fork.main(new DjlContender(), arguments);
  }

  @Override
  public String name() {
    return "djl";
  }

  @Override
  public String version() {
    return "DJL 0.35.1, PyTorch 2.7.1";
  }

  @Override
  public List<String> settings(Work work) {
    return switch (work.kind()) {
      case MLP, CNN, FIRST_STEP, MATMUL, CROSS_ENTROPY -> List.of("2 threads", "1 thread");
      default -> List.of();
    };
  }

  @Override
  public Training training(Work work, String setting) {
    applyThreads(setting);
    return new DjlTraining(work.network(), work.size(0));
  }

  private static void applyThreads(String setting) {
    JniUtils.setNumThreads(Integer.parseInt(setting.split(" ", -1)[0]));
  }

  private static long[] longs(int[] values) {
    return Arrays.stream(values).mapToLong(value -> value).toArray();
  }

  @Override
  public Kernel kernel(Work work, String setting) {
    applyThreads(setting);
    if (work.kind() == Work.Kind.MATMUL) {
      return new Matmul(work.size(0), work.size(1));
    }
    return new CrossEntropy(work.size(0), work.size(1));
  }

  private static float[] read(NDArray values) {
    float[] all = values.toFloatArray();
    return Arrays.copyOf(all, Math.min(SHOWN, all.length));
  }

  /** The network and its data. */
  private static final class DjlTraining implements Training {
    private final int batch;
    private final Model model = Model.newInstance("benchmark");
    private final Trainer trainer;
    private final NDManager manager;
    private final NDArray samples;
    private final NDArray labels;

    DjlTraining(Network network, int batch) {
      this.batch = batch;
      boolean images = network == Network.CNN;
      model.setBlock(images ? cnn() : mlp());
      Optimizer optimizer =
          images
              ? Adam.builder().optLearningRateTracker(Tracker.fixed(0.001f)).build()
              : Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.01f)).build();
      trainer =
          model.newTrainer(
              new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(optimizer));
      Shape sample = images ? new Shape(1, 28, 28) : new Shape(network.features());
      trainer.initialize(new Shape(batch).addAll(sample));
      List<float[]> weights = network.weights();
      List<Parameter> parameters = model.getBlock().getParameters().values();
      for (int i = 0; i < weights.size(); i++) {
        parameters.get(i).getArray().set(weights.get(i));
      }
      manager = trainer.getManager();
      samples = manager.create(network.samples(), new Shape(Work.SAMPLES).addAll(sample));
      labels = manager.create(longs(network.labels()));
    }

    private static SequentialBlock mlp() {
      return new SequentialBlock()
          .add(Linear.builder().setUnits(100).build())
          .add(Activation.reluBlock())
          .add(Linear.builder().setUnits(2).build());
    }

    private static SequentialBlock cnn() {
      SequentialBlock block = new SequentialBlock();
      for (int filters : new int[] {32, 64}) {
        block
            .add(
                Conv2d.builder()
                    .setFilters(filters)
                    .setKernelShape(new Shape(3, 3))
                    .optPadding(new Shape(1, 1))
                    .build())
            .add(Activation.reluBlock())
            .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
      }
      return block
          .add(Blocks.batchFlattenBlock())
          .add(Linear.builder().setUnits(128).build())
          .add(Activation.reluBlock())
          .add(Linear.builder().setUnits(10).build());
    }

    @Override
    public float[] train(int[] order) {
      float[] losses = new float[order.length / batch];
      try (NDManager epoch = manager.newSubManager()) {
        NDArray index = epoch.create(longs(order));
        NDList kept = new NDList();
        for (int i = 0; i < losses.length; i++) {
          try (NDManager step = epoch.newSubManager()) {
            long from = (long) i * batch;
            NDArray rows = index.get(step, new NDIndex().addSliceDim(from, from + batch));
            NDArray x = samples.get(step, new NDIndex("{}", rows));
            NDArray y = labels.get(step, new NDIndex("{}", rows));
            NDArray loss;
            try (GradientCollector collector = trainer.newGradientCollector()) {
              NDList out = trainer.forward(new NDList(x));
              loss = trainer.getLoss().evaluate(new NDList(y), out);
              collector.backward(loss);
            }
            trainer.step();
            NDArray value = loss.stopGradient();
            value.attach(epoch);
            kept.add(value);
          }
        }
        for (int i = 0; i < losses.length; i++) {
          losses[i] = kept.get(i).getFloat();
        }
      }
      return losses;
    }

    @Override
    public void close() {
      trainer.close();
      model.close();
    }
  }

  /** Matrix products, each into a new array: DJL cannot write into an existing one. */
  private static final class Matmul implements Kernel {
    private final NDManager manager = NDManager.newBaseManager();
    private final boolean one;
    private final NDArray a;
    private final NDArray b;
    private NDArray c;

    Matmul(int count, int size) {
      one = count == 1;
      Shape shape = one ? new Shape(size, size) : new Shape(count, size, size);
      a = manager.create(Inputs.normal(count * size * size, 1), shape);
      b = manager.create(Inputs.normal(count * size * size, 2), shape);
      c = a.duplicate();
    }

    @Override
    public void run() {
      c.close();
      c = one ? a.matMul(b) : a.batchMatMul(b);
    }

    @Override
    public float[] result() {
      return read(c);
    }

    @Override
    public void close() {
      manager.close();
    }
  }

  /** The loss and its gradient. */
  private static final class CrossEntropy implements Kernel {
    private final NDManager manager = NDManager.newBaseManager();
    private final NDArray logits;
    private final NDArray labels;
    private final Loss loss = Loss.softmaxCrossEntropyLoss();

    CrossEntropy(int rows, int classes) {
      logits = manager.create(Inputs.normal(rows * classes, 1), new Shape(rows, classes));
      labels = manager.create(longs(Inputs.labels(rows, classes)));
      logits.setRequiresGradient(true);
    }

    @Override
    public void run() {
      try (NDManager call = manager.newSubManager();
          GradientCollector collector = Engine.getInstance().newGradientCollector()) {
        logits.attach(call);
        NDArray value = loss.evaluate(new NDList(labels), new NDList(logits));
        collector.backward(value);
        logits.attach(manager);
      }
    }

    @Override
    public float[] result() {
      return read(logits.getGradient());
    }

    @Override
    public void close() {
      manager.close();
    }
  }
}
