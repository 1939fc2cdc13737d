package dev.halfstep.graph;

import dev.halfstep.DType;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The addresses of one plan's values in a device's memory. */
public final class ValueAddresses {
  /**
   * The base addresses of the arenas.
   *
   * @param table the offsets of the parameters
   * @param activations at least {@link Plan#arenaBytes} bytes; 0 if the plan needs none
   * @param parameters F32, laid out by {@code table}
   * @param copies copies of the parameters in the storage type; 0 if that is F32
   * @param gradients F32, laid out as the parameters; 0 for a plan without a backward pass
   */
  public record Arenas(
      Parameters table, long activations, long parameters, long copies, long gradients) {}

  private final Arenas arenas;
  private final Map<Value, Long> planned;
  private final Map<String, Long> inputs;

  ValueAddresses(Arenas arenas, Map<Value, Long> planned, Map<String, Long> inputs) {
    this.arenas = arenas;
    this.planned = planned;
    this.inputs = inputs;
  }

  /**
   * The address of a value; 0 for null, which stands for an optional operand that was not given.
   *
   * @throws IllegalStateException if it is an input that the plan was given no address for
   */
  public long of(@Nullable Value value) {
    if (value == null) {
      return 0;
    }
    Value root = value.root();
    if (root.place() instanceof Value.Place.Planned) {
      return arenas.activations() + require(planned.get(root), root);
    }
    if (root.place() instanceof Value.Place.OfParameter of) {
      long base = root.type() == DType.F32 ? arenas.parameters() : arenas.copies();
      return base + arenas.table().offset(of.parameter()) * root.type().bytes();
    }
    if (root.place() instanceof Value.Place.GradientOf of) {
      return arenas.gradients() + arenas.table().offset(of.parameter()) * DType.F32.bytes();
    }
    return require(inputs.get(root.name()), root);
  }

  private static long require(@Nullable Long address, Value value) {
    if (address == null) {
      throw new IllegalStateException("the plan was given no address for " + value);
    }
    return address;
  }
}
