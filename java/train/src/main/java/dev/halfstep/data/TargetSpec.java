package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.List;
import java.util.OptionalInt;

/**
 * One of the arrays that a model predicts for each sample: class labels or values.
 *
 * @param name the name of the array in the sample
 * @param type {@code I32} for labels, {@code F32} for values
 * @param shape the shape for one sample; {@code []} for one label per sample
 * @param classes the number of classes, at least 2; 0 for values
 * @param classNames one for each class in the order of the labels, or an empty list
 * @param ignoreIndex the label of positions that losses and metrics leave out, if there is one
 */
public record TargetSpec(
    String name,
    DType type,
    Shape shape,
    int classes,
    List<String> classNames,
    OptionalInt ignoreIndex) {
  /** The default name of the only target. */
  public static final String DEFAULT_NAME = "targets";

  /**
   * Checks that the parts belong together.
   *
   * @throws IllegalArgumentException if labels have fewer than 2 classes or another number of
   *     names, values have classes, or the shape has no elements
   */
  public TargetSpec {
    classNames = List.copyOf(classNames);
    boolean labels = type == DType.I32;
    if (!labels && type != DType.F32) {
      throw new IllegalArgumentException(
          "targets are I32 (class labels) or F32 (values), not " + type);
    }
    if (labels && classes < 2) {
      throw new IllegalArgumentException("labels need at least 2 classes, not " + classes);
    }
    if (!labels && (classes != 0 || !classNames.isEmpty() || ignoreIndex.isPresent())) {
      throw new IllegalArgumentException("values have no classes, names of them or ignored labels");
    }
    if (!classNames.isEmpty() && classNames.size() != classes) {
      throw new IllegalArgumentException(
          classNames.size() + " names for " + classes + " classes: " + classNames);
    }
    if (shape.elements() == 0) {
      throw new IllegalArgumentException(name + " of shape " + shape + " have no elements");
    }
  }

  /** One label per sample, in [0, classes). */
  public static TargetSpec labels(int classes) {
    return labels(DEFAULT_NAME, Shape.of(), classes);
  }

  /** Labels of this shape with a name, in [0, classes). */
  public static TargetSpec labels(String name, Shape shape, int classes) {
    return new TargetSpec(name, DType.I32, shape, classes, List.of(), OptionalInt.empty());
  }

  /** Values of this shape. */
  public static TargetSpec values(Shape shape) {
    return values(DEFAULT_NAME, shape);
  }

  /** Values of this shape with a name. */
  public static TargetSpec values(String name, Shape shape) {
    return new TargetSpec(name, DType.F32, shape, 0, List.of(), OptionalInt.empty());
  }

  /** The same with names for the classes, one for each. */
  public TargetSpec withClassNames(List<String> names) {
    return new TargetSpec(name, type, shape, classes, names, ignoreIndex);
  }

  /** The same with a label that losses and metrics leave out. */
  public TargetSpec withIgnoreIndex(int label) {
    return new TargetSpec(name, type, shape, classes, classNames, OptionalInt.of(label));
  }

  /** Whether they are class labels; else they are values. */
  public boolean hasLabels() {
    return type == DType.I32;
  }

  /** Whether there is one label per sample. */
  public boolean hasOneLabel() {
    return hasLabels() && shape.rank() == 0;
  }

  /** Whether a label is a class or the ignored one. */
  public boolean takes(int label) {
    return (label >= 0 && label < classes)
        || (ignoreIndex.isPresent() && ignoreIndex.getAsInt() == label);
  }

  /**
   * The message for a label that is not one of the classes.
   *
   * @param position its index in the sample, counted over all dimensions
   */
  public String refusal(int label, int sample, int position) {
    return "label "
        + label
        + " of sample "
        + sample
        + (shape.rank() == 0 ? "" : ", position " + position)
        + " is outside [0, "
        + classes
        + ")"
        + (ignoreIndex.isPresent() ? " and not the ignore index " + ignoreIndex.getAsInt() : "");
  }

  /** Their bytes in one sample. */
  public long sampleBytes() {
    return shape.elements() * type.bytes();
  }

  /** Their classes or their shape, such as {@code 10 classes}, {@code values [2]}. */
  @Override
  public String toString() {
    String what = hasLabels() ? classes + " classes" : "values " + shape;
    return name.equals(DEFAULT_NAME) ? what : name + " " + what;
  }
}
