package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers one after the other, named by their position from 0 on, as PyTorch names them, or by a
 * name of their own.
 *
 * <p>The rule of fusion, the only one: where a {@link ReLU} or {@link GELU} follows a {@link
 * Linear}, that layer's kernel applies it.
 */
public final class Sequential implements Layer {
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
    Value value = x;
    for (int i = 0; i < children.size(); i++) {
      Child child = children.get(i);
      Layer next = i + 1 < children.size() ? children.get(i + 1).layer() : null;
      if (child.layer() instanceof Fusing layer
          && next instanceof Elementwise following
          && layer.fuses(following.activation())) {
        value =
            scope.apply(
                child.name(), (inner, in) -> layer.apply(inner, in, following.activation()), value);
        i++;
      } else {
        value = scope.apply(child.name(), child.layer(), value);
      }
    }
    return value;
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
