package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleForm;
import dev.halfstep.data.SampleReader;
import dev.halfstep.data.TargetSpec;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/**
 * Identifies a data set: a resumed run must use the data that it began with, because otherwise its
 * results would belong to neither data set.
 *
 * @param samples the number of samples
 * @param form types and shapes of features and targets, as text for messages
 * @param features CRC-32C of the bytes of the features, or of the data's identity if it has one
 * @param normalization CRC-32C of the text of the normalisation
 * @param targets CRC-32C of the bytes of the targets; 0 if there is an identity
 */
record DataDigest(int samples, String form, int features, int normalization, int targets) {
  /**
   * The digest of a data set: of its identity if it has one, otherwise of all its bytes, which are
   * read for that.
   */
  static DataDigest of(Dataset data) {
    String form = form(data.form());
    String normalization =
        data.form().inputs().stream()
            .map(input -> input.normalization().toString())
            .collect(Collectors.joining("; "));
    CRC32C features = new CRC32C();
    CRC32C targets = new CRC32C();
    if (data.identity().isPresent()) {
      features.update(data.identity().get().getBytes(StandardCharsets.UTF_8));
    } else {
      read(data, features, targets);
    }
    return new DataDigest(
        data.size(), form, (int) features.getValue(), crc(normalization), (int) targets.getValue());
  }

  /** Describes the first input and target; further ones follow with their names. */
  private static String form(SampleForm form) {
    List<String> parts = new ArrayList<>();
    for (InputSpec input : form.inputs()) {
      parts.add(named(input.name(), InputSpec.DEFAULT_NAME) + input.type() + " " + input.shape());
    }
    List<String> targets = new ArrayList<>();
    for (TargetSpec target : form.targets()) {
      targets.add(
          named(target.name(), TargetSpec.DEFAULT_NAME)
              + target.type()
              + " "
              + target.shape()
              + (target.hasLabels() ? " of " + target.classes() + " classes" : ""));
    }
    return String.join(", ", parts) + " with targets " + String.join(", ", targets);
  }

  private static String named(String name, String defaultName) {
    return name.equals(defaultName) ? "" : name + " ";
  }

  private static void read(Dataset data, CRC32C features, CRC32C targets) {
    for (SampleReader reader = new SampleReader(data); reader.next(); ) {
      for (int i = 0; i < data.form().inputs().size(); i++) {
        features.update(reader.batch().input(i));
      }
      for (int i = 0; i < data.form().targets().size(); i++) {
        targets.update(reader.batch().target(i));
      }
    }
  }

  private static int crc(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return (int) crc.getValue();
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(samples);
    out.writeUTF(form);
    out.writeInt(features);
    out.writeInt(normalization);
    out.writeInt(targets);
  }

  static DataDigest read(RunInput in) throws IOException {
    return new DataDigest(in.readInt(), in.readUTF(), in.readInt(), in.readInt(), in.readInt());
  }

  /**
   * Throws if the data of the resumed run do not have this digest.
   *
   * @param which the role of the data: "training" or "validation"
   */
  void requireSame(String which, DataDigest now) {
    RunInput.requireSame("the number of " + which + " samples", samples, now.samples);
    RunInput.requireSame("the type of the " + which + " samples", form, now.form);
    String what =
        features != now.features
            ? "the features"
            : targets != now.targets
                ? "the targets"
                : normalization != now.normalization ? "the normalization" : "";
    if (!what.isEmpty()) {
      throw new IllegalArgumentException(
          "the checkpoint cannot be resumed: "
              + what
              + " of the "
              + which
              + " samples are not those that the run began with; give it the same data, or train"
              + " anew");
    }
  }
}
