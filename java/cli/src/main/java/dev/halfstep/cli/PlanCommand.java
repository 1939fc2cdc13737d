package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.study.Finding;
import dev.halfstep.train.TrainingPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code halfstep plan}: what a run would do, without doing it. */
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

  /** What {@code --json} writes. */
  record PlanResult(
      int schema,
      String halfstep,
      String data,
      String model,
      String device,
      String precision,
      long parameters,
      Report.Samples samples,
      Report.PlanReport plan,
      List<Finding> findings,
      List<CallReport> calls) {}

  /** A kernel call of a full step. */
  record CallReport(String name, long bytes, long flops) {}

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    RunSetup setup = options.load(file);
    try (Device device = options.openDevice()) {
      TrainingPlan plan = RecipeOptions.possible(setup.trainer(device)::build).plan();
      out.print(summary(setup, device, plan));
      out.println();
      out.print(plan.step());
      List<Finding> findings = Advice.before(setup, plan);
      Advice.print(out, findings);
      json.write(
          file,
          new PlanResult(
              Report.SCHEMA,
              Version.current(),
              setup.data(),
              setup.modelName(),
              device.id(),
              setup.precision(),
              setup.model().parameters().count(),
              setup.samples(),
              Report.PlanReport.of(plan),
              findings,
              plan.step().calls().stream()
                  .map(call -> new CallReport(call.name(), call.bytes(), call.flops()))
                  .toList()));
    }
    return 0;
  }

  /** A few lines on what is about to happen. */
  static String summary(RunSetup setup, Device device, TrainingPlan plan) {
    DeviceInfo info = device.info();
    Report.Samples samples = setup.samples();
    String recipe = setup.recipe().recipe().described();
    String table =
        setup.csv().map(csv -> String.format("         %s%n", csv.described())).orElse("");
    return String.format(
        Locale.ROOT,
        "device   %s: %s%n"
            + "data     %s: %,d samples to train, %,d to validate, %,d to test%n"
            + "%s%s"
            + "model    %s: %,d parameters, %s, %s%n"
            + "%s"
            + "plan     %s%n"
            + "a step   %,d kernel calls, %.1f MFLOP, %.1f MB moved; %.1f MB on the device%n",
        device.id(),
        DevicesCommand.described(info),
        setup.data(),
        samples.train(),
        samples.validation(),
        samples.test(),
        table,
        Advice.onData(setup),
        setup.modelName(),
        setup.model().parameters().count(),
        setup.precision(device),
        Report.OptimizerReport.of(setup.optimizer()).described(),
        recipe.isEmpty() ? "" : String.format("recipe   %s%n", recipe),
        updates(plan),
        plan.step().calls().size(),
        plan.flops() * 1e-6,
        plan.bytes() * 1e-6,
        plan.memory().total() * 1e-6);
  }

  private static String updates(TrainingPlan plan) {
    String batches =
        plan.largestBatch() == plan.batchSize()
            ? "batch size " + plan.batchSize()
            : "batch size " + plan.batchSize(0) + " at first, at most " + plan.largestBatch();
    if (plan.totalUpdates() == Long.MAX_VALUE && plan.epochs() < Integer.MAX_VALUE) {
      return String.format(
          Locale.ROOT,
          "%.1f epochs, the first of %,d updates; %s, by the measured noise",
          plan.length(),
          plan.updatesPerEpoch(),
          batches);
    }
    if (plan.totalUpdates() == Long.MAX_VALUE) {
      return String.format(
          Locale.ROOT,
          "%s s of %,d updates an epoch, %s",
          plan.budget().seconds(),
          plan.updatesPerEpoch(),
          batches);
    }
    boolean alike = plan.totalUpdates() == plan.epochs() * plan.updatesPerEpoch();
    return alike
        ? String.format(
            Locale.ROOT,
            "%,d epochs x %,d updates = %,d updates, %s",
            plan.epochs(),
            plan.updatesPerEpoch(),
            plan.totalUpdates(),
            batches)
        : String.format(
            Locale.ROOT,
            "%.1f epochs, the first of %,d updates, %,d updates in all, %s",
            plan.length(),
            plan.updatesPerEpoch(),
            plan.totalUpdates(),
            batches);
  }
}
