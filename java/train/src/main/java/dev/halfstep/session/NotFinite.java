package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Values;
import java.nio.FloatBuffer;
import java.util.Locale;

/** What may have made a loss infinite or NaN. */
final class NotFinite {
  /** The largest number of F16. */
  private static final float LARGEST_F16 = 65504;

  private NotFinite() {}

  /**
   * What to do about it, for people: the first sample that explains it, if there is one.
   *
   * @param untrained whether nothing had been updated yet, so that no learning rate can be the
   *     cause
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
        largest(data.features()),
        half ? ", or train in BF16 or F32, for F16 ends at 65504" : "");
  }

  /** The first feature that is not finite, or, in the type of storage, cannot be. */
  private static String inFeatures(Dataset data, float most) {
    Features features = data.features();
    int each = (int) features.sampleShape().elements();
    for (int sample = 0; features.type() == DType.F32 && sample < data.size(); sample++) {
      float[] values = features.toFloats(sample, sample + 1);
      for (int i = 0; i < each; i++) {
        if (!(Math.abs(values[i]) <= most)) {
          String what = "feature " + i + " of sample " + sample + " of " + data.name();
          return what
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
    if (data.targets() instanceof Values values) {
      FloatBuffer buffer = values.buffer().asFloatBuffer();
      int each = (int) Math.max(1, values.sampleShape().elements());
      for (int i = 0; i < buffer.remaining(); i++) {
        if (!Float.isFinite(buffer.get(i))) {
          return "value "
              + i % each
              + " of sample "
              + i / each
              + " of "
              + data.name()
              + " is "
              + buffer.get(i)
              + ": take such samples out";
        }
      }
    }
    return "";
  }

  private static float largest(Features features) {
    float most = 0;
    for (int sample = 0; sample < features.size(); sample++) {
      for (float value : features.toFloats(sample, sample + 1)) {
        most = Math.max(most, Math.abs(value));
      }
    }
    return most;
  }
}
