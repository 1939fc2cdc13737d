package dev.halfstep.train;

import dev.halfstep.DType;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A program that trains with checkpoints in the given folder, starting from the newest if there is
 * one, slowly enough to be killed in mid-run.
 */
final class ResumedRun {
  private static final int PAUSE_MILLIS = 30;

  private ResumedRun() {}

  /** A run that changes everything that a checkpoint stores. */
  static TrainerBuilder trainer(Model model, Path folder) {
    SmallTask task = new SmallTask(140);
    return Trainer.builder(model, task.data.slice(0, 120))
        .session(
            options ->
                options
                    .device(TestDevice.ID)
                    .storage(DType.F16)
                    .lossScaling(new LossScaling(0x1p24f, 2, 0.5f, 5, 1, 100)))
        .validation(task.data.slice(120, 140))
        .optimizer(Optimizer.adamW(0.01))
        .schedule(Schedule.oneCycle().withWarmUp(9))
        .batchSize(16)
        .batchSchedule(BatchSchedule.doublingInsteadOfDecay(40, 80))
        .plateau(Plateau.of(Metric.VAL_LOSS, 0.9, 2))
        .earlyStopping(EarlyStopping.on(Metric.VAL_ACCURACY, 1000))
        .average(WeightAverage.exponential(0.9))
        .epochs(120)
        .seed(6)
        .syncEvery(5)
        .checkpoints(Checkpoints.in(folder, 3));
  }

  /** The same trainer, resumed from the newest checkpoint if there is one. */
  static TrainerBuilder resumed(Model model, Path folder) throws IOException {
    TrainerBuilder trainer = trainer(model, folder);
    try {
      return trainer.resume(Checkpoints.newest(folder));
    } catch (ModelFileException e) {
      return trainer;
    }
  }

  /** Trains, and prints a line at the beginning and at the end. */
  public static void main(String[] args) throws IOException {
    Callback slow =
        new Callback() {
          @Override
          public void fitBegin(Fit fit) {
            System.out.println("begins at update " + fit.updates());
          }

          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            try {
              Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
              fit.stop("interrupted");
            }
          }
        };
    resumed(SmallTask.model(), Path.of(args[0])).callbacks(slow).fit();
    System.out.println("done");
  }
}
