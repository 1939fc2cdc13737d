package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.optim.ParameterGroup;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;

/**
 * Writes a {@link FitState} into a checkpoint and reads it back bit for bit, except for the reason
 * to stop and for the arrays of weights and of steps, which are tensors of the checkpoint.
 */
final class FitRecords {
  private static final int CHANGE_BYTES = 2 * Integer.BYTES + Double.BYTES;

  private final TrainerOptions options;
  private final IdentityHashMap<Dataset, DataDigest> digests = new IdentityHashMap<>();

  FitRecords(TrainerOptions options) {
    this.options = options;
  }

  void write(DataOutput out, FitState fit) throws IOException {
    out.writeLong(options.session.seed());
    writeDigest(out, Optional.of(options.train));
    writeDigest(out, options.validation);
    out.writeUTF(options.session.optimizer().getClass().getSimpleName());
    out.writeInt(groups().size());
    for (String group : groups()) {
      out.writeUTF(group);
    }
    out.writeDouble(fit.seconds());
    fit.log.write(out);
    out.writeLong(fit.samples);
    out.writeInt(fit.sample);
    out.writeInt(fit.weights.averaged());
    fit.batches.write(out);
    out.writeInt(fit.epochs.size());
    for (EpochRecord epoch : fit.epochs) {
      RunRecords.write(out, epoch);
    }
    out.writeInt(fit.changes.size());
    for (RunChange change : fit.changes) {
      out.writeInt(change.step());
      out.writeDouble(change.rateFactor());
      out.writeInt(change.batchSize());
    }
    fit.judge.write(out);
    out.writeBoolean(fit.responsive != null);
    if (fit.responsive != null) {
      RunRecords.write(out, fit.responsive);
    }
    fit.traces.write(out);
    out.writeBoolean(fit.gradients.isPresent());
    if (fit.gradients.isPresent()) {
      RunRecords.write(out, fit.gradients.get());
    }
  }

  private void writeDigest(DataOutput out, Optional<Dataset> data) throws IOException {
    out.writeBoolean(data.isPresent());
    if (data.isPresent()) {
      digest(data.get()).write(out);
    }
  }

  /** The digest of the data, kept for further checkpoints because it may read all data. */
  private DataDigest digest(Dataset data) {
    return digests.computeIfAbsent(data, DataDigest::of);
  }

  private void readDigest(RunInput in, String which, Optional<Dataset> data) throws IOException {
    RunInput.requireSame("the use of " + which + " data", in.readBoolean(), data.isPresent());
    if (data.isPresent()) {
      DataDigest.read(in).requireSame(which, digest(data.get()));
    }
  }

  /**
   * Restores the state of a run with the same options into a run that has not begun. An epoch in
   * progress continues with the batch size of this run's options, or with the one that was measured
   * or set by a callback.
   *
   * @throws IllegalArgumentException if seed, data, optimizer or parameter groups differ
   * @throws IOException if no run can reach a value
   */
  void read(RunInput in, FitState fit, double[] losses, float[] gradientNorms, float[] lossScales)
      throws IOException {
    RunInput.requireSame("the seed", in.readLong(), options.session.seed());
    readDigest(in, "training", Optional.of(options.train));
    readDigest(in, "validation", options.validation);
    RunInput.requireSame(
        "the optimizer", in.readUTF(), options.session.optimizer().getClass().getSimpleName());
    readGroups(in);
    fit.secondsBefore = in.real("the run's time", 0, Double.MAX_VALUE);
    fit.log.read(in, losses, gradientNorms, lossScales);
    int samples = options.train.size();
    fit.samples = in.longNumber("the number of samples", 0, (long) fit.steps() * samples);
    fit.sample = in.number("the epoch's sample", 0, samples);
    int averaged = in.number("the number of averaged epochs", 0, Integer.MAX_VALUE - 1);
    fit.batches.read(in);
    readEpochs(in, fit);
    readChanges(in, fit);
    fit.judge.read(in);
    int complete = fit.epochs.size();
    if (fit.bestEpoch() < 0 || fit.bestEpoch() > complete || averaged > fit.epoch()) {
      throw new IOException(
          "epoch "
              + fit.bestEpoch()
              + " is the best and "
              + averaged
              + " are averaged of "
              + complete);
    }
    fit.weights.mean(null, averaged);
    RunInput.requireSame("the use of a responsive batch", in.readBoolean(), fit.responsive != null);
    if (fit.responsive != null) {
      fit.responsive = RunRecords.responsive(in, options.responsive.orElseThrow());
    }
    fit.traces.read(in, fit.steps());
    fit.gradients = in.readBoolean() ? Optional.of(RunRecords.statistics(in)) : Optional.empty();
    in.end();
    fit.resumeEpoch();
  }

  private List<String> groups() {
    return options.session.groups().stream().map(ParameterGroup::toString).toList();
  }

  private void readGroups(RunInput in) throws IOException {
    List<String> saved = new ArrayList<>();
    for (int left = in.count("parameter groups", Short.BYTES); left > 0; left--) {
      saved.add(in.readUTF());
    }
    RunInput.requireSame("the list of parameter groups", saved, groups());
  }

  private void readEpochs(RunInput in, FitState fit) throws IOException {
    int complete = in.count("epochs", RunRecords.EPOCH_BYTES);
    if (complete > fit.epoch() || complete < fit.epoch() - 1) {
      throw new IOException(
          complete + " epochs are complete of " + fit.epoch() + " that were begun");
    }
    int classes = options.validation.map(Dataset::classes).orElse(0);
    while (fit.epochs.size() < complete) {
      fit.epochs.add(RunRecords.epoch(in, fit.epochs.size() + 1, classes));
    }
  }

  private static void readChanges(RunInput in, FitState fit) throws IOException {
    for (int left = in.count("changes", CHANGE_BYTES); left > 0; left--) {
      int step = in.number("the step of a change", 0, fit.steps());
      double factor = in.real("a factor of the learning rate", 0, Double.MAX_VALUE);
      int most = fit.plan().largestBatch();
      fit.changes.add(new RunChange(step, factor, in.number("a batch size", 0, most)));
    }
  }
}
