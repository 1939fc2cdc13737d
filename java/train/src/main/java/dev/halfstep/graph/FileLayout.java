package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How a parameter lies in a file that PyTorch reads. In memory images are NHWC and convolution
 * weights KRSC, in files they are NCHW and KCRS: the same numbers with their dimensions in another
 * order.
 *
 * @param view the parameter's memory, seen under this shape of as many elements
 * @param permutation dimension i of the file is dimension {@code permutation[i]} of the view
 * @param shape the shape that the file gives it
 */
public record FileLayout(Shape view, List<Integer> permutation, Shape shape) {
  private static final List<Integer> LAST_TO_SECOND = List.of(0, 3, 1, 2);

  /** As in memory. */
  static FileLayout asInMemory(Shape shape) {
    List<Integer> identity = IntStream.range(0, shape.rank()).boxed().toList();
    return new FileLayout(shape, identity, shape);
  }

  /**
   * Convolution weights, {@code [out, height, width, in]} here, {@code [out, in, height, width]}.
   */
  public static FileLayout ofConvolution(Shape weight) {
    return new FileLayout(
        weight,
        LAST_TO_SECOND,
        Shape.of(weight.dim(0), weight.dim(3), weight.dim(1), weight.dim(2)));
  }

  /**
   * A parameter {@code [..., features]} of features that may be a flattened image: in memory they
   * are in the order of {@code [height, width, channels]}, in files of {@code [channels, height,
   * width]}.
   *
   * @param image {@code [height, width, channels]}; null if the features are no image
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
   * The values in the order of files.
   *
   * @throws IllegalArgumentException if there are not as many as the shape has elements
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
   * The values in the order of memory.
   *
   * @throws IllegalArgumentException if there are not as many as the shape has elements
   */
  public float[] fromFile(float[] file) {
    float[] memory = new float[file.length];
    int[] places = places(file.length);
    for (int i = 0; i < file.length; i++) {
      memory[places[i]] = file[i];
    }
    return memory;
  }

  /** For each place in the file the place in memory. */
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
