package dev.halfstep.nn;

import dev.halfstep.files.JsonTree;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A layer described as plain data: its kind, named attributes, and the layers in it. {@link
 * Layer#spec} returns it, {@link Layers#of} makes the layer from it, and files of models hold it as
 * JSON. Immutable: each {@code with} returns another spec.
 *
 * <pre>{@code
 * LayerSpec spec = LayerSpec.of("com.example.Swish").with("beta", 1.5);
 * }</pre>
 *
 * <p>A reader asks for the attributes with {@link #whole}, {@link #number} and so on. They throw an
 * {@link IllegalArgumentException} that names kind and attribute if the attribute is missing or has
 * another type.
 */
public final class LayerSpec {
  /** The most levels of nested layers. */
  public static final int MOST_LEVELS = 64;

  /** The most layers in one spec, over all levels. */
  public static final int MOST_LAYERS = 10_000;

  private static final String KIND = "kind";
  private static final String CHILDREN = "children";
  private static final String NAME = "name";
  private static final Set<String> RESERVED = Set.of(KIND, CHILDREN, NAME);

  private final String kind;
  private final Map<String, Object> attributes;
  private final List<Child> children;
  private final int levels;
  private final int layers;

  /**
   * A layer inside another one.
   *
   * @param name the name under which the outer layer applies it, which is part of the names of its
   *     parameters
   */
  public record Child(String name, LayerSpec spec) {}

  private LayerSpec(String kind, Map<String, Object> attributes, List<Child> children) {
    this.kind = kind;
    this.attributes = attributes;
    this.children = children;
    this.levels = 1 + children.stream().mapToInt(child -> child.spec().levels).max().orElse(0);
    long all = 1 + children.stream().mapToLong(child -> child.spec().layers).sum();
    if (levels > MOST_LEVELS || all > MOST_LAYERS) {
      throw new IllegalArgumentException(
          "a layer that is written down has at most "
              + MOST_LAYERS
              + " layers in it, at most "
              + MOST_LEVELS
              + " levels deep: "
              + kind
              + " has "
              + all
              + " in "
              + levels
              + " levels");
    }
    this.layers = (int) all;
  }

  /**
   * A kind without attributes.
   *
   * @throws IllegalArgumentException if the kind is empty
   */
  public static LayerSpec of(String kind) {
    if (kind.isBlank()) {
      throw new IllegalArgumentException("a kind of layer has a name, but this one is empty");
    }
    return new LayerSpec(kind, Map.of(), List.of());
  }

  /**
   * The same spec with one more attribute.
   *
   * @param value an {@code Integer} or {@code Long}, a finite {@code Float} or {@code Double}, a
   *     {@code Boolean}, a {@code String}, or a list of these
   * @throws IllegalArgumentException if the value is something else, the name is taken already, or
   *     it is {@code kind}, {@code name} or {@code children}
   */
  public LayerSpec with(String name, Object value) {
    if (RESERVED.contains(name) || attributes.containsKey(name)) {
      throw new IllegalArgumentException(
          "the name of an attribute of " + kind + " is taken: " + name);
    }
    Map<String, Object> more = new LinkedHashMap<>(attributes);
    more.put(name, plain(name, value));
    return new LayerSpec(kind, Collections.unmodifiableMap(more), children);
  }

  private Object plain(String name, Object value) {
    if (value instanceof List<?> list) {
      List<Object> values = new ArrayList<>();
      for (Object element : list) {
        values.add(element instanceof List<?> ? refused(name, element) : plain(name, element));
      }
      return List.copyOf(values);
    }
    if (value instanceof Integer number) {
      return number.longValue();
    }
    if (value instanceof Float number && Float.isFinite(number)) {
      return Double.valueOf(number.toString()); // the shortest decimal of this float
    }
    boolean finite = value instanceof Double number && Double.isFinite(number);
    return finite
            || value instanceof Long
            || value instanceof Boolean
            || (value instanceof String text && isWhole(text))
        ? value
        : refused(name, value);
  }

  /** Whether all surrogates are paired; UTF-8 files cannot hold a text with an unpaired one. */
  private static boolean isWhole(String text) {
    return text.codePoints().noneMatch(c -> c <= 0xFFFF && Character.isSurrogate((char) c));
  }

  private Object refused(String name, Object value) {
    throw new IllegalArgumentException(
        "attribute "
            + name
            + " of "
            + kind
            + " is "
            + value
            + ": possible are finite numbers, booleans, strings, and lists of these");
  }

  /**
   * The same spec with one more layer in it, after the others.
   *
   * @throws IllegalArgumentException if the name is taken already, or the spec has too many layers
   */
  public LayerSpec child(String name, LayerSpec spec) {
    return children(List.of(new Child(name, spec)));
  }

  /** The same spec with these layers in it, after the others. */
  LayerSpec children(List<Child> added) {
    List<Child> more = new ArrayList<>(children);
    more.addAll(added);
    if (more.stream().map(Child::name).distinct().count() < more.size()) {
      throw new IllegalArgumentException(
          "two layers in " + kind + " have one name: " + more.stream().map(Child::name).toList());
    }
    return new LayerSpec(kind, attributes, List.copyOf(more));
  }

  /** The kind of layer; kinds of user-defined layers have a dot in their name. */
  public String kind() {
    return kind;
  }

  /**
   * All attributes: {@code Long}, {@code Double}, {@code Boolean}, {@code String}, and lists of
   * these.
   */
  public Map<String, Object> attributes() {
    return attributes;
  }

  /** The layers in it, in order. */
  public List<Child> children() {
    return children;
  }

  /** The layer of that name in it; null if there is none. */
  public @Nullable LayerSpec child(String name) {
    return children.stream()
        .filter(child -> child.name().equals(name))
        .map(Child::spec)
        .findFirst()
        .orElse(null);
  }

  /**
   * A whole number.
   *
   * @throws IllegalArgumentException if it is missing or not in [least, most]
   */
  public long whole(String name, long least, long most) {
    if (attributes.get(name) instanceof Long number && number >= least && number <= most) {
      return number;
    }
    throw unexpected(name, "a whole number in [" + least + ", " + most + "]");
  }

  /** A whole number that fits an {@code int}; see {@link #whole}. */
  public int wholeInt(String name, int least) {
    return (int) whole(name, least, Integer.MAX_VALUE);
  }

  /**
   * A list of whole numbers that each fit an {@code int}.
   *
   * @throws IllegalArgumentException if there are not {@code count} of them, all at least {@code
   *     least}
   */
  public int[] wholeInts(String name, int count, int least) {
    if (attributes.get(name) instanceof List<?> list
        && list.size() == count
        && list.stream()
            .allMatch(n -> n instanceof Long l && l >= least && l <= Integer.MAX_VALUE)) {
      return list.stream().mapToInt(number -> ((Long) number).intValue()).toArray();
    }
    throw unexpected(name, count + " whole numbers in [" + least + ", " + Integer.MAX_VALUE + "]");
  }

  /**
   * A number, whole or not.
   *
   * @throws IllegalArgumentException if it is missing or not a number
   */
  public double number(String name) {
    if (attributes.get(name) instanceof Number number) {
      return number.doubleValue();
    }
    throw unexpected(name, "a number");
  }

  /**
   * True or false.
   *
   * @throws IllegalArgumentException if it is missing or neither
   */
  public boolean flag(String name) {
    if (attributes.get(name) instanceof Boolean flag) {
      return flag;
    }
    throw unexpected(name, "true or false");
  }

  /**
   * A text.
   *
   * @throws IllegalArgumentException if it is missing or not a text
   */
  public String text(String name) {
    if (attributes.get(name) instanceof String text) {
      return text;
    }
    throw unexpected(name, "a text");
  }

  /**
   * Texts.
   *
   * @throws IllegalArgumentException if it is missing or not a list of texts
   */
  public String[] texts(String name) {
    if (attributes.get(name) instanceof List<?> list
        && list.stream().allMatch(String.class::isInstance)) {
      return list.toArray(String[]::new);
    }
    throw unexpected(name, "a list of texts");
  }

  private IllegalArgumentException unexpected(String name, String expected) {
    Object found = attributes.get(name);
    return new IllegalArgumentException(
        "layer kind "
            + kind
            + (found == null ? " lacks attribute " + name : " has attribute " + name + " " + found)
            + ", expected "
            + expected);
  }

  /** The spec as a tree of {@link JsonTree}. */
  Map<String, Object> toTree() {
    return toTree(new LinkedHashMap<>());
  }

  private Map<String, Object> toTree(Map<String, Object> tree) {
    tree.put(KIND, kind);
    tree.putAll(attributes);
    if (!children.isEmpty()) {
      List<Object> list = new ArrayList<>();
      for (Child child : children) {
        Map<String, Object> named = new LinkedHashMap<>();
        named.put(NAME, child.name());
        list.add(child.spec().toTree(named));
      }
      tree.put(CHILDREN, list);
    }
    return tree;
  }

  /**
   * The spec of a tree that {@link #toTree} returned.
   *
   * @throws IllegalArgumentException if the tree is not that of a spec
   */
  static LayerSpec ofTree(@Nullable Object tree) {
    return ofTree(tree, false);
  }

  private static LayerSpec ofTree(@Nullable Object tree, boolean named) {
    if (!(tree instanceof Map<?, ?> map)
        || !(map.get(KIND) instanceof String kind)
        || map.get(NAME) instanceof String != named) {
      throw new IllegalArgumentException(
          "expected an object with a kind" + (named ? " and a name" : "") + " for a layer");
    }
    LayerSpec spec = of(kind);
    Map<String, Object> attributes = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      String name = (String) entry.getKey();
      if (!RESERVED.contains(name)) {
        attributes.put(name, spec.plain(name, entry.getValue()));
      }
    }
    spec = new LayerSpec(kind, Collections.unmodifiableMap(attributes), List.of());
    Object below = map.get(CHILDREN);
    if (below == null) {
      return spec;
    }
    if (!(below instanceof List<?> list)) {
      throw new IllegalArgumentException("the children of layer kind " + kind + " are no list");
    }
    List<Child> children = new ArrayList<>();
    for (Object child : list) {
      LayerSpec inner = ofTree(child, true);
      String name = (String) Objects.requireNonNull(((Map<?, ?>) child).get(NAME), NAME);
      children.add(new Child(name, inner));
    }
    return spec.children(children);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerSpec that
        && kind.equals(that.kind)
        && attributes.equals(that.attributes)
        && children.equals(that.children);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * kind.hashCode() + attributes.hashCode()) + children.hashCode();
  }

  /** The spec as JSON, on one line. */
  @Override
  public String toString() {
    return JsonTree.write(toTree());
  }
}
