package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;

/**
 * The average of each window over images {@code [batch, height, width, channels]}, for each
 * channel. The window moves by its own size unless it is given a stride. Immutable.
 */
public final class AveragePool2d implements Layer {
  private final Window window;
  private final boolean countsPadding;

  /** A layer with a square window. */
  public AveragePool2d(int size) {
    this(Window.of(size, size).stride(size, size), false);
  }

  private AveragePool2d(Window window, boolean countsPadding) {
    this.window = window;
    this.countsPadding = countsPadding;
  }

  /** The same layer with another stride, in both directions. */
  public AveragePool2d stride(int pixels) {
    return new AveragePool2d(window.stride(pixels, pixels), countsPadding);
  }

  /**
   * The same layer with {@code pixels} of padding on each side of the images, which the average
   * leaves out: PyTorch's {@code count_include_pad=False}.
   */
  public AveragePool2d padding(int pixels) {
    return new AveragePool2d(window.padding(pixels, pixels), countsPadding);
  }

  /** The same layer with averages that include the padding as zeros, which is PyTorch's default. */
  public AveragePool2d countPadding() {
    return new AveragePool2d(window, true);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return Ops.averagePool2d(x, window, countsPadding);
  }

  @Override
  public LayerSpec spec() {
    return Windows.write(
        LayerSpec.of("AveragePool2d").with("counts_padding", countsPadding), window);
  }

  /** Reads what {@link #spec} wrote. */
  static AveragePool2d of(LayerSpec spec) {
    return new AveragePool2d(Windows.read(spec), spec.flag("counts_padding"));
  }

  @Override
  public String toString() {
    return "AveragePool2d("
        + window.rows()
        + "x"
        + window.columns()
        + (countsPadding ? ", padding counts)" : ")");
  }
}
