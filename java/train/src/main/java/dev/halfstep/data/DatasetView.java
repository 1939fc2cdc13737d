package dev.halfstep.data;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A view of some samples of a data set, in any order. */
final class DatasetView implements Dataset {
  private final Dataset source;
  private final String name;
  private final SampleForm form;
  private final int @Nullable [] indices; // null for the source's order
  private final int first; // in the indices, or in the source
  private final int size;
  private final AtomicReference<int @Nullable []> spare = new AtomicReference<>();

  private DatasetView(
      Dataset source, String name, SampleForm form, int @Nullable [] indices, int first, int size) {
    this.source = source;
    this.name = name;
    this.form = form;
    this.indices = indices;
    this.first = first;
    this.size = size;
  }

  /** A view of all samples of a data set. */
  static DatasetView of(Dataset data) {
    return data instanceof DatasetView view
        ? view
        : new DatasetView(data, data.name(), data.form(), null, 0, data.size());
  }

  DatasetView named(String other) {
    return new DatasetView(source, other, form, indices, first, size);
  }

  DatasetView formed(SampleForm other) {
    return new DatasetView(source, name, other, indices, first, size);
  }

  DatasetView range(int from, int to) {
    return new DatasetView(source, name, form, indices, first + from, to - from);
  }

  DatasetView chosen(int[] samples) {
    return new DatasetView(
        source, name, form, ofSource(samples, new int[samples.length]), 0, samples.length);
  }

  private int[] ofSource(int[] samples, int[] result) {
    for (int i = 0; i < samples.length; i++) {
      result[i] = indices == null ? first + samples[i] : indices[first + samples[i]];
    }
    return result;
  }

  /**
   * Converts indices of this view to indices of the source. It uses the array of an earlier call
   * again if that is free.
   */
  private int[] take(int[] samples) {
    int[] found = spare.getAndSet(null);
    boolean fits = found != null && found.length == samples.length;
    return ofSource(samples, fits ? found : new int[samples.length]);
  }

  @Override
  public void gather(int[] samples, SampleBatch batch) throws IOException {
    int[] taken = take(samples);
    source.gather(taken, batch);
    spare.set(taken);
  }

  @Override
  public void gatherTargets(int[] samples, SampleBatch batch) throws IOException {
    int[] taken = take(samples);
    source.gatherTargets(taken, batch);
    spare.set(taken);
  }

  /** Messages name the sample by its index in the source, where users can find it. */
  @Override
  public void read(int[] samples, SampleBatch batch) {
    DirectBuffers.checkIndices(samples, size);
    int[] taken = take(samples);
    source.read(taken, batch);
    spare.set(taken);
  }

  @Override
  public void readTargets(int[] samples, SampleBatch batch) {
    DirectBuffers.checkIndices(samples, size);
    int[] taken = take(samples);
    source.readTargets(taken, batch);
    spare.set(taken);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public SampleForm form() {
    return form;
  }

  @Override
  public boolean inMemory() {
    return source.inMemory();
  }

  /** The source's identity and a digest of the indices. */
  @Override
  public Optional<String> identity() {
    return source.identity().map(text -> text + ", " + selection());
  }

  private String selection() {
    if (indices == null) {
      return "samples " + first + " to " + (first + size);
    }
    CRC32C crc = new CRC32C();
    for (int i = first; i < first + size; i++) {
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        crc.update(indices[i] >>> shift);
      }
    }
    return size + " samples chosen, CRC-32C " + Long.toHexString(crc.getValue());
  }

  @Override
  public String toString() {
    return described();
  }
}
