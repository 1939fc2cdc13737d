package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.Copy;
import java.util.ArrayList;
import java.util.List;

/**
 * Constant numbers, always F32. Whenever the plan runs, one fill kernel for each run of equal
 * numbers writes them into the arena.
 *
 * @param values one for all elements of y, or one for each, in order
 */
public record ConstantOp(List<Float> values, Value y) implements KernelOp {
  private static final int MOST_VALUES = 256;

  static Value of(Graph graph, Shape shape, float... values) {
    if (values.length != 1 && values.length != shape.elements()) {
      throw graph.refusal(
          "a constant "
              + shape
              + " takes 1 value for all or "
              + shape.elements()
              + " values, one for each element: it was given "
              + values.length);
    }
    if (values.length > MOST_VALUES) {
      throw graph.refusal(
          "a constant has at most "
              + MOST_VALUES
              + " values, not "
              + values.length
              + ": a frozen parameter holds more");
    }
    List<Float> list = new ArrayList<>(values.length);
    for (float value : values) {
      list.add(value);
    }
    return graph.add(new ConstantOp(List.copyOf(list), graph.value("constant", DType.F32, shape)));
  }

  @Override
  public String name() {
    return "constant";
  }

  @Override
  public List<Value> inputs() {
    return List.of();
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    if (values.size() == 1) {
      calls.add(fill(values.get(0), 0, y.shape().elements()));
      return;
    }
    int from = 0;
    for (int end = 1; end <= values.size(); end++) {
      if (end == values.size() || !values.get(end).equals(values.get(from))) {
        calls.add(fill(values.get(from), from, end - from));
        from = end;
      }
    }
  }

  private Call fill(float value, long from, long count) {
    return Call.of(
            name(),
            List.of(),
            List.of(y),
            0,
            (stream, at) ->
                Copy.fill(stream, y.type(), at.of(y) + from * y.type().bytes(), count, value))
        .withBytes(count * y.type().bytes());
  }

  @Override
  public void backward(Backward backward) {
    // Constants have no gradient.
  }
}
