package dev.halfstep.examples;

import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.RunChange;
import dev.halfstep.train.Trainer;

/** A callback that halves the learning rate when the loss rises, begun with a rate far too high. */
public final class ActingCallback {
  private ActingCallback() {}

  /**
   * Compares the mean loss of the last steps with that of as many before. It keeps nothing itself:
   * the run has all losses, those before a checkpoint too, so a resumed run halves alike.
   *
   * @param window steps that are compared
   */
  record HalveWhenLossRises(int window) implements Callback {
    @Override
    public void stepsEnd(Fit fit, StepBlock steps) {
      int now = fit.steps();
      if (now < 2 * window) {
        return;
      }
      double before = 0;
      double last = 0;
      for (int i = 1; i <= window; i++) {
        last += fit.stepLoss(now - i) / window;
        before += fit.stepLoss(now - window - i) / window;
      }
      if (last > before) {
        fit.rateFactor(fit.rateFactor() / 2); // from the next step on
      }
    }
  }

  /** Trains without the callback and with it. */
  public static void main(String[] args) {
    for (Callback[] callbacks : new Callback[][] {{}, {new HalveWhenLossRises(25)}}) {
      Split digits = Digits.generate(4000, 1000, 0);
      Model model =
          Model.of(
              digits.train().sampleShape(),
              Sequential.of(new Flatten(), new Linear(64), new ReLU(), new Linear(10)));
      History history =
          Trainer.builder(model, digits.train())
              .validation(digits.heldOut())
              .optimizer(Optimizer.adamW(0.03)) // thirty times too high
              .batchSize(32)
              .epochs(2)
              .syncEvery(25) // so often the callback is told
              .seed(1)
              .callbacks(callbacks)
              .fit();
      for (RunChange change : history.changes()) {
        System.out.printf("after step %d: rate x %s%n", change.step(), change.rateFactor());
      }
      System.out.printf(
          "validation accuracy %.1f %%%n",
          100 * history.epochs().get(1).validation().orElseThrow().accuracy());
    }
  }
}
