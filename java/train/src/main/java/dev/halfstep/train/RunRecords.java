package dev.halfstep.train;

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
    out.writeInt(epoch.steps());
    out.writeInt(epoch.batchSize());
    out.writeFloat(epoch.learningRate());
    out.writeDouble(epoch.seconds());
  }

  static EpochRecord epoch(DataInput in, int number) throws IOException {
    Metrics train = metrics(in);
    Optional<Metrics> validation = in.readBoolean() ? Optional.of(metrics(in)) : Optional.empty();
    return new EpochRecord(
        number, train, validation, in.readInt(), in.readInt(), in.readFloat(), in.readDouble());
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

  static void write(DataOutput out, EarlyStopping.State state) throws IOException {
    out.writeDouble(state.best());
    out.writeDouble(state.smoothed());
    out.writeInt(state.waited());
  }

  static EarlyStopping.State stopping(DataInput in) throws IOException {
    return new EarlyStopping.State(in.readDouble(), in.readDouble(), in.readInt());
  }
}
