package dev.halfstep.nn;

import dev.halfstep.graph.Pool2d;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;

/**
 * The average of each window over images {@code [batch, height, width, channels]}, for each
 * channel. The window moves by its own size unless it is given a stride. Immutable.
 */
public final class AveragePool2d implements Layer {
  private final Window window;

  /** A layer with a square window. */
  public AveragePool2d(int size) {
    this(Window.of(size, size).stride(size, size));
  }

  private AveragePool2d(Window window) {
    this.window = window;
  }

  /** The same with a window that moves by so many pixels, both ways. */
  public AveragePool2d stride(int pixels) {
    return new AveragePool2d(window.stride(pixels, pixels));
  }

  /** The same with so many pixels on each side of the images that count for nothing. */
  public AveragePool2d padding(int pixels) {
    return new AveragePool2d(window.padding(pixels, pixels));
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return Pool2d.of(Pool2d.Kind.AVERAGE, x, window);
  }

  @Override
  public String toString() {
    return "AveragePool2d(" + window.rows() + "x" + window.columns() + ")";
  }
}
