package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.files.JsonTree;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a file's metadata say of a model's inputs and layers, as JSON with a version:
 *
 * <pre>{@code
 * {"version": 1,
 *  "inputs": [{"name": "features", "type": "F32", "shape": [28, 28, 1]}],
 *  "layer": {"kind": "Sequential", "children": [
 *    {"name": "0", "kind": "Flatten"},
 *    {"name": "1", "kind": "Linear", "out": 10, "bias": true}]}}
 * }</pre>
 */
final class Architecture {
  /** The name of the metadata's entry. */
  static final String KEY = "halfstep.architecture";

  private static final long VERSION = 1;
  private static final String INPUT = "features";
  private static final int MOST_RANK = 16;

  private Architecture() {}

  /**
   * Writes inputs and layers down.
   *
   * @throws UnsupportedOperationException if a layer has no spec
   */
  static String write(Layer layer, DType type, Shape shape) {
    Map<String, Object> input = new LinkedHashMap<>();
    input.put("name", INPUT);
    input.put("type", type.name());
    input.put("shape", Arrays.stream(shape.toArray()).boxed().toList());
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("version", VERSION);
    tree.put("inputs", List.of(input));
    tree.put("layer", layer.spec().toTree());
    return JsonTree.write(tree);
  }

  /**
   * The model that a file describes, with the file's weights.
   *
   * @throws ModelFileException if the file does not say which layers it has, or they are unknown or
   *     not possible, or its weights are not those of the layers; nothing is allocated for weights
   *     that the file does not hold
   */
  static Model read(Safetensors.Contents contents) throws ModelFileException {
    String text = contents.metadata().get(KEY);
    if (text == null) {
      throw new ModelFileException(
          contents.file(),
          "does not say which layers its weights belong to: its metadata have no "
              + KEY
              + ", which Model.save writes unless a layer is a lambda. Make the model in code, and"
              + " load the weights with model.load(file)");
    }
    Object tree = JsonTree.read(contents.file(), KEY, text);
    Model model;
    try {
      model = model(tree);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new ModelFileException(
          contents.file(), "has a " + KEY + " that cannot be read: " + e.getMessage());
    }
    return model.load(contents);
  }

  private static Model model(Object tree) {
    if (!(tree instanceof Map<?, ?> map) || !(map.get("version") instanceof Long version)) {
      throw new IllegalArgumentException("expected an object with a version");
    }
    if (version != VERSION || !map.keySet().equals(Set.of("version", "inputs", "layer"))) {
      throw new IllegalArgumentException(
          "it is of version "
              + version
              + " with "
              + map.keySet()
              + ", and this version of Halfstep reads version "
              + VERSION
              + " with inputs and layer");
    }
    if (!(map.get("inputs") instanceof List<?> inputs)
        || inputs.size() != 1
        || !(inputs.get(0) instanceof Map<?, ?> input)) {
      throw new IllegalArgumentException("expected a list of one input, not " + map.get("inputs"));
    }
    Layer layer = Layers.of(LayerSpec.ofTree(map.get("layer")));
    Shape shape = shape(input.get("shape"));
    if ("F32".equals(input.get("type"))) {
      return Model.of(shape, layer);
    }
    if ("I32".equals(input.get("type"))) {
      return Model.ofTokens(shape, layer);
    }
    throw new IllegalArgumentException(
        "an input is of type F32, or I32 for tokens, not " + input.get("type"));
  }

  private static Shape shape(Object tree) {
    if (!(tree instanceof List<?> list)
        || list.size() > MOST_RANK
        || !list.stream().allMatch(extent -> extent instanceof Long n && n > 0)) {
      throw new IllegalArgumentException(
          "the shape of an input is a list of at most "
              + MOST_RANK
              + " whole numbers from 1 on, not "
              + tree);
    }
    return Shape.of(list.stream().mapToLong(extent -> (Long) extent).toArray());
  }
}
