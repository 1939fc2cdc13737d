package dev.halfstep.train;

import dev.halfstep.kernel.GradientStatistics;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;

/** How the records of a run are written into a checkpoint and read from it, to the last bit. */
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

  /** All but its number, which follows from its place. */
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
  }

  static EpochRecord epoch(DataInput in, int number) throws IOException {
    Metrics train = metrics(in);
    Optional<Metrics> validation = in.readBoolean() ? Optional.of(metrics(in)) : Optional.empty();
    Optional<Confusion> confusion =
        in.readBoolean() ? Optional.of(confusion(in)) : Optional.empty();
    return new EpochRecord(
        number,
        train,
        validation,
        confusion,
        in.readInt(),
        in.readInt(),
        in.readFloat(),
        in.readDouble(),
        statistics(in),
        in.readBoolean()
            ? Optional.of(new GradientNoise(in.readDouble(), in.readDouble()))
            : Optional.empty());
  }

  private static void write(DataOutput out, Confusion confusion) throws IOException {
    out.writeInt(confusion.classes());
    for (int label = 0; label < confusion.classes(); label++) {
      for (int predicted = 0; predicted < confusion.classes(); predicted++) {
        out.writeLong(confusion.count(label, predicted));
      }
    }
  }

  private static Confusion confusion(DataInput in) throws IOException {
    int classes = in.readInt();
    long[] counts = new long[classes * classes];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = in.readLong();
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

  static Plateau.State plateau(DataInput in) throws IOException {
    return new Plateau.State(in.readDouble(), in.readDouble(), in.readInt(), in.readInt());
  }

  static void write(DataOutput out, ResponsiveBatch.State state) throws IOException {
    out.writeInt(state.batchSize());
    out.writeDouble(state.variance());
    out.writeDouble(state.square());
    out.writeInt(state.says());
  }

  static ResponsiveBatch.State responsive(DataInput in) throws IOException {
    return new ResponsiveBatch.State(in.readInt(), in.readDouble(), in.readDouble(), in.readInt());
  }

  static void write(DataOutput out, EarlyStopping.State state) throws IOException {
    out.writeDouble(state.best());
    out.writeDouble(state.smoothed());
    out.writeInt(state.waited());
  }

  static EarlyStopping.State stopping(DataInput in) throws IOException {
    return new EarlyStopping.State(in.readDouble(), in.readDouble(), in.readInt());
  }
}
