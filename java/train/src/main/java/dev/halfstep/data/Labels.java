package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;

/**
 * Class labels, {@code I32 [samples, sampleShape...]}: one per sample, or one for each position of
 * a sample. Each lies in [0, classes) or is the declared ignore index, which losses and metrics
 * leave out. Immutable.
 */
public final class Labels implements Targets {
  private final ByteBuffer buffer;
  private final Shape sampleShape;
  private final int size;
  private final int classes;
  private final List<String> names;
  private final OptionalInt ignoreIndex;

  private Labels(
      ByteBuffer buffer,
      Shape sampleShape,
      int classes,
      List<String> names,
      OptionalInt ignoreIndex) {
    this.buffer = buffer;
    this.sampleShape = sampleShape;
    this.size = DirectBuffers.samples(buffer, DType.I32, sampleShape, "labels");
    this.classes = classes;
    this.names = names;
    this.ignoreIndex = ignoreIndex;
  }

  /**
   * Copies one label per sample.
   *
   * @throws IllegalArgumentException if there is no label, or one lies outside [0, classes)
   */
  public static Labels of(int[] labels, int classes) {
    return of(labels, Shape.of(), classes, OptionalInt.empty());
  }

  /**
   * Copies {@code [samples, sampleShape...]} labels, row-major.
   *
   * @param sampleShape the positions of a sample; {@code []} for one label each
   * @param classes how many classes there are, at least 2
   * @param ignoreIndex the label of positions that losses and metrics leave out, if there is one
   * @throws IllegalArgumentException if a label lies outside [0, classes) and is not the ignore
   *     index, or the labels are not a whole number of samples
   */
  public static Labels of(int[] labels, Shape sampleShape, int classes, OptionalInt ignoreIndex) {
    Labels result =
        new Labels(DirectBuffers.copyOf(labels), sampleShape, classes, List.of(), ignoreIndex);
    TargetSpec spec = result.spec("labels");
    int positions = (int) sampleShape.elements();
    for (int i = 0; i < labels.length; i++) {
      if (!spec.takes(labels[i])) {
        throw new IllegalArgumentException(spec.refusal(labels[i], i / positions, i % positions));
      }
    }
    return result;
  }

  /** Uses a buffer of labels that were checked, without a copy. */
  static Labels adopt(ByteBuffer labels, TargetSpec spec) {
    return new Labels(labels, spec.shape(), spec.classes(), spec.classNames(), spec.ignoreIndex());
  }

  /**
   * The same labels with names for the classes.
   *
   * @param names one for each class, in the order of the labels
   * @throws IllegalArgumentException if there are more or fewer names than classes
   */
  public Labels withNames(List<String> names) {
    if (names.size() != classes) {
      throw new IllegalArgumentException(
          names.size() + " names for " + classes + " classes: " + names);
    }
    return new Labels(buffer, sampleShape, classes, List.copyOf(names), ignoreIndex);
  }

  /** The number of classes. */
  public int classes() {
    return classes;
  }

  /** The classes' names in the order of the labels, or an empty list. */
  public List<String> names() {
    return names;
  }

  /** The label that losses and metrics leave out. */
  public OptionalInt ignoreIndex() {
    return ignoreIndex;
  }

  /**
   * The label at an index in {@code [samples * positions]}; with one label per sample, the
   * sample's.
   *
   * @throws IndexOutOfBoundsException if there is none
   */
  public int get(int index) {
    return buffer.getInt(Math.multiplyExact(index, DType.I32.bytes()));
  }

  /** All of them, {@code [samples * positions]}: a new array. */
  public int[] toArray() {
    int[] labels = new int[buffer.limit() / DType.I32.bytes()];
    buffer().asIntBuffer().get(labels);
    return labels;
  }

  /** The spec of one sample's labels, with this name. */
  TargetSpec spec(String name) {
    return new TargetSpec(name, DType.I32, sampleShape, classes, names, ignoreIndex);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public DType type() {
    return DType.I32;
  }

  @Override
  public Shape sampleShape() {
    return sampleShape;
  }

  @Override
  public ByteBuffer buffer() {
    return DirectBuffers.view(buffer, 0, buffer.limit());
  }

  @Override
  public Labels slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size);
    int sampleBytes = buffer.limit() / size;
    ByteBuffer part = DirectBuffers.view(buffer, from * sampleBytes, (to - from) * sampleBytes);
    return new Labels(part, sampleShape, classes, names, ignoreIndex);
  }
}
