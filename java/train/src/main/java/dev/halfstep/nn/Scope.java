package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import dev.halfstep.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a layer builds into: the graph that it adds operations to, and the path that begins the
 * names of its parameters. Asking twice for one name returns the same parameter; weights are tied
 * that way.
 */
public final class Scope {
  /** The layer that was applied under a path, and the shape that it made. */
  record Applied(Layer layer, Shape output) {}

  /** The state that all scopes of one build of a model share. */
  private static final class Shared {
    final Graph graph;
    final @Nullable Parameters known;
    final Map<String, Parameter> created = new LinkedHashMap<>();
    final @Nullable Map<String, Applied> trace;
    @Nullable Padding padding;

    Shared(Graph graph, @Nullable Parameters known, @Nullable Map<String, Applied> trace) {
      this.graph = graph;
      this.known = known;
      this.trace = trace;
    }
  }

  private final Shared shared;
  private final String path;

  private Scope(Shared shared, String path) {
    this.shared = shared;
    this.path = path;
  }

  /**
   * The outermost scope of a graph.
   *
   * @param known the model's parameters, or null when the model is made, while they are being
   *     collected
   */
  static Scope root(Graph graph, @Nullable Parameters known) {
    return new Scope(new Shared(graph, known, null), "");
  }

  /** As above, and records each applied layer in {@code trace}, by its path. */
  static Scope traced(Graph graph, Parameters known, Map<String, Applied> trace) {
    return new Scope(new Shared(graph, known, trace), "");
  }

  /** The graph being built. */
  public Graph graph() {
    return shared.graph;
  }

  /** Whether the graph is for training. */
  public boolean training() {
    return shared.graph.training();
  }

  /**
   * Sets which tokens are padding, for all attention layers of the model that are applied later.
   *
   * @throws IllegalArgumentException if the model has another padding already
   */
  public void padding(Padding padding) {
    Padding before = shared.padding;
    if (before != null && !before.equals(padding)) {
      throw shared.graph.refusal(
          "the padding is token "
              + before.token()
              + " of "
              + before.tokens()
              + " already, and now token "
              + padding.token()
              + " of "
              + padding.tokens()
              + ": a model has one");
    }
    shared.padding = padding;
  }

  /** The tokens that are padding, to which attention gives no weight; null if none are. */
  public @Nullable Padding padding() {
    return shared.padding;
  }

  /** Applies a layer under a name: its parameters are {@code path.name.weight} and the like. */
  public Value apply(String name, Layer layer, Value x) {
    Scope child = new Scope(shared, qualified(name));
    String before = shared.graph.enter(child.path);
    try {
      Value y = layer.apply(child, x);
      if (shared.trace != null) {
        shared.trace.put(child.path, new Applied(layer, y.shape()));
      }
      return y;
    } finally {
      shared.graph.enter(before);
    }
  }

  /**
   * A parameter of this layer.
   *
   * @param name its last part, such as {@code weight}
   * @throws IllegalArgumentException if a parameter of that name has another shape, or the layer
   *     did not ask for it when the model was made
   */
  public Value parameter(String name, Shape shape, Initializer initializer) {
    return get(new Parameter(qualified(name), shape, initializer));
  }

  /** As above, for a parameter whose order in files differs from that in memory. */
  public Value parameter(String name, Shape shape, Initializer initializer, FileLayout fileLayout) {
    return get(
        new Parameter(qualified(name), shape, initializer, Parameter.Role.TRAINED, fileLayout));
  }

  /**
   * A tensor of the model that the forward pass in training changes, not the optimizer, such as
   * running statistics. It has no gradient.
   *
   * @throws IllegalArgumentException as {@link #parameter} does
   */
  public Value state(String name, Shape shape, Initializer initializer, FileLayout fileLayout) {
    return get(
        new Parameter(qualified(name), shape, initializer, Parameter.Role.STATE, fileLayout));
  }

  private Value get(Parameter wanted) {
    String full = wanted.name();
    Shape shape = wanted.shape();
    Parameter parameter = shared.created.get(full);
    if (parameter == null) {
      parameter = shared.known == null ? wanted : lookUp(shared.known, full);
      shared.created.put(full, parameter);
    }
    if (!parameter.shape().equals(shape)) {
      throw shared.graph.refusal(
          "parameter "
              + full
              + " has shape "
              + parameter.shape()
              + " and was asked for with "
              + shape
              + ": the input's features differ from those that the model was made for");
    }
    return shared.graph.parameter(parameter);
  }

  private Parameter lookUp(Parameters table, String full) {
    if (!table.has(full)) {
      throw shared.graph.refusal(
          "parameter "
              + full
              + " was not asked for when the model was made: a layer must create the same"
              + " parameters every time");
    }
    return table.get(full);
  }

  /** All parameters asked for below the root, in order. */
  List<Parameter> parameters() {
    return new ArrayList<>(shared.created.values());
  }

  private String qualified(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
