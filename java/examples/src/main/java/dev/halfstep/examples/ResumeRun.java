package dev.halfstep.examples;

import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.Fit;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A run that breaks off in mid-epoch goes on from its checkpoint, and ends with the same bits. */
public final class ResumeRun {
  private static final Split DIGITS = Digits.generate(2000, 500, 0);

  private ResumeRun() {}

  private static Model model() {
    return Model.of(
        DIGITS.train().sampleShape(),
        Sequential.of(new Flatten(), new Linear(64), new ReLU(), new Linear(10)));
  }

  /** The same options for every run: 3 epochs of 63 updates. */
  private static TrainerBuilder trainer(Model model) {
    return Trainer.builder(model, DIGITS.train())
        .validation(DIGITS.heldOut())
        .optimizer(Optimizer.adamW(0.001))
        .schedule(Schedule.cosine().withWarmUp(20))
        .batchSize(32)
        .epochs(3)
        .seed(1);
  }

  /**
   * Prints whether the weights are equal.
   *
   * @param args a folder for the checkpoints; a new temporary one if there is none
   */
  public static void main(String[] args) throws IOException {
    Path folder = args.length > 0 ? Path.of(args[0]) : Files.createTempDirectory("halfstep-run");

    Model whole = model();
    trainer(whole).fit();

    trainer(model())
        .checkpoints(Checkpoints.in(folder, 25)) // every 25 updates; the last two are kept
        .syncEvery(10) // so often callbacks are asked
        .callbacks(
            new Callback() {
              @Override
              public void stepsEnd(Fit fit, StepBlock steps) {
                if (fit.updates() >= 110) {
                  fit.stop("as if it had been killed here");
                }
              }
            })
        .fit();

    Safetensors.Contents checkpoint = Checkpoints.newest(folder); // perhaps in another process
    System.out.println("going on from " + checkpoint.file().getFileName());
    Model resumed = model();
    trainer(resumed).resume(checkpoint).fit();
    System.out.println(
        "the same weights, bit for bit: " + Arrays.equals(whole.weights(), resumed.weights()));
  }
}
