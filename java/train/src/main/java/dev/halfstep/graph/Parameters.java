package dev.halfstep.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parameters of a model in the order of their creation, and their offsets in the flat arena:
 * segments begin at multiples of 16 elements (64 bytes), with zeros between them. A tied parameter
 * is one segment. Immutable.
 */
public final class Parameters {
  private static final long ALIGNMENT = 16;

  private final List<Parameter> list;
  private final Map<String, Integer> index = new LinkedHashMap<>();
  private final long[] offsets;
  private final long arenaSize;
  private final long count;

  /**
   * Lays out an arena.
   *
   * @throws IllegalArgumentException if two parameters have the same name
   */
  public Parameters(List<Parameter> list) {
    this.list = List.copyOf(list);
    this.offsets = new long[list.size()];
    long end = 0;
    long elements = 0;
    for (int i = 0; i < offsets.length; i++) {
      Parameter parameter = list.get(i);
      if (index.put(parameter.name(), i) != null) {
        throw new IllegalArgumentException("two parameters are named " + parameter.name());
      }
      offsets[i] = end;
      if (parameter.role() != Parameter.Role.STATE) {
        elements += parameter.shape().elements();
      }
      end = (end + parameter.shape().elements() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    this.arenaSize = end;
    this.count = elements;
  }

  /** All parameters, in order. */
  public List<Parameter> list() {
    return list;
  }

  /**
   * The parameter of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists the names that exist
   */
  public Parameter get(String name) {
    return list.get(indexOf(name));
  }

  /** Whether there is a parameter of that name. */
  public boolean has(String name) {
    return index.containsKey(name);
  }

  /** Where a parameter begins in the arena, in elements. */
  public long offset(Parameter parameter) {
    return offsets[indexOf(parameter.name())];
  }

  /** The position of a parameter in {@link #list}. */
  public int indexOf(String name) {
    Integer found = index.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "there is no parameter " + name + ": there are " + new ArrayList<>(index.keySet()));
    }
    return found;
  }

  /** Elements of the arena, padding included. */
  public long arenaSize() {
    return arenaSize;
  }

  /** Elements of all parameters, padding and state left out. */
  public long count() {
    return count;
  }
}
