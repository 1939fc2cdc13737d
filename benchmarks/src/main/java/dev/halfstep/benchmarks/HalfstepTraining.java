package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Network;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.graph.Parameter;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.List;

/**
 * Training of one of the networks: the data lie on the device, and the order of the samples, the
 * gathering of each batch and the reading of the losses are part of it.
 */
final class HalfstepTraining implements Contender.Training {
  private final TrainingSession session;
  private final int batch;

  HalfstepTraining(Network network, int batch, String device, DType storage) {
    boolean images = network == Network.CNN;
    Shape sample = images ? Shape.of(28, 28, 1) : Shape.of(network.features());
    Model model = Model.of(sample, layers(network));
    List<float[]> weights = network.weights();
    for (int i = 0; i < weights.size(); i++) {
      Parameter parameter = model.parameters().list().get(i);
      model.set(parameter.name(), parameter.fileLayout().fromFile(weights.get(i)));
    }
    Optimizer optimizer = images ? Optimizer.adam(0.001) : Optimizer.sgd(0.01);
    this.batch = batch;
    this.session =
        TrainingSession.builder(model)
            .device(device)
            .storage(storage)
            .optimizer(optimizer)
            .batchSize(batch)
            .open();
    session.data(
        ArrayDataset.of(
            "random",
            Features.of(network.samples(), sample),
            Labels.of(network.labels(), network.classes())));
    session.learningRate(optimizer.learningRate());
  }

  private static Layer layers(Network network) {
    if (network == Network.MLP) {
      return Sequential.of(new Linear(100), new ReLU(), new Linear(2));
    }
    return Sequential.of(
        new Conv2d(32, 3).padding(1),
        new ReLU(),
        new MaxPool2d(2),
        new Conv2d(64, 3).padding(1),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(128),
        new ReLU(),
        new Linear(10));
  }

  @Override
  public float[] train(int[] order) {
    session.order(order);
    session.run(order.length / batch);
    StepBlock steps = session.drain();
    float[] losses = new float[steps.size()];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = (float) steps.loss(i);
    }
    return losses;
  }

  @Override
  public void close() {
    session.close();
  }
}
