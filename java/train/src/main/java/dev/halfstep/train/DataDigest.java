package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Labels;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * What tells a data set from another: a run goes on with the data that it began with, or it would
 * end with numbers that belong to neither.
 *
 * @param samples how many
 * @param form types and shapes of features and targets, for people
 * @param features CRC-32C of their bytes
 * @param normalization CRC-32C of its text
 * @param targets CRC-32C of their bytes
 */
record DataDigest(int samples, String form, int features, int normalization, int targets) {
  /** The digest of a data set, whose every byte is read. */
  static DataDigest of(Dataset data) {
    String classes =
        data.targets() instanceof Labels labels ? " of " + labels.classes() + " classes" : "";
    String form =
        "%s %s with targets %s %s%s"
            .formatted(
                data.features().type(),
                data.sampleShape(),
                data.targets().type(),
                data.targets().sampleShape(),
                classes);
    byte[] normalization =
        data.features().normalization().toString().getBytes(StandardCharsets.UTF_8);
    return new DataDigest(
        data.size(),
        form,
        crc(data.features().buffer()),
        crc(ByteBuffer.wrap(normalization)),
        crc(data.targets().buffer()));
  }

  private static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
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
   * Throws if the data that a run is to go on with are not those of this digest.
   *
   * @param which of the data: "training" or "validation"
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
