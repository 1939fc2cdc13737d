package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Converts the contents of IDX files to features and classes. */
final class IdxSamples {
  private IdxSamples() {}

  /** The labels {@code first}, {@code first + 1} and so on. */
  static List<Integer> numbered(int first, int classes) {
    return IntStream.range(first, first + classes).boxed().toList();
  }

  /**
   * Features and classes of two files.
   *
   * @param classes the label of each class, in the order of the classes
   */
  static Dataset dataset(
      String name, Path images, Path labels, List<Integer> classes, Normalization normalization)
      throws DataException {
    return dataset(
        name,
        images,
        features(images).withNormalization(normalization),
        labels,
        labels(labels),
        classes);
  }

  /** The labels that occur, in numeric order. */
  static List<Integer> found(Path file, int[]... labels) throws DataException {
    List<Integer> found =
        Arrays.stream(labels).flatMapToInt(Arrays::stream).distinct().sorted().boxed().toList();
    int samples = Arrays.stream(labels).mapToInt(part -> part.length).sum();
    if (found.size() < 2) {
      throw new DataException(
          file + ": all labels are " + found.get(0) + ", expected two classes or more");
    }
    if (2L * found.size() > samples) {
      throw new DataException(
          file
              + ": has "
              + found.size()
              + " different labels for "
              + samples
              + " samples, expected classes of two samples or more");
    }
    return found;
  }

  static Dataset dataset(
      String name,
      Path images,
      Features features,
      Path labelFile,
      int[] labels,
      List<Integer> classes)
      throws DataException {
    if (features.size() != labels.length) {
      throw new DataException(
          images
              + " holds "
              + features.size()
              + " samples, but "
              + labelFile
              + " holds "
              + labels.length
              + " labels: they do not belong together");
    }
    Map<Integer, Integer> classOf = new HashMap<>();
    for (int i = 0; i < classes.size(); i++) {
      classOf.put(classes.get(i), i);
    }
    int[] targets = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      Integer target = classOf.get(labels[i]);
      if (target == null) {
        throw new DataException(
            labelFile
                + ": label "
                + labels[i]
                + " of sample "
                + i
                + " is none of the classes "
                + classes.get(0)
                + " to "
                + classes.get(classes.size() - 1));
      }
      targets[i] = target;
    }
    Labels result = Labels.of(targets, classes.size());
    boolean fromZero = classes.equals(numbered(0, classes.size()));
    return ArrayDataset.of(
        name,
        features,
        fromZero ? result : result.withNames(classes.stream().map(String::valueOf).toList()));
  }

  static Features features(Path file) throws DataException {
    Idx.Contents contents = Idx.read(file);
    Shape shape = contents.shape();
    if (shape.rank() < 2 || shape.elements() == 0) {
      throw new DataException(
          file
              + ": holds "
              + contents.type()
              + " "
              + shape
              + ", expected samples, such as images: [samples, height, width]");
    }
    Shape sample =
        shape.rank() == 3
            ? Shape.of(shape.dim(1), shape.dim(2), 1)
            : Shape.of(IntStream.range(1, shape.rank()).mapToLong(shape::dim).toArray());
    boolean bytes = contents.type() == DType.U8;
    ByteBuffer values = bytes ? contents.values() : floats(file, contents);
    if (shape.rank() == 3 && liesTransposed(file)) {
      values = transposed(values, bytes ? 1 : Float.BYTES, shape);
    }
    return Features.adopt(values, bytes ? DType.U8 : DType.F32, sample);
  }

  static int[] labels(Path file) throws DataException {
    Idx.Contents contents = Idx.read(file);
    if (contents.shape().rank() != 1 || contents.shape().elements() == 0) {
      throw new DataException(
          file
              + ": holds "
              + contents.type()
              + " "
              + contents.shape()
              + ", expected labels: whole numbers [samples]");
    }
    ByteBuffer values = contents.values();
    int[] labels = new int[Math.toIntExact(contents.shape().elements())];
    for (int i = 0; i < labels.length; i++) {
      labels[i] =
          switch (contents.type()) {
            case U8 -> values.get(i) & 0xFF;
            case I32 -> values.getInt(i * Integer.BYTES);
            default -> whole(file, values.getFloat(i * Float.BYTES), i);
          };
    }
    return labels;
  }

  private static int whole(Path file, float label, int sample) throws DataException {
    if (label != (int) label) {
      throw new DataException(
          file + ": label " + label + " of sample " + sample + " is no whole number");
    }
    return (int) label;
  }

  /** The values as finite floats. */
  private static ByteBuffer floats(Path file, Idx.Contents contents) throws DataException {
    ByteBuffer values = contents.values();
    long perSample = contents.shape().elements() / contents.shape().dim(0);
    for (int at = 0; at < values.limit(); at += Float.BYTES) {
      if (contents.type() == DType.I32) {
        values.putFloat(at, values.getInt(at));
      }
      if (!Float.isFinite(values.getFloat(at))) {
        throw new DataException(
            file
                + ": sample "
                + at / Float.BYTES / perSample
                + " holds "
                + values.getFloat(at)
                + ", expected finite numbers");
      }
    }
    return values;
  }

  /** Whether a file has a name of EMNIST's (Cohen et al., 2017), whose images are transposed. */
  private static boolean liesTransposed(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.startsWith("emnist-") && name.contains("-images");
  }

  private static ByteBuffer transposed(ByteBuffer values, int bytes, Shape shape) {
    int rows = (int) shape.dim(1);
    int columns = (int) shape.dim(2);
    if (rows != columns) {
      return values; // is not EMNIST's
    }
    for (int sample = 0; sample < (int) shape.dim(0); sample++) {
      int image = sample * rows * columns * bytes;
      for (int row = 0; row < rows; row++) {
        for (int column = row + 1; column < columns; column++) {
          swap(
              values,
              image + (row * columns + column) * bytes,
              image + (column * columns + row) * bytes,
              bytes);
        }
      }
    }
    return values;
  }

  private static void swap(ByteBuffer values, int a, int b, int bytes) {
    for (int i = 0; i < bytes; i++) {
      byte kept = values.get(a + i);
      values.put(a + i, values.get(b + i)).put(b + i, kept);
    }
  }
}
