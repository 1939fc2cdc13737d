package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleReader;
import dev.halfstep.data.TargetSpec;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Locale;

/** Finds what may have made a loss infinite or NaN. */
final class NotFinite {
  /** The largest number of F16. */
  private static final float LARGEST_F16 = 65504;

  /** The most samples to read of data that are not in memory. */
  private static final int MOST_READ = 10_000;

  private NotFinite() {}

  /**
   * Advice for the user: names the first sample that explains the value, if there is one.
   *
   * @param untrained whether there was no update yet, so that the learning rate cannot be the cause
   */
  static String advice(SessionOptions options, Dataset data, boolean untrained) {
    boolean half = options.storage() == DType.F16;
    String sample = inFeatures(data, half ? LARGEST_F16 : Float.MAX_VALUE);
    if (sample.isEmpty()) {
      sample = inValues(data);
    }
    if (!sample.isEmpty()) {
      return sample;
    }
    if (!untrained) {
      return "a lower learning rate may prevent it" + (half ? ", or the range of BF16" : "");
    }
    for (float weight : options.model().weights()) {
      if (!Float.isFinite(weight)) {
        return "the weights that the run began with hold " + weight;
      }
    }
    return String.format(
        Locale.ROOT,
        "nothing had been updated yet, and the features reach %.3g: standardise them%s",
        largest(data),
        half ? ", or train in BF16 or F32, for F16 ends at 65504" : "");
  }

  /** The samples to search: all of data in memory, the first ones of other data. */
  private static SampleReader samples(Dataset data) {
    return new SampleReader(data, data.inMemory() ? data.size() : MOST_READ);
  }

  /** Names the first feature that is not finite, or not in the storage type; "" if none. */
  private static String inFeatures(Dataset data, float most) {
    List<InputSpec> inputs = data.form().inputs();
    for (int i = 0; i < inputs.size(); i++) {
      String found = inputs.get(i).type() == DType.F32 ? inFeatures(data, i, most) : "";
      if (!found.isEmpty()) {
        return found;
      }
    }
    return "";
  }

  private static String inFeatures(Dataset data, int input, float most) {
    InputSpec spec = data.form().inputs().get(input);
    String of =
        data.form().inputs().size() == 1 ? " of sample " : " of " + spec.name() + " of sample ";
    int each = (int) spec.shape().elements();
    for (SampleReader reader = samples(data); reader.next(); ) {
      float[] values = reader.batch().toFloats(input);
      for (int i = 0; i < values.length; i++) {
        if (!(Math.abs(values[i]) <= most)) {
          int sample = reader.first() + i / each;
          return "feature "
              + i % each
              + of
              + sample
              + " of "
              + data.name()
              + " is "
              + values[i]
              + (Float.isFinite(values[i])
                  ? ", and F16 ends at 65504: standardise the features, or train in BF16 or F32"
                  : ": take such samples out, or put a number in its place");
        }
      }
    }
    return "";
  }

  private static String inValues(Dataset data) {
    List<TargetSpec> targets = data.form().targets();
    for (int i = 0; i < targets.size(); i++) {
      String found = targets.get(i).hasLabels() ? "" : inValues(data, i);
      if (!found.isEmpty()) {
        return found;
      }
    }
    return "";
  }

  private static String inValues(Dataset data, int target) {
    TargetSpec spec = data.form().targets().get(target);
    String of =
        data.form().targets().size() == 1 ? " of sample " : " of " + spec.name() + " of sample ";
    int each = (int) spec.shape().elements();
    for (SampleReader reader = samples(data); reader.next(); ) {
      FloatBuffer values = reader.batch().target(target).asFloatBuffer();
      for (int i = 0; i < values.limit(); i++) {
        if (!Float.isFinite(values.get(i))) {
          return "value "
              + i % each
              + of
              + (reader.first() + i / each)
              + " of "
              + data.name()
              + " is "
              + values.get(i)
              + ": take such samples out";
        }
      }
    }
    return "";
  }

  private static float largest(Dataset data) {
    float most = 0;
    for (SampleReader reader = samples(data); reader.next(); ) {
      for (int input = 0; input < data.form().inputs().size(); input++) {
        for (float value : reader.batch().toFloats(input)) {
          most = Math.max(most, Math.abs(value));
        }
      }
    }
    return most;
  }
}
