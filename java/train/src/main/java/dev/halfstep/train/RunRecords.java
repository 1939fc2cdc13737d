package dev.halfstep.train;

import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Writes the records of a run into a checkpoint and reads them back bit for bit. */
final class RunRecords {
  private RunRecords() {}

  static void write(DataOutput out, Metrics metrics) throws IOException {
    out.writeDouble(metrics.lossSum());
    out.writeDouble(metrics.weight());
    out.writeDouble(metrics.correct());
    out.writeDouble(metrics.rows());
  }

  static Metrics metrics(DataInput in) throws IOException {
    return new Metrics(in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble());
  }

  /** Writes an epoch without its number, which follows from its position in the file. */
  static void write(DataOutput out, EpochRecord epoch) throws IOException {
    write(out, epoch.train());
    out.writeBoolean(epoch.validation().isPresent());
    if (epoch.validation().isPresent()) {
      write(out, epoch.validation().get());
    }
    out.writeBoolean(epoch.confusion().isPresent());
    if (epoch.confusion().isPresent()) {
      write(out, epoch.confusion().get());
    }
    out.writeInt(epoch.steps());
    out.writeInt(epoch.batchSize());
    out.writeFloat(epoch.learningRate());
    out.writeDouble(epoch.seconds());
    write(out, epoch.gradients());
    out.writeBoolean(epoch.noise().isPresent());
    if (epoch.noise().isPresent()) {
      out.writeDouble(epoch.noise().get().variance());
      out.writeDouble(epoch.noise().get().squaredGradient());
    }
    out.writeInt(epoch.own().size());
    for (Map.Entry<String, Double> own : epoch.own().entrySet()) {
      out.writeUTF(own.getKey());
      out.writeDouble(own.getValue());
    }
  }

  /** The fewest bytes of an epoch. */
  static final int EPOCH_BYTES = 123;

  /**
   * Reads an epoch.
   *
   * @param classes number of classes of the validation data; 0 if they have none
   */
  static EpochRecord epoch(RunInput in, int number, int classes) throws IOException {
    Metrics train = metrics(in);
    Optional<Metrics> validation = in.readBoolean() ? Optional.of(metrics(in)) : Optional.empty();
    Optional<Confusion> confusion =
        in.readBoolean() ? Optional.of(confusion(in, classes)) : Optional.empty();
    return new EpochRecord(
        number,
        train,
        validation,
        confusion,
        in.number("the number of an epoch's steps", 0, Integer.MAX_VALUE),
        in.number("an epoch's batch size", 1, Integer.MAX_VALUE),
        in.readFloat(),
        in.readDouble(),
        statistics(in),
        in.readBoolean()
            ? Optional.of(new GradientNoise(in.readDouble(), in.readDouble()))
            : Optional.empty(),
        own(in));
  }

  private static Map<String, Double> own(RunInput in) throws IOException {
    Map<String, Double> own = new LinkedHashMap<>(); // in the order of the file
    for (int left = in.count("metrics", Short.BYTES + Double.BYTES); left > 0; left--) {
      own.put(in.readUTF(), in.readDouble());
    }
    return own;
  }

  /** Writes only the counts that are not 0: with 1000 classes, few of the million counts are. */
  private static void write(DataOutput out, Confusion confusion) throws IOException {
    int classes = confusion.classes();
    int some = 0;
    for (int i = 0; i < classes * classes; i++) {
      some += confusion.count(i / classes, i % classes) == 0 ? 0 : 1;
    }
    out.writeInt(classes);
    out.writeInt(some);
    for (int i = 0; i < classes * classes; i++) {
      long count = confusion.count(i / classes, i % classes);
      if (count != 0) {
        out.writeInt(i);
        out.writeLong(count);
      }
    }
  }

  private static Confusion confusion(RunInput in, int classes) throws IOException {
    in.number("the number of classes", Math.max(1, classes), classes);
    long[] counts = new long[classes * classes];
    for (int left = in.count("counts of classes", Integer.BYTES + Long.BYTES); left > 0; left--) {
      int at = in.number("the place of a count", 0, counts.length - 1);
      counts[at] = in.longNumber("a count of samples", 0, Integer.MAX_VALUE);
    }
    return new Confusion(classes, counts);
  }

  static void write(DataOutput out, GradientStatistics statistics) throws IOException {
    out.writeDouble(statistics.mean());
    out.writeDouble(statistics.meanMagnitude());
    out.writeDouble(statistics.deviation());
    out.writeDouble(statistics.minimum());
    out.writeDouble(statistics.maximum());
    out.writeDouble(statistics.norm());
    out.writeLong(statistics.count());
    out.writeLong(statistics.nonfinite());
  }

  static GradientStatistics statistics(DataInput in) throws IOException {
    return new GradientStatistics(
        in.readDouble(),
        in.readDouble(),
        in.readDouble(),
        in.readDouble(),
        in.readDouble(),
        in.readDouble(),
        in.readLong(),
        in.readLong());
  }

  static void write(DataOutput out, Plateau.State state) throws IOException {
    out.writeDouble(state.multiplier());
    out.writeDouble(state.best());
    out.writeInt(state.bad());
    out.writeInt(state.cooling());
  }

  static Plateau.State plateau(RunInput in) throws IOException {
    return new Plateau.State(
        in.real("the plateau's multiplier", 0, 1),
        in.readDouble(),
        in.number("the plateau's bad epochs", 0, Integer.MAX_VALUE - 1),
        in.number("the plateau's cooldown", 0, Integer.MAX_VALUE));
  }

  static void write(DataOutput out, ResponsiveBatch.State state) throws IOException {
    out.writeInt(state.batchSize());
    out.writeDouble(state.variance());
    out.writeDouble(state.square());
    out.writeInt(state.says());
  }

  static ResponsiveBatch.State responsive(RunInput in, ResponsiveBatch rule) throws IOException {
    return new ResponsiveBatch.State(
        in.number("the responsive batch", rule.least(), rule.most()),
        in.readDouble(),
        in.readDouble(),
        in.number("the epochs that say the same", -rule.patience(), rule.patience()));
  }

  static void write(DataOutput out, EarlyStopping.State state) throws IOException {
    out.writeDouble(state.best());
    out.writeDouble(state.smoothed());
    out.writeInt(state.waited());
  }

  static EarlyStopping.State stopping(RunInput in) throws IOException {
    return new EarlyStopping.State(
        in.readDouble(),
        in.readDouble(),
        in.number("the epochs without improvement", 0, Integer.MAX_VALUE - 1));
  }
}
