package dev.halfstep.nn;

import dev.halfstep.graph.Window;
import java.util.List;

/** Converts windows to attributes of a {@link LayerSpec}; pairs are rows and columns. */
final class Windows {
  private Windows() {}

  /** Writes a window into a spec. */
  static LayerSpec write(LayerSpec spec, Window window) {
    return spec.with("window", List.of(window.rows(), window.columns()))
        .with("stride", List.of(window.strideRows(), window.strideColumns()))
        .with("padding", List.of(window.paddingRows(), window.paddingColumns()))
        .with("dilation", window.dilation());
  }

  /** Reads what {@link #write} wrote. */
  static Window read(LayerSpec spec) {
    int[] size = spec.wholeInts("window", 2, 1);
    int[] stride = spec.wholeInts("stride", 2, 1);
    int[] padding = spec.wholeInts("padding", 2, 0);
    return new Window(
        size[0],
        size[1],
        stride[0],
        stride[1],
        padding[0],
        padding[1],
        spec.wholeInt("dilation", 1));
  }
}
