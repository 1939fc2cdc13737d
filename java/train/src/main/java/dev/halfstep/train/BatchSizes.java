package dev.halfstep.train;

import dev.halfstep.schedule.Schedule;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The batch sizes of a run so far, from which it computes the position of an update in the epochs.
 * A run consists of stretches of steps of one size: an epoch is one stretch, or several if the
 * batch size changed within it.
 */
final class BatchSizes {
  private static final int STRETCH_BYTES = 3 * Integer.BYTES;

  /**
   * Consecutive steps of one size.
   *
   * @param epoch its epoch, counted from 1
   * @param first the number of samples of the epoch before it
   * @param batchSize samples of a full step
   */
  private record Stretch(int epoch, int first, int batchSize) {}

  private final TrainingPlan plan;
  private final List<Stretch> stretches = new ArrayList<>();
  // The stretch of the last update passed to progress(), and the number of updates before it.
  // Skipped steps are not updates, so this stretch can be earlier than the one being trained.
  private int current;
  private long updatesBefore;

  BatchSizes(TrainingPlan plan) {
    this.plan = plan;
  }

  /** The current or last epoch, counted from 1; 0 before the first. */
  int epoch() {
    return stretches.isEmpty() ? 0 : last().epoch();
  }

  /** Samples of a full step at present. */
  int size() {
    return stretches.isEmpty() ? plan.batchSize(0) : last().batchSize();
  }

  private Stretch last() {
    return stretches.get(stretches.size() - 1);
  }

  /** Begins the next epoch. */
  void beginEpoch(int batchSize) {
    stretches.add(new Stretch(epoch() + 1, 0, batchSize));
  }

  /** Changes the batch size within this epoch, after {@code sample} of its samples. */
  void change(int sample, int batchSize) {
    if (batchSize == size()) {
      return;
    }
    if (last().first() == sample) {
      stretches.remove(stretches.size() - 1);
      stretches.add(new Stretch(epoch() + (sample == 0 ? 1 : 0), sample, batchSize));
    } else {
      stretches.add(new Stretch(epoch(), sample, batchSize));
    }
  }

  /** The number of samples that this epoch trains on. */
  int samplesOfEpoch() {
    Stretch last = last();
    return last.first() + plan.samplesAfter(last.first(), last.batchSize());
  }

  /** The position of an update that is performed now, or later in this epoch. */
  Schedule.Progress progress(long update) {
    while (current + 1 < stretches.size() && update >= updatesBefore + updates(current)) {
      updatesBefore += updates(current);
      current++;
    }
    Stretch stretch = stretches.get(current);
    double begin = share(stretch.first());
    double end = endsEpoch(current) ? 1 : share(stretches.get(current + 1).first());
    double part = (double) (update - updatesBefore) / updates(current);
    double epoch = stretch.epoch() - 1 + begin + (end - begin) * part;
    return new Schedule.Progress(update, epoch, plan.length(), plan.updates(stretch.batchSize()));
  }

  private double share(int samples) {
    return (double) samples / plan.trainSamples();
  }

  private boolean endsEpoch(int index) {
    return index + 1 == stretches.size()
        || stretches.get(index + 1).epoch() > stretches.get(index).epoch();
  }

  /** Updates of a stretch if none is skipped; an epoch's last stretch lasts to the epoch's end. */
  private long updates(int index) {
    Stretch stretch = stretches.get(index);
    long samples =
        endsEpoch(index)
            ? plan.samplesAfter(stretch.first(), stretch.batchSize())
            : stretches.get(index + 1).first() - stretch.first();
    return Math.max(1, (samples + stretch.batchSize() - 1) / stretch.batchSize());
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(stretches.size());
    for (Stretch stretch : stretches) {
      out.writeInt(stretch.epoch());
      out.writeInt(stretch.first());
      out.writeInt(stretch.batchSize());
    }
  }

  void read(RunInput in) throws IOException {
    int samples = plan.trainSamples();
    for (int left = in.count("batch sizes", STRETCH_BYTES); left > 0; left--) {
      int epoch = in.number("an epoch", Math.max(1, epoch()), epoch() + 1);
      boolean within = epoch == epoch();
      int first =
          in.number("an epoch's sample", within ? last().first() + 1 : 0, within ? samples - 1 : 0);
      stretches.add(new Stretch(epoch, first, in.number("a batch size", 1, samples)));
    }
  }
}
