package dev.halfstep.train;

import dev.halfstep.nn.Model;
import dev.halfstep.session.TrainingSession;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The values of traced weights: one row for each time that the trainer waits for the device. */
final class WeightTraces {
  /** A weight to trace. */
  record Watched(String parameter, int index) {
    /** Throws unless the model has such a weight. */
    void requireIn(Model model) {
      long elements = model.parameters().get(parameter).shape().elements();
      if (index < 0 || index >= elements) {
        throw new IllegalArgumentException(
            "weight " + index + " of " + parameter + " cannot be traced: it has " + elements);
      }
    }
  }

  private final List<Watched> watched;
  private final List<Integer> steps = new ArrayList<>();
  private final List<float[]> values = new ArrayList<>();

  WeightTraces(List<Watched> watched) {
    this.watched = watched;
  }

  /** Records the weights after {@code step} steps; does nothing if they were recorded before. */
  void add(int step, TrainingSession session) {
    if (watched.isEmpty() || (!steps.isEmpty() && steps.get(steps.size() - 1) == step)) {
      return;
    }
    float[] row = new float[watched.size()];
    for (int i = 0; i < row.length; i++) {
      row[i] = session.weight(watched.get(i).parameter(), watched.get(i).index());
    }
    steps.add(step);
    values.add(row);
  }

  /** All traces. */
  List<WeightTrace> list() {
    List<WeightTrace> traces = new ArrayList<>();
    for (int i = 0; i < watched.size(); i++) {
      List<Float> way = new ArrayList<>();
      for (float[] row : values) {
        way.add(row[i]);
      }
      traces.add(new WeightTrace(watched.get(i).parameter(), watched.get(i).index(), steps, way));
    }
    return traces;
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(watched.size());
    out.writeInt(steps.size());
    for (int k = 0; k < steps.size(); k++) {
      out.writeInt(steps.get(k));
      for (float value : values.get(k)) {
        out.writeFloat(value);
      }
    }
  }

  void read(RunInput in, int stepsSoFar) throws IOException {
    RunInput.requireSame("the number of traced weights", in.readInt(), watched.size());
    int bytes = Integer.BYTES + watched.size() * Float.BYTES;
    for (int left = in.count("traced values", bytes); left > 0; left--) {
      steps.add(in.number("a traced step", 0, stepsSoFar));
      float[] row = new float[watched.size()];
      for (int i = 0; i < row.length; i++) {
        row[i] = in.readFloat();
      }
      values.add(row);
    }
  }
}
