package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network being built for one batch size: operations in the order in which they are computed. All
 * shapes are static, the batch included. {@link Ops} adds operations ({@code Ops.linear(x, w, b)});
 * {@link Calls} then unrolls them into kernel calls.
 */
public final class Graph {
  /**
   * An operation and the layer that added it.
   *
   * @param layer the path of the layer that added it, as in the names of its parameters; empty
   *     outside all layers
   */
  public record Node(Operation operation, String layer) {}

  private final DType storage;
  private final boolean training;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Value> parameters = new HashMap<>();
  private String layer = "";
  private @Nullable Value state;
  private long dropoutKey;
  private int dropouts;

  /**
   * An empty graph.
   *
   * @param storage type of activations and weight copies: F32, BF16 or F16
   * @param training whether the graph is for training, as layers such as dropout must know
   */
  public Graph(DType storage, boolean training) {
    if (storage != DType.F32 && storage != DType.BF16 && storage != DType.F16) {
      throw new IllegalArgumentException("the storage type is F32, BF16 or F16, not " + storage);
    }
    this.storage = storage;
    this.training = training;
  }

  /** The type of activations and of the copies of weight matrices. */
  public DType storage() {
    return storage;
  }

  /** Whether the graph is for training; otherwise for evaluation or prediction. */
  public boolean training() {
    return training;
  }

  /**
   * Sets the values that all operations of a step share.
   *
   * @param state {@code hs_step_state}, which counts micro-batches and receives errors of kernels
   * @param dropoutKey the key of dropout's random numbers
   */
  public void step(Value state, long dropoutKey) {
    this.state = state;
    this.dropoutKey = dropoutKey;
  }

  /** The step's state; null if the graph is not part of a step, as in prediction. */
  public @Nullable Value state() {
    return state;
  }

  /** The key of dropout's random numbers. */
  long dropoutKey() {
    return dropoutKey;
  }

  /** Numbers the dropouts of a graph 0, 1, 2 ..., so that each draws different random numbers. */
  int nextDropout() {
    return dropouts++;
  }

  /** An input: the caller who runs the plan gives its address under this name. */
  public Value input(String name, DType type, Shape shape) {
    return new Value(this, name, type, shape, new Value.Place.Bound(), false, null);
  }

  /**
   * The value of a parameter. Further calls return the same value, so a tied parameter has one
   * gradient.
   *
   * @throws IllegalArgumentException if another parameter has its name, as when two models are
   *     built into one graph
   */
  @SuppressWarnings("ReferenceEquality") // two models of one architecture have equal parameters
  public Value parameter(Parameter parameter) {
    Value value =
        parameters.computeIfAbsent(
            parameter.name(),
            name ->
                new Value(
                    this,
                    name,
                    parameter.readAs(storage),
                    parameter.shape(),
                    new Value.Place.OfParameter(parameter),
                    parameter.role() == Parameter.Role.TRAINED,
                    null));
    if (!(value.place() instanceof Value.Place.OfParameter of) || of.parameter() != parameter) {
      throw refusal(
          "two models in one graph have a parameter named "
              + parameter.name()
              + ", and would share its weights: join them as layers of one model, each under a name"
              + " of its own");
    }
    return value;
  }

  /**
   * A new value in the activation arena; it is differentiable if a value in {@code madeFrom} is.
   */
  public Value value(String name, DType type, Shape shape, Value... madeFrom) {
    return planned(name, type, shape, null, madeFrom);
  }

  /** A new value of x's type and shape, computed from x element for element, and from others. */
  Value like(String name, Value x, Value... others) {
    Value[] madeFrom = Arrays.copyOf(others, others.length + 1);
    madeFrom[others.length] = x;
    return planned(name, x.type(), x.shape(), x.image(), madeFrom);
  }

  private Value planned(
      String name, DType type, Shape shape, @Nullable Shape image, Value... madeFrom) {
    boolean differentiable = false;
    for (Value source : madeFrom) {
      differentiable |= source.differentiable();
    }
    return new Value(this, at(name), type, shape, new Value.Place.Planned(), differentiable, image);
  }

  /**
   * A value in the memory of another one, with a shape of the same number of elements. If {@code
   * [batch, height, width, channels]} becomes {@code [batch, features]}, {@link Value#image} of the
   * result is {@code [height, width, channels]}.
   */
  public Value alias(Value base, Shape shape) {
    boolean flattens =
        base.shape().rank() == 4 && shape.rank() == 2 && shape.dim(0) == base.shape().dim(0);
    Shape image = flattens ? base.shape().dropFirst() : base.image();
    boolean whole = image != null && shape.rank() > 0 && shape.dim(-1) == image.elements();
    return new Value(
        this,
        base.name(),
        base.type(),
        shape,
        new Value.Place.AliasOf(base),
        base.differentiable(),
        whole ? image : null);
  }

  /** The gradient of a parameter, F32 in the gradient arena. */
  Value gradientOf(Parameter parameter) {
    return new Value(
        this,
        "d " + parameter.name(),
        DType.F32,
        parameter.shape(),
        new Value.Place.GradientOf(parameter),
        false,
        null);
  }

  /** Adds an operation; returns its first output. */
  Value add(Operation operation) {
    nodes.add(new Node(operation, layer));
    return operation.outputs().get(0);
  }

  /** Adds an operation without outputs, such as a loss. */
  void addRoot(Operation operation) {
    nodes.add(new Node(operation, layer));
  }

  /**
   * The operations in the order in which they were added, which is that of the computation;
   * unmodifiable.
   */
  public List<Node> operations() {
    return Collections.unmodifiableList(nodes);
  }

  /**
   * Sets the layer that the next operations belong to, for messages and tables.
   *
   * @return the layer before, to be set again afterwards
   */
  public String enter(String layer) {
    String before = this.layer;
    this.layer = layer;
    return before;
  }

  /** An exception for an impossible shape or type, whose message names the current layer. */
  public IllegalArgumentException refusal(String message) {
    return new IllegalArgumentException(
        layer.isEmpty() ? message : "layer " + layer + ": " + message);
  }

  private String at(String name) {
    return layer.isEmpty() ? name : layer + "." + name;
  }
}
