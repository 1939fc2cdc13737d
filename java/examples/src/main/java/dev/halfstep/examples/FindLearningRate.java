package dev.halfstep.examples;

import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.study.LearningRateFinder;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;

/** Finds a learning rate by a range test, which takes a second, and trains with it. */
public final class FindLearningRate {
  private FindLearningRate() {}

  /**
   * Prints every tenth point of the test, the suggestion, and what training with it comes to.
   *
   * @param args the number of steps of the test; 200 if there is none
   */
  public static void main(String[] args) {
    int steps = args.length > 0 ? Integer.parseInt(args[0]) : 200;
    Split digits = Digits.generate(0);
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(new Flatten(), new Linear(128), new ReLU(), new Linear(10)));
    SessionBuilder options =
        TrainingSession.builder(model).optimizer(Optimizer.adamW(0.001)).batchSize(64).seed(1);

    LearningRateFinder.Result found =
        LearningRateFinder.DEFAULT.withSteps(steps).find(options, digits.train());
    for (int i = 0; i < found.points().size(); i += 10) {
      LearningRateFinder.Point point = found.points().get(i);
      System.out.printf("rate %.1e  loss %.3f%n", point.learningRate(), point.smoothed());
    }
    double steepest = found.suggestion().orElseThrow();
    System.out.printf("the loss falls most steeply at %.1e%n", steepest);

    History history = // the test has left the model as it was
        Trainer.builder(model, digits.train())
            .test(digits.heldOut())
            .optimizer(Optimizer.adamW(steepest))
            .batchSize(64)
            .epochs(2)
            .seed(1)
            .fit();
    System.out.printf("test accuracy %.1f %%%n", 100 * history.test().orElseThrow().accuracy());
  }
}
