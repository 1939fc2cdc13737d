package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import java.util.Map;

/**
 * A network with several inputs or outputs, each with a name: a function that adds operations to
 * the graph of its inputs. It is called once for each batch size, and must create the same
 * parameters and give the same names every time. {@link Wiring} is one that can be written down.
 *
 * <pre>{@code
 * Network towers = (scope, inputs) -> {
 *   Value user = scope.apply("user", tower, inputs.get("user"));
 *   Value item = scope.apply("item", tower, inputs.get("item"));
 *   return Map.of("score", scope.apply("head", new Linear(1), Ops.multiply(user, item)));
 * };
 * }</pre>
 */
@FunctionalInterface
public interface Network {
  /**
   * Applies the network.
   *
   * @param scope creates parameters, and knows whether this is training
   * @param inputs by the names that the model gives them, each {@code [batch, ...]}
   * @return outputs by name, each {@code [batch, ...]}; the model has them in the order of this map
   *     if that has one, and else sorted by name
   * @throws IllegalArgumentException if an input has a shape that is not taken
   */
  Map<String, Value> apply(Scope scope, Map<String, Value> inputs);

  /**
   * The network written down, as {@link Layer#spec} is.
   *
   * @throws UnsupportedOperationException if it has no spec, as a lambda has not
   */
  default LayerSpec spec() {
    throw new UnsupportedOperationException(
        "network "
            + getClass().getName()
            + " cannot be written down, for it is code alone: Wiring can");
  }
}
