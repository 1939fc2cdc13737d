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
   * The layers inside of this one, in order, by the names under which they are applied: with this
   * layer's own they begin the names of their parameters. A layer in this one's own place, as the
   * body of a {@link Residual}, has the empty name. Layers without any, and functions, which cannot
   * say, have none.
   */
  default Map<String, Layer> children() {
    return Map.of();
  }

  /**
   * The layer written down, with all layers in it: {@link Layers#of} makes an equal one of it, and
   * a model's file holds it, so that {@link Model#read} needs no code. All layers of this package
   * have it. A class of one's own writes its kind and attributes here and makes the kind known with
   * {@link Layers#register}; parts that it gets from outside are its {@link LayerSpec#child}ren.
   *
   * @throws UnsupportedOperationException if it has none, as a lambda has not
   */
  default LayerSpec spec() {
    throw new UnsupportedOperationException(
        "layer "
            + getClass().getName()
            + " cannot be written down: a lambda or a class without spec() is code alone. Give it a"
            + " class with a spec(), and make its kind known with Layers.register");
  }
}
