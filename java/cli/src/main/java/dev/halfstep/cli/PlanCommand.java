package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.report.Advice;
import dev.halfstep.report.PlanReport;
import dev.halfstep.report.RunDescription;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code halfstep plan}: shows what a run would do, without training. */
@Command(
    name = "plan",
    description = {
      "Shows what a run would do, without training: updates, memory, and the kernel calls of a step"
          + " with their bytes and FLOPs.",
      "Takes the options of train but --out."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class PlanCommand implements Callable<Integer> {
  private final PrintWriter out;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final JsonOption json = new JsonOption();

  PlanCommand(PrintWriter out) {
    this.out = out;
  }

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    RunSetup setup = options.load(file);
    try (Device device = options.openDevice()) {
      Trainer trainer = RecipeOptions.possible(setup.trainer(device)::build);
      RunDescription run = setup.description();
      PlanReport report = PlanReport.of(trainer, run);
      out.print(PlanReport.summary(trainer, run));
      out.println();
      out.print(trainer.plan().step());
      out.print(Advice.lines(report.findings()));
      json.write(file, report);
    }
    return 0;
  }
}
