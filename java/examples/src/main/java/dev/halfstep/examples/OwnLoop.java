package dev.halfstep.examples;

import dev.halfstep.Shape;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.TrainingSession;
import java.util.Random;

/**
 * A loop of one's own over data that never end: points on two spirals, drawn anew for each step.
 * The session computes, everything else is up to the caller.
 */
public final class OwnLoop {
  private static final int BATCH = 64;

  private OwnLoop() {}

  /**
   * Prints the loss now and then, and at last the accuracy on new points.
   *
   * @param args the number of steps; 3000 if there is none
   */
  public static void main(String[] args) {
    int steps = args.length > 0 ? Integer.parseInt(args[0]) : 3000;
    Model model =
        Model.of(
            Shape.of(2),
            Sequential.of(new Linear(64), new ReLU(), new Linear(64), new ReLU(), new Linear(2)));
    Random random = new Random(1);
    float[] x = new float[BATCH * 2]; // [batch, 2]
    int[] y = new int[BATCH];
    try (TrainingSession session =
        TrainingSession.builder(model)
            .optimizer(Optimizer.adamW(0.005))
            .batchSize(BATCH)
            .clipNorm(1)
            .seed(1)
            .open()) {
      for (int step = 0; step < steps; step++) {
        drawSpirals(random, x, y);
        session.learningRate(0.005 * (1 - step / (double) steps));
        double loss = session.step(x, y); // uploads, computes, updates, gives the batch's loss
        if (step % 300 == 0) {
          System.out.printf(
              "step %4d  loss %.3f  |gradient| %.2f%n",
              step, loss, session.lastStep().gradientNorm());
        }
      }
      session.store(); // the weights, into the model
    }

    drawSpirals(random, x, y);
    float[] scores = model.predict(x); // [batch, 2]
    int right = 0;
    for (int i = 0; i < BATCH; i++) {
      int said = scores[2 * i + 1] > scores[2 * i] ? 1 : 0;
      right += said == y[i] ? 1 : 0;
    }
    System.out.printf("accuracy on new points %.1f %%%n", 100.0 * right / BATCH);
  }

  /** Points of one turn and a half, from the middle out; the second spiral is the first, turned. */
  private static void drawSpirals(Random random, float[] x, int[] y) {
    for (int i = 0; i < y.length; i++) {
      y[i] = random.nextInt(2);
      double turn = Math.sqrt(random.nextDouble()) * 3 * Math.PI;
      double angle = turn + y[i] * Math.PI;
      double radius = turn / (3 * Math.PI) + 0.02 * random.nextGaussian();
      x[2 * i] = (float) (radius * Math.cos(angle));
      x[2 * i + 1] = (float) (radius * Math.sin(angle));
    }
  }
}
