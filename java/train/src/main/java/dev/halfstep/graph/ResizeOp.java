package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;

/**
 * Images {@code [batch, height, width, channels]} resized bilinearly, as PyTorch's {@code
 * interpolate} without aligned corners and antialiasing.
 */
public record ResizeOp(Value x, Value y) implements KernelOp {

  /**
   * Adds the operation to the graph of x; returns x itself if the size is the same.
   *
   * @throws IllegalArgumentException if x is not a batch of images, or a size is not positive
   */
  static Value of(Value x, long height, long width) {
    Shape shape = x.shape();
    if (shape.rank() != 4 || height < 1 || width < 1) {
      throw x.graph()
          .refusal(
              "resize takes images [batch, height, width, channels] and a positive size: it was"
                  + " given "
                  + shape
                  + " and "
                  + height
                  + " x "
                  + width);
    }
    if (shape.dim(1) == height && shape.dim(2) == width) {
      return x;
    }
    Shape size = Shape.of(shape.dim(0), height, width, shape.dim(3));
    return x.graph().add(new ResizeOp(x, x.graph().value("resize", x.type(), size, x)));
  }

  @Override
  public String name() {
    return "resize";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.ResizeKernel kernel() {
    return dev.halfstep.kernel.ResizeKernel.of(
        x.type(), x.shape(), y.shape().dim(1), y.shape().dim(2));
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
            name(),
            List.of(x),
            List.of(y),
            8 * y.shape().elements(),
            (stream, at) -> kernel().run(stream, at.of(x), at.of(y))));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    Value dx = backward.create(x);
    backward.add(
        Call.of(
            "resize dx",
            List.of(dy),
            List.of(dx),
            8 * y.shape().elements(),
            (stream, at) -> kernel().gradient(stream, at.of(dy), at.of(dx))));
    backward.give(x, dx);
  }
}
