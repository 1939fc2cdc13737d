package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The order of a parameter's numbers in files, which is PyTorch's. In memory images are NHWC and
 * convolution weights KRSC; in files they are NCHW and KCRS.
 *
 * @param view a shape for the parameter's memory, with the same number of elements
 * @param permutation dimension i of the file is dimension {@code permutation[i]} of the view
 * @param shape the parameter's shape in the file
 */
public record FileLayout(Shape view, List<Integer> permutation, Shape shape) {
  private static final List<Integer> LAST_TO_SECOND = List.of(0, 3, 1, 2);

  /** The same order in files as in memory. */
  static FileLayout asInMemory(Shape shape) {
    List<Integer> identity = IntStream.range(0, shape.rank()).boxed().toList();
    return new FileLayout(shape, identity, shape);
  }

  /**
   * The layout of convolution weights: {@code [out, height, width, in]} in memory, {@code [out, in,
   * height, width]} in files.
   */
  public static FileLayout ofConvolution(Shape weight) {
    return new FileLayout(
        weight,
        LAST_TO_SECOND,
        Shape.of(weight.dim(0), weight.dim(3), weight.dim(1), weight.dim(2)));
  }

  /**
   * The layout of a parameter {@code [..., features]} whose features may be a flattened image.
   * Their order is then {@code [height, width, channels]} in memory and {@code [channels, height,
   * width]} in files.
   *
   * @param image {@code [height, width, channels]}; null if the features are not an image
   */
  public static FileLayout ofFeatures(Shape shape, @Nullable Shape image) {
    if (image == null) {
      return asInMemory(shape);
    }
    Shape view = image.prepend(shape.elements() / image.elements());
    return new FileLayout(view, LAST_TO_SECOND, shape);
  }

  /** Whether files hold the numbers in the order in which memory does. */
  public boolean isAsInMemory() {
    for (int i = 0; i < permutation.size(); i++) {
      if (permutation.get(i) != i) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the values, given in the order of memory, in the order of files.
   *
   * @throws IllegalArgumentException if their number is not that of the shape's elements
   */
  public float[] toFile(float[] memory) {
    float[] file = new float[memory.length];
    int[] places = places(memory.length);
    for (int i = 0; i < file.length; i++) {
      file[i] = memory[places[i]];
    }
    return file;
  }

  /**
   * Returns the values, given in the order of files, in the order of memory.
   *
   * @throws IllegalArgumentException if their number is not that of the shape's elements
   */
  public float[] fromFile(float[] file) {
    float[] memory = new float[file.length];
    int[] places = places(file.length);
    for (int i = 0; i < file.length; i++) {
      memory[places[i]] = file[i];
    }
    return memory;
  }

  /** The index in memory of each element of the file. */
  private int[] places(int count) {
    if (count != shape.elements()) {
      throw new IllegalArgumentException(
          "a parameter of shape " + shape + " has " + shape.elements() + " values, not " + count);
    }
    int rank = view.rank();
    long[] strides = new long[rank];
    long stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= view.dim(i);
    }
    int[] places = new int[count];
    long[] index = new long[rank];
    for (int i = 0; i < count; i++) {
      long place = 0;
      for (int d = 0; d < rank; d++) {
        place += index[d] * strides[permutation.get(d)];
      }
      places[i] = (int) place;
      advance(index);
    }
    return places;
  }

  private void advance(long[] index) {
    for (int d = index.length - 1; d >= 0; d--) {
      if (++index[d] < view.dim(permutation.get(d))) {
        return;
      }
      index[d] = 0;
    }
  }
}
