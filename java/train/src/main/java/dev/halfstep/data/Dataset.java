package dev.halfstep.data;

import dev.halfstep.Shape;
import java.io.IOException;
import java.util.Objects;
import java.util.Optional;

/**
 * Samples with random access, which can be read into a buffer in any order: what trainers, sessions
 * and studies take. {@link ArrayDataset} holds them in memory; a data set of one's own says how
 * many there are, what each consists of, and reads those that are asked for:
 *
 * <pre>{@code
 * record Records(FileChannel file, int size) implements Dataset {
 *   public String name() { return "records"; }
 *   public SampleForm form() {
 *     return SampleForm.of(InputSpec.of(DType.F32, Shape.of(8)), TargetSpec.labels(3));
 *   }
 *   public void gather(int[] samples, SampleBatch batch) throws IOException {
 *     ByteBuffer record = ByteBuffer.allocate(36); // 8 floats and a label
 *     for (int sample : samples) {
 *       if (file.read(record.clear(), sample * 36L) < 36) {
 *         throw new EOFException("record " + sample);
 *       }
 *       batch.input(0).put(record.slice(0, 32));
 *       batch.target(0).put(record.slice(32, 4));
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Only the number of samples is limited to that of an {@code int}; their bytes are not. Data
 * that do not lie in memory ({@link #inMemory}) stream: the samples of the next steps are gathered
 * while the device computes.
 *
 * <p>A sample has the same bytes whenever it is read. Implementations must bear calls of {@link
 * #gather} from several threads, one after the other and at the same time: two sessions, or an
 * evaluation beside a training, may share them. Closing what they read from is their owner's
 * matter, after the runs on them.
 */
public interface Dataset {
  /** What the data are called in messages and reports. */
  String name();

  /** The number of samples, at least 1 and always the same. */
  int size();

  /** What each sample consists of, always the same. */
  SampleForm form();

  /**
   * Reads samples into a batch: for each of them, in this order, its part of each array is put into
   * the buffer of that array, from the buffer's position on. All buffers are full then, their
   * positions at their limits. The buffers are good for this call only.
   *
   * <p>For implementors; callers use {@link #read}, which checks what came. It is called by the
   * thread that trains, evaluates or loads. An interrupt closes a {@link
   * java.nio.channels.FileChannel} that is being read: where runs are interrupted and resumed with
   * the same data set, open it anew.
   *
   * @param samples indices in [0, size); one may be there twice; not to be changed or kept
   * @throws IOException if they cannot be read, as with every unchecked exception: the run ends
   *     with a {@link GatherException}
   */
  void gather(int[] samples, SampleBatch batch) throws IOException;

  /**
   * As {@link #gather}, where only the targets are looked at: for counts of classes and for splits.
   * Worth an implementation of its own where inputs are expensive to read.
   *
   * @throws IOException if they cannot be read
   */
  default void gatherTargets(int[] samples, SampleBatch batch) throws IOException {
    gather(samples, batch);
  }

  /**
   * Whether the samples lie in memory, so that reading them is cheap. Such data are checked as a
   * whole before training, and copied to the device as a whole where there is room.
   */
  default boolean inMemory() {
    return false;
  }

  /**
   * What tells these data from others, for checkpoints: a resumed run must be given data of the
   * same identity. A file's name, length and time of change, or a checksum that is known. Where it
   * is empty, the first checkpoint of a run reads all samples once to compute a checksum.
   */
  default Optional<String> identity() {
    return Optional.empty();
  }

  /**
   * Reads samples and checks what came.
   *
   * @param samples indices; one may be there twice
   * @param batch of this form; its buffers are then at position 0, their limits at the end
   * @throws IllegalArgumentException if there is no such sample, or a label is none of the classes;
   *     the message names the sample
   * @throws GatherException if they could not be read, or gather left a buffer unfilled
   */
  default void read(int[] samples, SampleBatch batch) {
    read(samples, batch, true);
  }

  /** As {@link #read}, of the targets alone: what the inputs' buffers hold then is not said. */
  default void readTargets(int[] samples, SampleBatch batch) {
    read(samples, batch, false);
  }

  private void read(int[] samples, SampleBatch batch, boolean withInputs) {
    DirectBuffers.checkIndices(samples, size());
    batch.begin(samples.length);
    try {
      if (withInputs) {
        gather(samples, batch);
      } else {
        gatherTargets(samples, batch);
      }
    } catch (IOException | RuntimeException e) {
      throw GatherException.of(name(), samples, e);
    }
    String wrong = batch.end(withInputs);
    if (!wrong.isEmpty()) {
      throw GatherException.of(name(), samples, wrong);
    }
    batch.checkLabels(name(), samples);
  }

