package dev.halfstep.graph;

import dev.halfstep.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The maximum or the average of each window over x {@code [batch, height, width, channels]}, for
 * each channel.
 *
 * @param index {@code U8}, shaped as y: the position of each maximum in its window, for the
 *     gradient; null otherwise
 */
public record Pool2dOp(Kind kind, Value x, Window window, Value y, @Nullable Value index)
    implements KernelOp {
  private static final int MOST_INDEXED = 255;

  /** Which function. */
  public enum Kind {
    /** The maximum, whose gradient goes to the first pixel that has it. */
    MAX("max_pool"),
    /** The average over the pixels inside the image: padding is left out. */
    AVERAGE("average_pool"),
    /** The average over the whole window: padding counts as zeros. */
    PADDED_AVERAGE("average_pool");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /**
   * Adds the operation to the graph of x.
   *
   * @throws IllegalArgumentException if x is not a batch of images, or the window is not possible
   */
  static Value of(Kind kind, Value x, Window window) {
    Graph graph = x.graph();
    if (window.dilation() != 1
        || window.paddingRows() >= window.rows()
        || window.paddingColumns() >= window.columns()) {
      throw graph.refusal(
          "pooling takes a window without dilation and with less padding than its size: " + window);
    }
    boolean indexed = kind == Kind.MAX && graph.training();
    if (indexed && window.rows() * window.columns() > MOST_INDEXED) {
      throw graph.refusal(
          "max pooling is trained with windows of at most " + MOST_INDEXED + " pixels: " + window);
    }
    long channels = x.shape().rank() == 4 ? x.shape().dim(3) : 0;
    Value y = graph.value(kind.word, x.type(), window.over("pooling", x, channels), x);
    Value index = indexed ? graph.value("max_pool index", DType.U8, y.shape()) : null;
    return graph.add(new Pool2dOp(kind, x, window, y, index));
  }

  @Override
  public String name() {
    return kind.word;
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.Pool2dKernel.Builder kernel() {
    int rows = window.rows();
    int columns = window.columns();
    dev.halfstep.kernel.Pool2dKernel.Builder kernel =
        switch (kind) {
          case MAX -> dev.halfstep.kernel.Pool2dKernel.max(x.shape(), rows, columns);
          case AVERAGE -> dev.halfstep.kernel.Pool2dKernel.average(x.shape(), rows, columns);
          case PADDED_AVERAGE ->
              dev.halfstep.kernel.Pool2dKernel.paddedAverage(x.shape(), rows, columns);
        };
    return kernel
        .type(x.type())
        .stride(window.strideRows(), window.strideColumns())
        .padding(window.paddingRows(), window.paddingColumns());
  }

  /** An addition or comparison for each pixel of each window. */
  private long flops() {
    return y.shape().elements() * window.rows() * window.columns();
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
            name(),
            List.of(x),
            index == null ? List.of(y) : List.of(y, index),
            flops(),
            (stream, at) -> kernel().build().run(stream, at.of(x), at.of(y), at.of(index))));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    Value dx = backward.create(x);
    backward.add(
        Call.of(
            kind.word + " dx",
            index == null ? List.of(dy) : List.of(dy, index),
            List.of(dx),
            flops(),
            (stream, at) -> kernel().build().gradient(stream, at.of(dy), at.of(index), at.of(dx))));
    backward.give(x, dx);
  }
}
