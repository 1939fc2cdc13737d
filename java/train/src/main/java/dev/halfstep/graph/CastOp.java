package dev.halfstep.graph;

import dev.halfstep.DType;
import java.util.List;

/** x in another type, such as a parameter F32 {@code [channels]} in the graph's storage type. */
public record CastOp(Value x, Value y) implements KernelOp {

  /**
   * Adds the operation to the graph of x; returns x itself if it has the type already.
   *
   * @param type F32, BF16 or F16
   * @throws IllegalArgumentException if x or the type is another
   */
  static Value of(Value x, DType type) {
    if (x.type() == type) {
      return x;
    }
    for (DType each : List.of(x.type(), type)) {
      if (each != DType.F32 && each != DType.BF16 && each != DType.F16) {
        throw x.graph().refusal(x + " cannot become " + type + ": possible are F32, BF16 and F16");
      }
    }
    Value y = x.graph().value("cast", type, x.shape(), x);
    return x.graph().add(new CastOp(x, y));
  }

  @Override
  public String name() {
    return "cast";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    calls.add(call(name(), x, y));
  }

  /** The call that copies {@code from} to {@code to}, which has another type. */
  static Call call(String name, Value from, Value to) {
    dev.halfstep.kernel.CastKernel kernel =
        dev.halfstep.kernel.CastKernel.of(from.type(), to.type(), to.shape().elements());
    return Call.of(
        name,
        List.of(from),
        List.of(to),
        0,
        (stream, at) -> kernel.run(stream, at.of(from), at.of(to)));
  }

  @Override
  public void backward(Backward backward) {
    backward.give(x, backward.of(y));
  }
}
