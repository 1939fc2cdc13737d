package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A dense tensor of a graph: an input, a parameter, or an operation's output. It has a shape, the
 * batch included, and a type, but no memory: a {@link Plan} gives it a place, and {@link
 * ValueAddresses} an address.
 */
public final class Value {
  /** Where a value's memory comes from. */
  sealed interface Place {
    /** The caller who runs the plan gives an address under the value's name. */
    record Bound() implements Place {}

    /** A region of the activation arena, for as long as the value is needed. */
    record Planned() implements Place {}

    /** The memory of another value, under another shape. */
    record AliasOf(Value base) implements Place {}

    /** The parameter arena, or the arena of its copies in the storage type. */
    record OfParameter(Parameter parameter) implements Place {}

    /** The gradient arena. */
    record GradientOf(Parameter parameter) implements Place {}
  }

  private final Graph graph;
  private final String name;
  private final DType type;
  private final Shape shape;
  private final Place place;
  private final boolean differentiable;
  private final @Nullable Shape image;

  Value(
      Graph graph,
      String name,
      DType type,
      Shape shape,
      Place place,
      boolean differentiable,
      @Nullable Shape image) {
    this.graph = graph;
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.place = place;
    this.differentiable = differentiable;
    this.image = image;
  }

  /** The graph that this value belongs to. */
  public Graph graph() {
    return graph;
  }

  /**
   * The operation that computes it, such as {@code fc1.linear}, or the input's or parameter's name.
   */
  public String name() {
    return name;
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /** The extents, the batch first. */
  public Shape shape() {
    return shape;
  }

  /** Bytes of its elements. */
  public long bytes() {
    return shape.elements() * type.bytes();
  }

  /** Whether it depends on a trained parameter: the loss then has a gradient with respect to it. */
  public boolean differentiable() {
    return differentiable;
  }

  /**
   * The {@code [height, width, channels]} that its last dimension was flattened from, or null. The
   * weights of a linear layer on such an input have another order in files (see {@link
   * FileLayout}).
   */
  public @Nullable Shape image() {
    return image;
  }

  /** The model's parameter or state that this value is, if it is one. */
  public Optional<Parameter> parameter() {
    return place instanceof Place.OfParameter of ? Optional.of(of.parameter()) : Optional.empty();
  }

  Place place() {
    return place;
  }

  /** The value whose memory this one uses: itself unless it is an alias. */
  Value root() {
    return place instanceof Place.AliasOf alias ? alias.base().root() : this;
  }

  @Override
  public String toString() {
    return name + " " + type + shape;
  }
}