  /** The shape of one sample's first input. */
  default Shape sampleShape() {
    return form().input().shape();
  }

  /** The number of classes of the first target; 0 where it is values, or there is none. */
  default int classes() {
    return form().targets().isEmpty() ? 0 : form().target().classes();
  }

  /**
   * The class of a sample. Of many, {@link #labels}.
   *
   * @throws IllegalStateException if the samples have no single label each
   * @throws IndexOutOfBoundsException if there is no such sample
   */
  default int label(int sample) {
    requireOneLabel();
    Objects.checkIndex(sample, size());
    SampleBatch batch = new SampleBatch(form(), 1);
    readTargets(new int[] {sample}, batch);
    return batch.target(0).getInt(0);
  }

  /**
   * The class of each sample: the targets of all are read.
   *
   * @return a new array
   * @throws IllegalStateException if the samples have no single label each
   */
  default int[] labels() {
    requireOneLabel();
    int[] labels = new int[size()];
    int rows = DirectBuffers.rowsAtOnce(form(), labels.length);
    SampleBatch batch = new SampleBatch(form(), rows);
    for (int from = 0; from < labels.length; from += batch.rows()) {
      readTargets(DirectBuffers.range(from, Math.min(rows, labels.length - from)), batch);
      batch.target(0).asIntBuffer().get(labels, from, batch.rows());
    }
    return labels;
  }

  private void requireOneLabel() {
    if (!form().hasOneLabel()) {
      throw new IllegalStateException(
          name() + " has no single label a sample: its samples are " + form());
    }
  }

  /**
   * The first input of the samples from (inclusive) up to (exclusive) as numbers, normalised as
   * kernels do it while they gather: {@code x * scale + shift} in single precision.
   *
   * @return {@code [to - from, sampleShape...]}, row-major
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  default float[] toFloats(int from, int to) {
    DirectBuffers.checkSlice(from, to, size());
    SampleBatch batch = new SampleBatch(form(), to - from);
    read(DirectBuffers.range(from, to - from), batch);
    return batch.toFloats(0);
  }

  /** The same data under another name. */
  default Dataset withName(String name) {
    return DatasetView.of(this).named(name);
  }

  /**
   * The same data with another normalisation of the first input.
   *
   * @throws IllegalArgumentException if it does not fit the input
   */
  default Dataset withNormalization(Normalization normalization) {
    return DatasetView.of(this).formed(form().withNormalization(normalization));
  }

  /**
   * The samples from (inclusive) up to (exclusive), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  default Dataset slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size());
    return DatasetView.of(this).range(from, to);
  }

  /**
   * These samples, in this order, without a copy of them.
   *
   * @param samples indices, at least one; one that is given twice is there twice
   * @throws IllegalArgumentException if there is none, or no such sample
   */
  default Dataset subset(int... samples) {
    if (samples.length == 0) {
      throw new IllegalArgumentException("a subset of " + name() + " needs at least one sample");
    }
    DirectBuffers.checkIndices(samples, size());
    return DatasetView.of(this).chosen(samples);
  }

  /**
   * Holds out samples drawn by lot: as many as {@link Split#heldOut} says. With one label a sample
   * each class is divided in the same proportion (stratified) and keeps at least one sample to
   * train on; where that leaves too few to hold out, there are fewer, but at least one. The labels
   * of all samples are read for that.
   *
   * <p>Both parts are views, in an order drawn by lot too. They are a pure function of the seed,
   * the fraction, the number of samples and the labels, the same on every platform: a run that is
   * resumed, or made again with another seed of its own, has the same parts.
   *
   * @param fraction between 0 and 1, both exclusive
   * @param seed draws the samples; another one gives other parts
   * @throws IllegalArgumentException if the fraction does not, or there are fewer than 2 samples
   */
  default Split split(double fraction, long seed) {
    Lot.heldOut(size(), fraction);
    int[] labels = form().hasOneLabel() ? labels() : new int[size()];
    Lot lot = Lot.draw(labels, fraction, seed);
    return new Split(subset(lot.train()), subset(lot.heldOut()));
  }

  /**
   * Holds out the last samples, without a copy: as many as {@link Split#heldOut} says. For data
   * whose order is one of time, or drawn by lot already: of a file that is sorted by class, the
   * last part holds other classes than the first. Otherwise {@link #split}.
   *
   * @param fraction between 0 and 1, both exclusive
   * @throws IllegalArgumentException if the fraction does not, or there are fewer than 2 samples
   */
  default Split splitLast(double fraction) {
    int cut = size() - Split.heldOut(size(), fraction);
    return new Split(slice(0, cut), slice(cut, size()));
  }

  /** Name, number and form of the samples in one line, for reports. */
  default String described() {
    return name() + ": " + size() + " samples, " + form();
  }
}
