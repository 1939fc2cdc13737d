package dev.halfstep.examples;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleForm;
import dev.halfstep.data.Split;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/**
 * A data set of one's own: records of a fixed size in a file, which are read when a step needs
 * them, so that the file may be larger than memory. It trains to the same bits as the same samples
 * in memory.
 */
public final class OwnData {
  private OwnData() {}

  /**
   * Records of 16 floats and a label (int), little-endian, one after the other.
   *
   * @param file is read at positions, which several threads may do at the same time
   */
  record Records(Path path, FileChannel file, int size) implements Dataset {
    static final int FEATURES = 16;
    static final int CLASSES = 4;
    static final int BYTES = (FEATURES + 1) * Float.BYTES;

    static Records open(Path path) throws IOException {
      FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
      return new Records(path, file, Math.toIntExact(file.size() / BYTES));
    }

    @Override
    public String name() {
      return path.getFileName().toString();
    }

    @Override
    public SampleForm form() {
      return SampleForm.of(InputSpec.of(DType.F32, Shape.of(FEATURES)), TargetSpec.labels(CLASSES));
    }

    @Override
    public void gather(int[] samples, SampleBatch batch) throws IOException {
      ByteBuffer record = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (int sample : samples) {
        record.clear();
        while (record.hasRemaining()) {
          if (file.read(record, (long) sample * BYTES + record.position()) < 0) {
            throw new EOFException("the file ends within record " + sample);
          }
        }
        record.flip();
        for (int i = 0; i < FEATURES; i++) {
          batch.input(0).putFloat(record.getFloat());
        }
        batch.target(0).putInt(record.getInt());
      }
    }

    /** A checkpoint knows the file by this, and need not read it. */
    @Override
    public Optional<String> identity() {
      return Optional.of(name() + " of " + size + " records");
    }
  }

  /** Writes so many records: points around one of four centres, the label. */
  private static void write(Path path, int records) throws IOException {
    Random random = new Random(1);
    ByteBuffer all = ByteBuffer.allocate(records * Records.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int record = 0; record < records; record++) {
      int label = random.nextInt(Records.CLASSES);
      for (int i = 0; i < Records.FEATURES; i++) {
        all.putFloat((float) random.nextGaussian() + (i % Records.CLASSES == label ? 1 : 0));
      }
      all.putInt(label);
    }
    Files.write(path, all.array());
  }

  private static Model train(Split parts) {
    Model model =
        Model.of(
            parts.train().sampleShape(),
            Sequential.of(new Linear(32), new ReLU(), new Linear(Records.CLASSES)));
    History history =
        Trainer.builder(model, parts.train())
            .validation(parts.heldOut())
            .batchSize(32)
            .epochs(3)
            .seed(1)
            .fit();
    System.out.printf(
        "from %s: validation accuracy %.1f %%%n",
        parts.train().inMemory() ? "memory" : "the file",
        100 * history.epochs().get(2).validation().orElseThrow().accuracy());
    return model;
  }

  /**
   * Prints the accuracy of both trainings, and whether their weights are equal.
   *
   * @param args a folder for the file; a new temporary one if there is none
   */
  public static void main(String[] args) throws IOException {
    Path folder = args.length > 0 ? Path.of(args[0]) : Files.createTempDirectory("halfstep-data");
    Path path = folder.resolve("points.records");
    write(path, 4000);

    Records records = Records.open(path);
    try (FileChannel file = records.file()) {
      Split parts = records.split(0.2, 0); // views: the labels are read once, nothing is copied
      Split copies =
          new Split(ArrayDataset.copyOf(parts.train()), ArrayDataset.copyOf(parts.heldOut()));
      Model fromFile = train(parts);
      Model fromMemory = train(copies);
      System.out.println(
          "the same weights, bit for bit: "
              + Arrays.equals(fromFile.weights(), fromMemory.weights()));
      System.out.println(file.size() + " bytes in " + path.getFileName());
    }
  }
}
