package dev.halfstep.report;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.data.CsvData;
import dev.halfstep.session.SessionOptions;
import dev.halfstep.study.Finding;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainingPlan;
import java.util.List;
import java.util.Locale;

/** Describes a run that has not begun: the document of {@code halfstep plan}. */
public record PlanReport(
    int schema,
    String halfstep,
    String data,
    String model,
    String device,
    String precision,
    long parameters,
    Report.Samples samples,
    Report.Planned plan,
    List<Finding> findings,
    List<KernelCall> calls)
    implements JsonDocument {

  /** A kernel call of a full step. */
  public record KernelCall(String name, long bytes, long flops) {}

  /** The report of a run to come. */
  public static PlanReport of(Trainer trainer) {
    return of(trainer, RunDescription.of(trainer));
  }

  /**
   * The report of a run to come.
   *
   * @param run what the trainer does not know of it
   */
  public static PlanReport of(Trainer trainer, RunDescription run) {
    SessionOptions session = trainer.options().sessionOptions();
    return new PlanReport(
        Report.SCHEMA,
        HalfstepVersion.current(),
        run.data(),
        run.model(),
        Report.onDevice(trainer, Device::id),
        Report.precision(session),
        session.model().parameters().count(),
        Report.Samples.of(trainer.options()),
        Report.Planned.of(trainer.plan()),
        Advice.before(trainer, run),
        trainer.plan().step().calls().stream()
            .map(call -> new KernelCall(call.name(), call.bytes(), call.flops()))
            .toList());
  }

  /** A few lines for people on what is about to happen. */
  public static String summary(Trainer trainer) {
    return summary(trainer, RunDescription.of(trainer));
  }

  /**
   * A few lines for people on what is about to happen.
   *
   * @param run what the trainer does not know of it
   */
  public static String summary(Trainer trainer, RunDescription run) {
    TrainingPlan plan = trainer.plan();
    SessionOptions session = trainer.options().sessionOptions();
    Report.Samples samples = Report.Samples.of(trainer.options());
    String recipe = run.recipe().described();
    String table =
        run.table().map(csv -> String.format("         %s%n", csv.described())).orElse("");
    String doubts = Advice.onData(run.table().map(CsvData::doubts).orElse(List.of()));
    return Report.onDevice(
        trainer,
        device ->
            String.format(
                Locale.ROOT,
                "device   %s: %s%n"
                    + "data     %s: %,d samples to train, %,d to validate, %,d to test%n"
                    + "%s%s"
                    + "model    %s: %,d parameters, %s, %s%n"
                    + "%s"
                    + "plan     %s%n"
                    + "a step   %,d kernel calls, %.1f MFLOP, %.1f MB moved; %.1f MB on the"
                    + " device%n",
                device.id(),
                described(device.info()),
                run.data(),
                samples.train(),
                samples.validation(),
                samples.test(),
                table,
                doubts,
                run.model(),
                session.model().parameters().count(),
                precision(session, device),
                Report.OptimizerReport.of(session.optimizer()).described(),
                recipe.isEmpty() ? "" : String.format("recipe   %s%n", recipe),
                updates(plan),
                plan.step().calls().size(),
                plan.flops() * 1e-6,
                plan.bytes() * 1e-6,
                plan.memory().total() * 1e-6));
  }

  /** A device for people: the chip, its threads and its memory. */
  public static String described(DeviceInfo info) {
    return String.format(
        Locale.ROOT,
        "%s, %s, %d %s, %.1f of %.1f GiB free",
        info.name(),
        info.detail(),
        info.threads(),
        info.backend().equals("cuda") ? "multiprocessors" : "threads",
        info.memoryAvailable() / 0x1p30,
        info.memoryTotal() / 0x1p30);
  }

  /** The precision, with a note if the device has no units for it. */
  private static String precision(SessionOptions session, Device device) {
    String precision = Report.precision(session);
    boolean cpu = device.info().backend().equals("cpu");
    return cpu && precision.equals("tf32") ? "tf32 (on a CPU the same as fp32)" : precision;
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
