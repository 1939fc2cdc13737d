package dev.halfstep.graph;

import dev.halfstep.Shape;

/**
 * The window that a convolution or a pooling moves over images {@code [batch, height, width,
 * channels]}.
 *
 * @param rows its height
 * @param columns its width
 * @param strideRows rows that the window moves down at a time
 * @param strideColumns columns that the window moves right at a time
 * @param paddingRows rows of zeros above and below the image
 * @param paddingColumns columns of zeros on either side
 * @param dilation distance in pixels between neighbouring elements of the window, in both
 *     directions
 */
public record Window(
    int rows,
    int columns,
    int strideRows,
    int strideColumns,
    int paddingRows,
    int paddingColumns,
    int dilation) {

  /** Checks the numbers. */
  public Window {
    if (rows < 1
        || columns < 1
        || strideRows < 1
        || strideColumns < 1
        || paddingRows < 0
        || paddingColumns < 0
        || dilation < 1) {
      throw new IllegalArgumentException(
          "a window's extents, strides and dilation are at least 1 and its paddings at least 0:"
              + " it was given "
              + rows
              + " x "
              + columns
              + ", strides "
              + strideRows
              + " and "
              + strideColumns
              + ", paddings "
              + paddingRows
              + " and "
              + paddingColumns
              + ", dilation "
              + dilation);
    }
  }

  /** A window that moves by one pixel, without padding. */
  public static Window of(int rows, int columns) {
    return new Window(rows, columns, 1, 1, 0, 0, 1);
  }

  /** The same window with other strides. */
  public Window stride(int ofRows, int ofColumns) {
    return new Window(rows, columns, ofRows, ofColumns, paddingRows, paddingColumns, dilation);
  }

  /** The same window with zeros around the image. */
  public Window padding(int ofRows, int ofColumns) {
    return new Window(rows, columns, strideRows, strideColumns, ofRows, ofColumns, dilation);
  }

  /** The same window with another dilation. */
  public Window dilation(int pixels) {
    return new Window(
        rows, columns, strideRows, strideColumns, paddingRows, paddingColumns, pixels);
  }

  /**
   * The shape {@code [batch, places down, places across, channels]} of the output.
   *
   * @param what the operation's name, for the message
   * @throws IllegalArgumentException if x is not a batch of images, or the window does not fit into
   *     one
   */
  Shape over(String what, Value x, long channels) {
    Shape shape = x.shape();
    long down = shape.rank() == 4 ? places(shape.dim(1), rows, strideRows, paddingRows) : 0;
    long across =
        shape.rank() == 4 ? places(shape.dim(2), columns, strideColumns, paddingColumns) : 0;
    if (down < 1 || across < 1) {
      throw x.graph()
          .refusal(
              what
                  + " takes images [batch, height, width, channels] into which its window of "
                  + rows
                  + " x "
                  + columns
                  + " fits, not "
                  + shape);
    }
    return Shape.of(shape.dim(0), down, across, channels);
  }

  private long places(long extent, int taps, int stride, int padding) {
    long room = extent + 2L * padding - (long) dilation * (taps - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
}
