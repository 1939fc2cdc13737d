package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * y = body(x) + shortcut(x) (He et al., 2016). If the body ends in a {@link BatchNorm}, the kernel
 * of that adds the shortcut and applies a ReLU that follows.
 *
 * <p>Parameters are named as if the body stood in place of the residual, {@code 0.weight} of a
 * {@link Sequential}; those of the shortcut are in {@code shortcut}.
 */
public final class Residual implements Fusing {
  private final Layer body;
  private final @Nullable Layer shortcut;

  /** A layer that adds x itself; the body must keep its shape. */
  public Residual(Layer body) {
    this.body = body;
    this.shortcut = null;
  }

  /**
   * A layer with a shortcut that maps x to the shape of the body's output, such as a 1 x 1
   * convolution.
   */
  public Residual(Layer body, Layer shortcut) {
    this.body = body;
    this.shortcut = shortcut;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return apply(scope, x, null, Activation.NONE);
  }

  /** The body, under the empty name, and the shortcut if there is one. */
  @Override
  public Map<String, Layer> children() {
    Map<String, Layer> map = new LinkedHashMap<>();
    map.put("", body);
    if (shortcut != null) {
      map.put("shortcut", shortcut);
    }
    return Collections.unmodifiableMap(map);
  }

  @Override
  public boolean fuses(Activation activation) {
    return body instanceof Fusing last && last.addsResidual() && last.fuses(activation);
  }

  @Override
  public boolean addsResidual() {
    return false;
  }

  @Override
  public Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation) {
    Value other = shortcut == null ? x : scope.apply("shortcut", shortcut, x);
    if (body instanceof Fusing last && last.addsResidual()) {
      return last.apply(scope, x, other, activation);
    }
    return Ops.add(body.apply(scope, x), other);
  }

  @Override
  public LayerSpec spec() {
    LayerSpec spec = LayerSpec.of("Residual").child("body", body.spec());
    return shortcut == null ? spec : spec.child("shortcut", shortcut.spec());
  }

  /**
   * Reads what {@link #spec} wrote.
   *
   * @param read reads the layers in it
   */
  static Residual of(LayerSpec spec, Function<LayerSpec, Layer> read) {
    LayerSpec body = spec.child("body");
    if (body == null) {
      throw new IllegalArgumentException("layer kind Residual lacks the layer named body in it");
    }
    LayerSpec shortcut = spec.child("shortcut");
    return shortcut == null
        ? new Residual(read.apply(body))
        : new Residual(read.apply(body), read.apply(shortcut));
  }

  @Override
  public String toString() {
    String text = "Residual\n  " + body.toString().replace("\n", "\n  ");
    return shortcut == null
        ? text
        : text + "\n  shortcut: " + shortcut.toString().replace("\n", "\n  ");
  }
}
