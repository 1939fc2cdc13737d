package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A network of named steps, each of which reads inputs or earlier steps. The names of a layer's
 * parameters begin with the step's name. The network has a spec if its layers have one. Immutable:
 * each method returns another network.
 *
 * <pre>{@code
 * Model model = Model.of(
 *     List.of(ModelInput.of("user", Shape.of(8)), ModelInput.of("item", Shape.of(12))),
 *     Wiring.of()
 *         .then("users", tower, "user")
 *         .then("items", tower, "item")
 *         .join("both", Wiring.Join.MULTIPLY, "users", "items")
 *         .then("score", new Linear(1), "both")
 *         .outputs("score"));
 * }</pre>
 */
public final class Wiring implements Network {
  private static final String STEP = "Step";
  private static final String READS = "reads";
  private static final String LAYER = "layer";

  private final List<Step> steps;
  private final List<String> outputs;

  /** How a step joins several values. */
  public enum Join {
    /** Concatenated along the last dimension; the others are equal. */
    CONCAT,
    /** The sum of two or more, element for element. */
    ADD,
    /** The product of two or more, element for element. */
    MULTIPLY;

    private Value of(List<Value> values) {
      if (this == CONCAT) {
        return Ops.concat(values, values.get(0).shape().rank() - 1);
      }
      Value result = values.get(0);
      for (Value value : values.subList(1, values.size())) {
        result = this == ADD ? Ops.add(result, value) : Ops.multiply(result, value);
      }
      return result;
    }
  }

  /** One step: a layer that reads one value, or a join of several. */
  private record Step(
      String name, @Nullable Layer layer, @Nullable Join join, List<String> reads) {}

  private Wiring(List<Step> steps, List<String> outputs) {
    this.steps = steps;
    this.outputs = outputs;
  }

  /** A network without steps. */
  public static Wiring of() {
    return new Wiring(List.of(), List.of());
  }

  /**
   * Adds a step that applies a layer.
   *
   * @param reads the name of an input or of an earlier step
   * @throws IllegalArgumentException if a step has that name
   */
  public Wiring then(String name, Layer layer, String reads) {
    return with(new Step(name, layer, null, List.of(reads)));
  }

  /**
   * Adds a step that joins several values.
   *
   * @param reads names of inputs or of earlier steps, at least two
   * @throws IllegalArgumentException if a step has that name, or {@code reads} has fewer than two
   *     names
   */
  public Wiring join(String name, Join how, String... reads) {
    if (reads.length < 2) {
      throw new IllegalArgumentException(
          "step " + name + " joins at least 2 values, not " + reads.length);
    }
    return with(new Step(name, null, how, List.of(reads)));
  }

  private Wiring with(Step step) {
    if (steps.stream().anyMatch(other -> other.name().equals(step.name()))) {
      throw new IllegalArgumentException("two steps are named " + step.name());
    }
    List<Step> more = new ArrayList<>(steps);
    more.add(step);
    return new Wiring(List.copyOf(more), outputs);
  }

  /** Sets the steps that are the model's outputs, in this order. */
  public Wiring outputs(String... names) {
    return new Wiring(steps, List.of(names));
  }

  @Override
  public Map<String, Value> apply(Scope scope, Map<String, Value> inputs) {
    Map<String, Value> values = new LinkedHashMap<>(inputs);
    for (Step step : steps) {
      List<Value> read = new ArrayList<>();
      for (String name : step.reads()) {
        read.add(found(values, name, "step " + step.name() + " reads"));
      }
      Value result =
          step.layer() != null
              ? scope.apply(step.name(), step.layer(), read.get(0))
              : scope.apply(step.name(), (inner, x) -> joined(step, read), read.get(0));
      if (values.put(step.name(), result) != null) {
        throw new IllegalArgumentException(
            "step " + step.name() + " has the name of an input: give it another");
      }
    }
    Map<String, Value> said = new LinkedHashMap<>();
    for (String name : outputs) {
      said.put(name, found(values, name, "an output is"));
    }
    return said;
  }

  private static Value joined(Step step, List<Value> values) {
    Join join = step.join();
    if (join == null) {
      throw new IllegalStateException("step " + step.name() + " joins nothing");
    }
    return join.of(values);
  }

  private static Value found(Map<String, Value> values, String name, String who) {
    Value value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          who + " " + name + ", but before it there are only " + values.keySet());
    }
    return value;
  }

  @Override
  public LayerSpec spec() {
    List<LayerSpec.Child> children = new ArrayList<>();
    for (Step step : steps) {
      LayerSpec spec = LayerSpec.of(STEP).with(READS, step.reads());
      children.add(
          new LayerSpec.Child(
              step.name(),
              step.layer() != null
                  ? spec.child(LAYER, step.layer().spec())
                  : spec.with("join", String.valueOf(step.join()).toLowerCase(Locale.ROOT))));
    }
    return LayerSpec.of("Wiring").with("outputs", outputs).children(children);
  }

  /**
   * Reads what {@link #spec} wrote.
   *
   * @param read reads the layers in it
   */
  static Wiring of(LayerSpec spec, Function<LayerSpec, Layer> read) {
    Wiring wiring = of();
    for (LayerSpec.Child child : spec.children()) {
      String[] reads = child.spec().texts(READS);
      LayerSpec layer = child.spec().child(LAYER);
      if (layer != null && reads.length == 1) {
        wiring = wiring.then(child.name(), read.apply(layer), reads[0]);
      } else if (layer == null) {
        wiring = wiring.join(child.name(), join(child.spec().text("join")), reads);
      } else {
        throw new IllegalArgumentException(
            "step " + child.name() + " has a layer, which reads 1 value, not " + reads.length);
      }
    }
    return wiring.outputs(spec.texts("outputs"));
  }

  private static Join join(String name) {
    for (Join join : Join.values()) {
      if (join.name().toLowerCase(Locale.ROOT).equals(name)) {
        return join;
      }
    }
    throw new IllegalArgumentException(
        "values are joined by concat, add or multiply, not by " + name);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Wiring");
    for (Step step : steps) {
      String what = String.valueOf(step.layer() == null ? step.join() : step.layer());
      text.append("\n  ").append(step.name()).append(": ").append(what.replace("\n", "\n  "));
      text.append(" of ").append(String.join(", ", step.reads()));
    }
    return text.append("\n  outputs ").append(String.join(", ", outputs)).toString();
  }
}
