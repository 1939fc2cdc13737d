package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import java.util.Map;

/**
 * A part of a network: a function that adds operations to the graph of x. It is called once for
 * each batch size, and must create the same parameters every time.
 *
 * <pre>{@code
 * Layer twice = (scope, x) -> scope.apply("fc", new Linear(10), scope.apply("fc0", new Linear(10), x));
 * }</pre>
 */
@FunctionalInterface
public interface Layer {
  /**
   * Applies the layer.
   *
   * @param scope creates parameters, and knows whether this is training
   * @param x {@code [batch, ...]}
   * @return {@code [batch, ...]}
   * @throws IllegalArgumentException if x has a shape that the layer does not take
   */
  Value apply(Scope scope, Value x);

  /**
   * The layers inside this one, in order, by the names under which they are applied. The names of
   * their parameters begin with this layer's path and that name. A layer that takes this one's
   * path, such as the body of a {@link Residual}, has the empty name. The map is empty for a layer
   * without children and for a lambda, whose children are not known.
   */
  default Map<String, Layer> children() {
    return Map.of();
  }

  /**
   * A description of the layer and all layers in it as data. {@link Layers#of} makes an equal layer
   * from it, and a model's file holds it, so that {@link Model#read} needs no code. All layers of
   * this package have a spec. A user's class returns its kind and attributes here and registers the
   * kind with {@link Layers#register}; layers that its constructor takes are its {@link
   * LayerSpec#child}ren.
   *
   * @throws UnsupportedOperationException if the layer has no spec, such as a lambda
   */
  default LayerSpec spec() {
    throw new UnsupportedOperationException(
        "layer "
            + getClass().getName()
            + " cannot be written down: a lambda or a class without spec() is code alone. Give it a"
            + " class with a spec(), and make its kind known with Layers.register");
  }
}
