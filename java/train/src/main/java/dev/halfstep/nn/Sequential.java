package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Layers one after the other, named by their position from 0 on, as PyTorch names them, or by given
 * names.
 *
 * <p>There is one fusion rule: if an activation follows a layer whose last kernel can apply it,
 * that kernel does. These are {@link ReLU} and {@link GELU} after a {@link Linear} or {@link
 * Conv2d}, ReLU after a {@link BatchNorm}, and both after a {@link Residual} or another Sequential
 * that ends in such a layer.
 *
 * <p>There is one reordering rule: in training, a ReLU before a {@link MaxPool2d} is computed after
 * it. Result and gradient are the same, because the maximum of max(x, 0) is the larger of the
 * maximum of x and 0, but the ReLU then runs over the smaller output of the pooling.
 */
public final class Sequential implements Fusing {
  private record Child(String name, Layer layer) {}

  private final List<Child> children;

  private Sequential(List<Child> children) {
    this.children = List.copyOf(children);
  }

  /** These layers, named 0, 1, 2 ... */
  public static Sequential of(Layer... layers) {
    List<Child> children = new ArrayList<>();
    for (Layer layer : layers) {
      children.add(new Child(Integer.toString(children.size()), layer));
    }
    return new Sequential(children);
  }

  /** One more layer at the end, named by its position. */
  public Sequential then(Layer layer) {
    return then(Integer.toString(children.size()), layer);
  }

  /**
   * One more layer at the end, with a name.
   *
   * @throws IllegalArgumentException if a layer has that name
   */
  public Sequential then(String name, Layer layer) {
    for (Child child : children) {
      if (child.name().equals(name)) {
        throw new IllegalArgumentException("two layers are named " + name);
      }
    }
    List<Child> more = new ArrayList<>(children);
    more.add(new Child(name, layer));
    return new Sequential(more);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return apply(scope, x, null, Activation.NONE);
  }

  @Override
  public Map<String, Layer> children() {
    Map<String, Layer> map = new LinkedHashMap<>();
    children.forEach(child -> map.put(child.name(), child.layer()));
    return Collections.unmodifiableMap(map);
  }

  @Override
  public boolean fuses(Activation activation) {
    return last() instanceof Fusing layer && layer.fuses(activation);
  }

  @Override
  public boolean addsResidual() {
    return last() instanceof Fusing layer && layer.addsResidual();
  }

  private @Nullable Layer last() {
    return children.isEmpty() ? null : children.get(children.size() - 1).layer();
  }

  @Override
  public Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation) {
    List<Child> order = scope.graph().training() ? poolingFirst() : children;
    Value value = x;
    for (int i = 0; i < order.size(); i++) {
      Child child = order.get(i);
      boolean isLast = i + 1 == order.size();
      Layer next = isLast ? null : order.get(i + 1).layer();
      Activation follows = isLast ? activation : Activation.NONE;
      Value added = isLast ? residual : null;
      if (child.layer() instanceof Fusing layer
          && next instanceof ActivationLayer following
          && layer.fuses(following.activation())) {
        follows = following.activation();
        i++;
      }
      value = apply(scope, child, value, added, follows);
    }
    return value;
  }

  private List<Child> poolingFirst() {
    List<Child> order = new ArrayList<>(children);
    for (int i = 1; i < order.size(); i++) {
      if (order.get(i - 1).layer() instanceof ReLU && order.get(i).layer() instanceof MaxPool2d) {
        Collections.swap(order, i - 1, i);
      }
    }
    return order;
  }

  private static Value apply(
      Scope scope, Child child, Value x, @Nullable Value residual, Activation activation) {
    Layer layer =
        child.layer() instanceof Fusing fusing
            ? (inner, in) -> fusing.apply(inner, in, residual, activation)
            : child.layer();
    return scope.apply(child.name(), layer, x);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Sequential")
        .children(
            children.stream()
                .map(child -> new LayerSpec.Child(child.name(), child.layer().spec()))
                .toList());
  }

  /**
   * Reads what {@link #spec} wrote.
   *
   * @param read reads the layers in it
   */
  static Sequential of(LayerSpec spec, Function<LayerSpec, Layer> read) {
    return new Sequential(
        spec.children().stream()
            .map(child -> new Child(child.name(), read.apply(child.spec())))
            .toList());
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Sequential");
    for (Child child : children) {
      text.append("\n  ").append(child.name()).append(": ");
      text.append(child.layer().toString().replace("\n", "\n  "));
    }
    return text.toString();
  }
}
