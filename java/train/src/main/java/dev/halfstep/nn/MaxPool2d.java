package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;

/**
 * The maximum of each window over images {@code [batch, height, width, channels]}, for each
 * channel. The window moves by its own size unless it is given a stride. Immutable.
 */
public final class MaxPool2d implements Layer {
  private final Window window;

  /** A layer with a square window. */
  public MaxPool2d(int size) {
    this(Window.of(size, size).stride(size, size));
  }

  private MaxPool2d(Window window) {
    this.window = window;
  }

  /** The same layer with another stride, in both directions. */
  public MaxPool2d stride(int pixels) {
    return new MaxPool2d(window.stride(pixels, pixels));
  }

  /**
   * The same layer with {@code pixels} of padding on each side of the images, which the maximum
   * leaves out.
   */
  public MaxPool2d padding(int pixels) {
    return new MaxPool2d(window.padding(pixels, pixels));
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return Ops.maxPool2d(x, window);
  }

  @Override
  public LayerSpec spec() {
    return Windows.write(LayerSpec.of("MaxPool2d"), window);
  }

  /** Reads what {@link #spec} wrote. */
  static MaxPool2d of(LayerSpec spec) {
    return new MaxPool2d(Windows.read(spec));
  }

  @Override
  public String toString() {
    return "MaxPool2d(" + window.rows() + "x" + window.columns() + ")";
  }
}
