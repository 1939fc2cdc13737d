package dev.halfstep.data;

import dev.halfstep.Shape;
import java.io.IOException;
import java.util.Objects;
import java.util.Optional;

/**
 * Samples with random access, which can be read into a buffer in any order: what trainers, sessions
 * and studies take. {@link ArrayDataset} holds them in memory; a user-defined data set returns
 * their number and form, and reads the requested ones:
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
 * that are not in memory ({@link #inMemory}) are streamed: the samples of the next steps are read
 * while the device computes.
 *
 * <p>A sample must have the same bytes whenever it is read. Implementations must allow calls of
 * {@link #gather} from several threads at the same time: two sessions, or a training and an
 * evaluation, may share a data set. Its owner closes the files that it reads from after the runs.
 */
public interface Dataset {
  /** The name of the data in messages and reports. */
  String name();

  /** The number of samples, at least 1 and always the same. */
  int size();

  /** What each sample consists of, always the same. */
  SampleForm form();

  /**
   * Reads samples into a batch: for each sample, in this order, puts its part of each array into
   * the buffer of that array, at the buffer's position. Afterwards all buffers must be full, with
   * their positions at their limits. The buffers may be used during this call only.
   *
   * <p>Implementors write this method; callers use {@link #read}, which checks the result. The
   * thread that trains, evaluates or loads calls it. An interrupt closes a {@link
   * java.nio.channels.FileChannel} that is being read: to resume an interrupted run with the same
   * data set, open the channel again.
   *
   * @param samples indices in [0, size), possibly repeated; the array must not be changed or kept
   * @throws IOException if they cannot be read; the run then ends with a {@link GatherException},
   *     as with any unchecked exception
   */
  void gather(int[] samples, SampleBatch batch) throws IOException;

  /**
   * As {@link #gather}, but only the targets are used: for counts of classes and for splits.
   * Override it if inputs are expensive to read.
   *
   * @throws IOException if they cannot be read
   */
  default void gatherTargets(int[] samples, SampleBatch batch) throws IOException {
    gather(samples, batch);
  }

  /**
   * Whether the samples are in memory, so that reading them is cheap. All samples of such data are
   * checked before training, and copied to the device if there is room.
   */
  default boolean inMemory() {
    return false;
  }

  /**
   * Identifies the data in checkpoints: a resumed run must be given data with the same identity. It
   * can be a file's name, length and time of change, or a known checksum. If it is empty, the first
   * checkpoint of a run reads all samples once to compute a checksum.
   */
  default Optional<String> identity() {
    return Optional.empty();
  }

  /**
   * Reads samples and checks the result.
   *
   * @param samples indices in [0, size), possibly repeated
   * @param batch a batch of this form; its buffers are read from position 0 to their limits
   *     afterwards
   * @throws IllegalArgumentException if an index is out of range, or a label is not one of the
   *     classes; the message names the sample
   * @throws GatherException if they could not be read, or {@link #gather} did not fill a buffer
   */
  default void read(int[] samples, SampleBatch batch) {
    read(samples, batch, true);
  }

  /**
   * As {@link #read}, for the targets only; the contents of the inputs' buffers are undefined
   * afterwards.
   */
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

  /** The number of classes of the first target; 0 if the target is values, or there is none. */
  default int classes() {
    return form().targets().isEmpty() ? 0 : form().target().classes();
  }

  /**
   * The class of a sample. For many samples use {@link #labels}.
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
   * The class of each sample; reads the targets of all samples.
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
   * The first input of the samples in [from, to) as numbers, normalised as kernels do it: {@code x
   * * scale + shift} in single precision.
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
   * The samples in [from, to), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  default Dataset slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size());
    return DatasetView.of(this).range(from, to);
  }

  /**
   * A view of these samples, in this order.
   *
   * @param samples indices, at least one; a repeated index repeats its sample
   * @throws IllegalArgumentException if there is no index, or one is out of range
   */
  default Dataset subset(int... samples) {
    if (samples.length == 0) {
      throw new IllegalArgumentException("a subset of " + name() + " needs at least one sample");
    }
    DirectBuffers.checkIndices(samples, size());
    return DatasetView.of(this).chosen(samples);
  }

  /**
   * Holds out randomly drawn samples, whose number is {@link Split#heldOut}. With one label per
   * sample, each class is divided in the same proportion (stratified) and keeps at least one
   * training sample; if that leaves too few to hold out, there are fewer, but at least one. This
   * reads the labels of all samples.
   *
   * <p>Both parts are views in a random order. They are a pure function of the seed, the fraction,
   * the number of samples and the labels, and equal on every platform, so a resumed run, or one
   * with another training seed, has the same parts.
   *
   * @param fraction between 0 and 1, both exclusive
   * @param seed the seed of the draw
   * @throws IllegalArgumentException if the fraction is not in (0, 1), or there are fewer than 2
   *     samples
   */
  default Split split(double fraction, long seed) {
    Lot.heldOut(size(), fraction);
    int[] labels = form().hasOneLabel() ? labels() : new int[size()];
    Lot lot = Lot.draw(labels, fraction, seed);
    return new Split(subset(lot.train()), subset(lot.heldOut()));
  }

  /**
   * Holds out the last samples, whose number is {@link Split#heldOut}, without a copy. Use it for
   * data that are ordered by time, or shuffled already. In a file that is sorted by class, the last
   * part has other classes than the first: use {@link #split}.
   *
   * @param fraction between 0 and 1, both exclusive
   * @throws IllegalArgumentException if the fraction is not in (0, 1), or there are fewer than 2
   *     samples
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
