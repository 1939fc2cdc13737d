package dev.halfstep.optim;

import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Value;
import java.util.AbstractMap;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Values by name. {@code get} with an unknown name throws an exception that lists the known ones.
 */
final class NamedValues extends AbstractMap<String, Value> {
  private final Graph graph;
  private final String loss;
  private final String what;
  private final Map<String, Value> values;

  /**
   * @param loss the loss that reads them, for the message
   * @param what a value is called in the message
   */
  NamedValues(Graph graph, String loss, String what, Map<String, Value> values) {
    this.graph = graph;
    this.loss = loss;
    this.what = what;
    this.values = Collections.unmodifiableMap(values);
  }

  @Override
  public Value get(@Nullable Object name) {
    Value value = name == null ? null : values.get(name);
    if (value == null) {
      throw graph.refusal(
          "the loss "
              + loss
              + " asks for the "
              + what
              + " "
              + name
              + ", but there are "
              + values.keySet());
    }
    return value;
  }

  @Override
  public boolean containsKey(Object name) {
    return values.containsKey(name);
  }

  @Override
  public Set<Map.Entry<String, Value>> entrySet() {
    return values.entrySet();
  }
}
