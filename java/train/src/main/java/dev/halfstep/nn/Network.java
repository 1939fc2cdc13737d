package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import java.util.Map;

/**
 * A network with several inputs or outputs, each with a name: a function that adds operations to
 * the graph of its inputs. It is called once for each batch size, and must create the same
 * parameters and give the same names every time. {@link Wiring} is a network that has a spec.
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
   * @return outputs by name, each {@code [batch, ...]}; the model's outputs have the order of this
   *     map if it is a {@code LinkedHashMap}, and are sorted by name otherwise
   * @throws IllegalArgumentException if an input has a shape that the network does not take
   */
  Map<String, Value> apply(Scope scope, Map<String, Value> inputs);

  /**
   * A description of the network as data, as {@link Layer#spec} is of a layer.
   *
   * @throws UnsupportedOperationException if it has no spec, such as a lambda
   */
  default LayerSpec spec() {
    throw new UnsupportedOperationException(
        "network "
            + getClass().getName()
            + " cannot be written down, for it is code alone: Wiring can");
  }
}
