package dev.halfstep.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Samples in host memory: {@link Features} and the {@link Targets} that belong to them, each array
 * at most 2 GiB. Immutable, and safe to read from several threads; slices share the memory.
 *
 * <pre>{@code
 * float[][] x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
 * Dataset xor = ArrayDataset.of("xor", Features.of(x), Labels.of(new int[] {0, 1, 1, 0}, 2));
 * }</pre>
 */
public final class ArrayDataset implements Dataset {
  private final String name;
  private final SampleForm form;
  private final List<Features> features;
  private final List<Targets> targets;
  private final ByteBuffer[] inputBytes;
  private final ByteBuffer[] targetBytes;

  private ArrayDataset(
      String name, SampleForm form, List<Features> features, List<Targets> targets) {
    this.name = name;
    this.form = form;
    this.features = List.copyOf(features);
    this.targets = List.copyOf(targets);
    inputBytes = features.stream().map(Features::buffer).toArray(ByteBuffer[]::new);
    targetBytes = targets.stream().map(Targets::buffer).toArray(ByteBuffer[]::new);
    for (int i = 1; i < features.size(); i++) {
      require(features.get(i).size(), form.inputs().get(i).name());
    }
    for (int i = 0; i < targets.size(); i++) {
      require(targets.get(i).size(), form.targets().get(i).name());
    }
  }

  private void require(int samples, String array) {
    if (samples != size()) {
      throw new IllegalArgumentException(
          name + ": features of " + size() + " samples, but " + array + " of " + samples);
    }
  }

  /**
   * A data set of one input and one target.
   *
   * @param name the name of the data in messages and reports
   * @throws IllegalArgumentException if features and targets have different numbers of samples
   */
  public static ArrayDataset of(String name, Features features, Targets targets) {
    SampleForm form =
        SampleForm.of(
            features.spec(InputSpec.DEFAULT_NAME), spec(TargetSpec.DEFAULT_NAME, targets));
    return new ArrayDataset(name, form, List.of(features), List.of(targets));
  }

  /** A data set of one input without targets, for prediction. */
  public static ArrayDataset of(String name, Features features) {
    SampleForm form = SampleForm.of(features.spec(InputSpec.DEFAULT_NAME));
    return new ArrayDataset(name, form, List.of(features), List.of());
  }

  /** Builds a data set of several named inputs and targets. */
  public static Builder builder(String name) {
    return new Builder(name);
  }

  private static TargetSpec spec(String name, Targets targets) {
    return targets instanceof Labels labels
        ? labels.spec(name)
        : TargetSpec.values(name, targets.sampleShape());
  }

  /** Collects arrays with names. */
  public static final class Builder {
    private final String name;
    private final List<InputSpec> inputs = new ArrayList<>();
    private final List<TargetSpec> outputs = new ArrayList<>();
    private final List<Features> features = new ArrayList<>();
    private final List<Targets> targets = new ArrayList<>();

    private Builder(String name) {
      this.name = name;
    }

    /** Adds an array that models read. */
    public Builder input(String array, Features values) {
      inputs.add(values.spec(array));
      features.add(values);
      return this;
    }

    /** Adds an array that models predict. */
    public Builder target(String array, Targets values) {
      outputs.add(spec(array, values));
      targets.add(values);
      return this;
    }

    /**
     * The data set.
     *
     * @throws IllegalArgumentException if there is no input, two arrays have the same name, or
     *     their numbers of samples differ
     */
    public ArrayDataset build() {
      return new ArrayDataset(name, new SampleForm(inputs, outputs), features, targets);
    }
  }

  /**
   * Reads all samples of a data set into memory; useful if it is small and slow to read.
   *
   * @throws IllegalArgumentException if an array takes more than 2 GiB, or a label is not one of
   *     the classes
   * @throws GatherException if samples cannot be read
   */
  public static ArrayDataset copyOf(Dataset data) {
    SampleForm form = data.form();
    SampleBatch all = new SampleBatch(form, data.size());
    data.read(DirectBuffers.range(0, data.size()), all);
    List<Features> features = new ArrayList<>();
    for (int i = 0; i < form.inputs().size(); i++) {
      InputSpec spec = form.inputs().get(i);
      features.add(
          Features.adopt(all.input(i), spec.type(), spec.shape())
              .withNormalization(spec.normalization()));
    }
    List<Targets> targets = new ArrayList<>();
    for (int i = 0; i < form.targets().size(); i++) {
      TargetSpec spec = form.targets().get(i);
      targets.add(
          spec.hasLabels()
              ? Labels.adopt(all.target(i), spec)
              : Values.adopt(all.target(i), spec.shape()));
    }
    return new ArrayDataset(data.name(), form, features, targets);
  }

  /** The first input. */
  public Features features() {
    return features.get(0);
  }

  /** The input of this index in the form. */
  public Features features(int index) {
    return features.get(index);
  }

  /**
   * The first target.
   *
   * @throws IllegalStateException if there is none
   */
  public Targets targets() {
    form.target();
    return targets.get(0);
  }

  /** The target of this index in the form. */
  public Targets targets(int index) {
    return targets.get(index);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int size() {
    return features.get(0).size();
  }

  @Override
  public SampleForm form() {
    return form;
  }

  @Override
  public boolean inMemory() {
    return true;
  }

  @Override
  public void gather(int[] samples, SampleBatch batch) {
    for (int i = 0; i < inputBytes.length; i++) {
      put(batch.input(i), inputBytes[i], samples);
    }
    gatherTargets(samples, batch);
  }

  @Override
  public void gatherTargets(int[] samples, SampleBatch batch) {
    for (int i = 0; i < targetBytes.length; i++) {
      put(batch.target(i), targetBytes[i], samples);
    }
  }

  private void put(ByteBuffer target, ByteBuffer source, int[] samples) {
    int sampleBytes = source.limit() / size();
    int at = target.position();
    for (int sample : samples) {
      target.put(at, source, sample * sampleBytes, sampleBytes);
      at += sampleBytes;
    }
    target.position(at);
  }

  /** The labels need no check: {@link Labels} checked them. */
  @Override
  public void read(int[] samples, SampleBatch batch) {
    DirectBuffers.checkIndices(samples, size());
    batch.begin(samples.length);
    gather(samples, batch);
    batch.end(true);
  }

  @Override
  public int label(int sample) {
    if (form.hasOneLabel() && targets.get(0) instanceof Labels labels) {
      Objects.checkIndex(sample, labels.size());
      return labels.get(sample);
    }
    return Dataset.super.label(sample); // throws
  }

  @Override
  public ArrayDataset withName(String other) {
    return new ArrayDataset(other, form, features, targets);
  }

  @Override
  public ArrayDataset withNormalization(Normalization normalization) {
    List<Features> changed = new ArrayList<>(features);
    changed.set(0, features().withNormalization(normalization));
    return new ArrayDataset(name, form.withNormalization(normalization), changed, targets);
  }

  @Override
  public ArrayDataset slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size());
    return new ArrayDataset(
        name,
        form,
        features.stream().map(array -> array.slice(from, to)).toList(),
        targets.stream().map(array -> array.slice(from, to)).toList());
  }

  @Override
  public String toString() {
    return described();
  }
}
