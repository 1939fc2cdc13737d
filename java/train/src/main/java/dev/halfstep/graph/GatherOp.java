package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A batch of rows of a table, normalised: y[b] = table[order[cursor + b]] * scale + shift. The
 * cursor is the step's first sample in the order of the epoch.
 *
 * @param table {@code [rows, ...]}, U8, F32 or I32
 * @param order {@code I32 [samples]}; null for the order of the table
 * @param state {@code hs_step_state}, which has the cursor; null for a cursor of 0
 * @param scale {@code F32 [channels]}, as shift; both null for no normalisation
 */
public record GatherOp(
    Value table,
    @Nullable Value order,
    @Nullable Value state,
    @Nullable Value scale,
    @Nullable Value shift,
    Value y)
    implements KernelOp {

  /** Features, in the graph's storage type; tokens stay I32. */
  static Value of(
      Value table,
      @Nullable Value order,
      @Nullable Value state,
      @Nullable Value scale,
      @Nullable Value shift,
      long batch) {
    DType type = table.type() == DType.I32 ? DType.I32 : table.graph().storage();
    return add(table, order, state, scale, shift, type, batch);
  }

  /** Targets, in the table's type: I32 or F32. */
  static Value targets(Value table, @Nullable Value order, @Nullable Value state, long batch) {
    return add(table, order, state, null, null, table.type(), batch);
  }

  private static Value add(
      Value table,
      @Nullable Value order,
      @Nullable Value state,
      @Nullable Value scale,
      @Nullable Value shift,
      DType type,
      long batch) {
    Graph graph = table.graph();
    Shape shape = table.shape().dropFirst().prepend(batch);
    return graph.add(
        new GatherOp(
            table,
            order,
            state,
            scale,
            shift,
            graph.value("batch of " + table.name(), type, shape)));
  }

  @Override
  public String name() {
    return "gather";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(table, order, state, scale, shift);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    long rows = table.shape().dim(0);
    dev.halfstep.kernel.GatherKernel.Builder kernel =
        dev.halfstep.kernel.GatherKernel.builder(
                rows, table.bytes() / table.type().bytes() / rows, y.shape().dim(0))
            .types(table.type(), y.type())
            .orderSize(order == null ? rows : order.shape().elements())
            .channels(scale == null ? 1 : scale.shape().elements());
    calls.add(
        Call.of(
                name() + " " + table.name(),
                List.of(table),
                List.of(y),
                scale == null ? 0 : 2 * y.shape().elements(),
                (stream, at) ->
                    kernel
                        .build()
                        .run(
                            stream,
                            at.of(table),
                            at.of(order),
                            at.of(state),
                            at.of(scale),
                            at.of(shift),
                            at.of(y)))
            .withBytes(y.shape().elements() * (table.type().bytes() + y.type().bytes())));
  }

  @Override
  public void backward(Backward backward) {
    // Data have no gradient.
  }
}
