package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Parameters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A model as a table: a line for each layer, indented by depth, with its output shape for one
 * sample and the number of its parameters.
 */
final class ModelTree {
  private record Line(String label, String output, long parameters) {}

  private final Parameters all;
  private final Map<String, Scope.Applied> applied = new LinkedHashMap<>();
  private final List<Line> lines = new ArrayList<>();

  private ModelTree(Parameters all) {
    this.all = all;
  }

  /**
   * The table of a model that is made of one layer.
   *
   * @param output its output shape for one sample
   */
  static String of(Layer root, Parameters all, ModelInput input, Shape output) {
    ModelTree tree = new ModelTree(all);
    Graph graph = new Graph(DType.F32, false);
    Scope scope = Scope.traced(graph, all, tree.applied);
    Shape batch = input.shape().prepend(1);
    root.apply(scope, graph.input(input.name(), input.type(), batch));
    tree.add("", "", root, output.toString(), 0, Set.of());
    return tree.table();
  }

  /**
   * Adds a layer and the layers inside it. A child without an output of its own was fused into
   * another.
   *
   * @param outer names under the same path that belong to the enclosing layer, if this one takes
   *     its path
   */
  private void add(
      String path, String name, Layer layer, String output, int depth, Set<String> outer) {
    String label = "  ".repeat(depth) + (name.isEmpty() ? "" : name + ": ") + title(layer);
    lines.add(new Line(label, output, parameters(path)));
    Map<String, Layer> children = layer.children();
    String before = "";
    for (String child : names(path, children.keySet(), outer)) {
      String childPath = child.isEmpty() || path.isEmpty() ? path + child : path + "." + child;
      Scope.Applied seen = child.isEmpty() ? null : applied.get(childPath);
      Layer known = children.get(child);
      Layer inner = known == null ? Objects.requireNonNull(seen).layer() : known;
      String shape =
          child.isEmpty() ? output : seen == null ? before : seen.output().dropFirst().toString();
      add(
          childPath,
          child,
          inner,
          shape,
          depth + 1,
          child.isEmpty() ? children.keySet() : Set.of());
      before = shape;
    }
  }

  /** The children that the layer lists, then layers that it applied without listing them. */
  private Set<String> names(String path, Set<String> children, Set<String> outer) {
    Set<String> names = new LinkedHashSet<>(children);
    String prefix = path.isEmpty() ? "" : path + ".";
    boolean continued = children.contains("");
    for (String each : applied.keySet()) {
      String rest = each.startsWith(prefix) ? each.substring(prefix.length()) : "";
      if (!continued && !rest.isEmpty() && !rest.contains(".") && !outer.contains(rest)) {
        names.add(rest);
      }
    }
    return names;
  }

  private static String title(Layer layer) {
    Class<?> type = layer.getClass();
    return type.isHidden() || type.isSynthetic()
        ? "function"
        : layer.toString().lines().findFirst().orElse("");
  }

  private long parameters(String path) {
    return all.list().stream()
        .filter(parameter -> parameter.role() != Parameter.Role.STATE)
        .filter(parameter -> path.isEmpty() || parameter.name().startsWith(path + "."))
        .mapToLong(parameter -> parameter.shape().elements())
        .sum();
  }

  private String table() {
    int label = 0;
    int output = 0;
    for (Line line : lines) {
      label = Math.max(label, line.label().length());
      output = Math.max(output, line.output().length());
    }
    StringBuilder text = new StringBuilder();
    String row = "%-" + label + "s  %" + output + "s  %,12d\n";
    for (Line line : lines) {
      text.append(String.format(Locale.ROOT, row, line.label(), line.output(), line.parameters()));
    }
    return text.toString();
  }
}
