package dev.halfstep.nn;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Makes layers from what {@link Layer#spec} returned. The layers of this package are known by their
 * names; a user's layer must be registered with {@link #register} before a file that contains it is
 * read.
 */
public final class Layers {
  private static final Map<String, Function<LayerSpec, Layer>> KINDS = new ConcurrentHashMap<>();

  static {
    KINDS.put("AveragePool2d", AveragePool2d::of);
    KINDS.put("BatchNorm", BatchNorm::of);
    KINDS.put("Conv2d", Conv2d::of);
    KINDS.put("Dropout", spec -> new Dropout(spec.number("rate")));
    KINDS.put("Embedding", Embedding::of);
    KINDS.put("Flatten", spec -> new Flatten());
    KINDS.put("GELU", spec -> new GELU());
    KINDS.put("GlobalAveragePool", spec -> new GlobalAveragePool());
    KINDS.put("GroupNorm", GroupNorm::of);
    KINDS.put("LayerNorm", spec -> new LayerNorm().eps(spec.number("eps")));
    KINDS.put("Linear", Linear::of);
    KINDS.put("MaxPool2d", MaxPool2d::of);
    KINDS.put("MultiHeadAttention", MultiHeadAttention::of);
    KINDS.put("PositionEmbedding", PositionEmbedding::of);
    KINDS.put("ReLU", spec -> new ReLU());
    KINDS.put("Residual", spec -> Residual.of(spec, Layers::of));
    KINDS.put("Sequential", spec -> Sequential.of(spec, Layers::of));
    KINDS.put("Sigmoid", spec -> new Sigmoid());
    KINDS.put("Softmax", spec -> new Softmax());
    KINDS.put("Tanh", spec -> new Tanh());
  }

  private Layers() {}

  /**
   * Registers a kind of layer in this process, for all threads.
   *
   * @param kind a name with a dot in it, such as the class's full name, so that it never collides
   *     with one of this package
   * @param reader makes the layer from what its {@link Layer#spec} returned; it throws an {@link
   *     IllegalArgumentException} if attributes are missing or not possible, as {@link
   *     LayerSpec#whole} and the like do
   * @throws IllegalArgumentException if the kind has no dot
   * @throws IllegalStateException if the kind is registered already
   */
  public static void register(String kind, Function<LayerSpec, Layer> reader) {
    if (kind.indexOf('.') < 0) {
      throw new IllegalArgumentException(
          "the kind of a layer of one's own has a dot, such as com.example.Swish, but " + kind);
    }
    if (KINDS.putIfAbsent(kind, reader) != null) {
      throw new IllegalStateException("layer kind " + kind + " is registered already");
    }
  }

  /** The kinds that are known at present, sorted. */
  public static Set<String> kinds() {
    return new TreeSet<>(KINDS.keySet());
  }

  /**
   * The layer that a spec describes, with all layers in it.
   *
   * @throws IllegalArgumentException if it is of an unknown kind, lacks an attribute, has one that
   *     its kind does not know, or one that is not possible; the message names kind and attribute
   */
  public static Layer of(LayerSpec spec) {
    Function<LayerSpec, Layer> reader = KINDS.get(spec.kind());
    if (reader == null) {
      throw new IllegalArgumentException(
          "layer kind "
              + spec.kind()
              + " is unknown: known are "
              + String.join(", ", kinds())
              + "; make others known with Layers.register before they are read");
    }
    Layer layer = reader.apply(spec);
    requireKnown(spec, layer.spec());
    return layer;
  }

  /** Throws if a spec has attributes that the layer made from it does not have. */
  private static void requireKnown(LayerSpec given, LayerSpec made) {
    List<String> names = given.children().stream().map(LayerSpec.Child::name).toList();
    List<String> known = made.children().stream().map(LayerSpec.Child::name).toList();
    String unknown =
        given.attributes().keySet().stream()
            .filter(name -> !made.attributes().containsKey(name))
            .collect(Collectors.joining(", "));
    if (!unknown.isEmpty() || !names.equals(known)) {
      throw new IllegalArgumentException(
          "layer kind "
              + given.kind()
              + (unknown.isEmpty()
                  ? " has layers " + names + " in it, but makes " + known + " of them"
                  : " does not know attribute " + unknown));
    }
  }
}
