package dev.halfstep.djl;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Networks of DJL that tests train, always from the same weights on the same data. */
final class Networks {
  static final int FEATURES = 40;
  static final int CLASSES = 10;
  private static final int BATCH = 32;
  private static final int SAMPLES = 320;

  private Networks() {}

  static Block mlp() {
    return new SequentialBlock()
        .add(Linear.builder().setUnits(48).build())
        .add(Activation.reluBlock())
        .add(Linear.builder().setUnits(CLASSES).build());
  }

  /** A convolution with normalisation, over the features as an image of 5 by 8. */
  static Block cnn() {
    return new SequentialBlock()
        .addSingleton(x -> x.reshape(-1, 1, 5, 8))
        .add(Conv2d.builder().setFilters(6).setKernelShape(new Shape(3, 3)).build())
        .add(BatchNorm.builder().build())
        .add(Activation.reluBlock())
        .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(1, 1)))
        .add(Blocks.batchFlattenBlock())
        .add(Linear.builder().setUnits(CLASSES).build());
  }

  /** An LSTM over the features as 8 steps of 5. */
  static Block lstm() {
    return new SequentialBlock()
        .addSingleton(x -> x.reshape(-1, 8, 5))
        .add(LSTM.builder().setStateSize(12).setNumLayers(1).build())
        .add(Blocks.batchFlattenBlock())
        .add(LayerNorm.builder().build())
        .add(Linear.builder().setUnits(CLASSES).build());
  }

  /** The weights after so many steps, by DJL's own trainer. */
  static List<float[]> train(Block network, Optimizer optimizer, int steps) {
    try (Model model = Model.newInstance("test", "PyTorch")) {
      model.setBlock(network);
      DefaultTrainingConfig config =
          new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(optimizer);
      try (Trainer trainer = model.newTrainer(config)) {
        Engine.getEngine("PyTorch").setRandomSeed(7);
        trainer.initialize(new Shape(BATCH, FEATURES));
        NDManager manager = trainer.getManager();
        Random random = new Random(3);
        NDArray x =
            manager.create(normal(random, SAMPLES * FEATURES), new Shape(SAMPLES, FEATURES));
        NDArray y =
            manager.create(random.longs(SAMPLES, 0, CLASSES).toArray(), new Shape(SAMPLES, 1));
        for (int step = 0; step < steps; step++) {
          try (NDManager scratch = manager.newSubManager()) {
            int from = step * BATCH % SAMPLES;
            NDArray samples = x.get(from + ":" + (from + BATCH));
            NDArray labels = y.get(from + ":" + (from + BATCH));
            scratch.attachAll(samples, labels);
            try (GradientCollector collector = trainer.newGradientCollector()) {
              NDList outputs = trainer.forward(new NDList(samples));
              NDArray loss = trainer.getLoss().evaluate(new NDList(labels), outputs);
              collector.backward(loss);
            }
            trainer.step();
          }
        }
        List<float[]> weights = new ArrayList<>();
        model
            .getBlock()
            .getParameters()
            .values()
            .forEach(parameter -> weights.add(parameter.getArray().toFloatArray()));
        return weights;
      }
    }
  }

  static float[] normal(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
