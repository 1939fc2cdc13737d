package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.files.JsonTree;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model's inputs and layers as they are described in a file's metadata: JSON with a version,
 *
 * <pre>{@literal
 * {"version": 1,
 *  "inputs": [{"name": "features", "type": "F32", "shape": [28, 28, 1]}],
 *  "layer": {"kind": "Sequential", "children": [
 *    {"name": "0", "kind": "Flatten"},
 *    {"name": "1", "kind": "Linear", "out": 10, "bias": true}]}}
 * }</pre>
 *
 * <p>A model with several inputs or outputs has a {@code network} instead of the {@code layer}.
 *
 * @param inputs of the model, in order
 * @param layer null if the model is made of a network
 * @param network null if the model is made of one layer
 */
record Architecture(List<ModelInput> inputs, @Nullable Layer layer, @Nullable Network network) {
  /** The name of the metadata's entry. */
  static final String KEY = "halfstep.architecture";

  private static final long VERSION = 1;
  private static final int MOST_INPUTS = 1000;
  private static final int MOST_RANK = 16;

  /**
   * Returns the inputs and layers as JSON.
   *
   * @throws UnsupportedOperationException if a layer has no spec
   */
  String write() {
    List<Object> list = new ArrayList<>();
    for (ModelInput input : inputs) {
      Map<String, Object> tree = new LinkedHashMap<>();
      tree.put("name", input.name());
      tree.put("type", input.type().name());
      tree.put("shape", Arrays.stream(input.shape().toArray()).boxed().toList());
      list.add(tree);
    }
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("version", VERSION);
    tree.put("inputs", list);
    if (layer != null) {
      tree.put("layer", layer.spec().toTree());
    } else {
      tree.put("network", Objects.requireNonNull(network).spec().toTree());
    }
    return JsonTree.write(tree);
  }

  /**
   * The inputs and layers that a file describes.
   *
   * @throws ModelFileException if the file does not describe its layers
   * @throws IllegalArgumentException if a layer is of an unknown kind, or an attribute is not
   *     possible
   */
  static Architecture read(Safetensors.Contents contents) throws ModelFileException {
    String text = contents.metadata().get(KEY);
    if (text == null) {
      throw new ModelFileException(
          contents.file(),
          "does not say which layers its weights belong to: its metadata have no "
              + KEY
              + ", which Model.save writes unless a layer is a lambda. Make the model in code, and"
              + " load the weights with model.load(file)");
    }
    return of(JsonTree.read(contents.file(), KEY, text));
  }

  private static Architecture of(Object tree) {
    if (!(tree instanceof Map<?, ?> map) || !(map.get("version") instanceof Long version)) {
      throw new IllegalArgumentException("expected an object with a version");
    }
    boolean single = map.containsKey("layer");
    if (version != VERSION
        || !map.keySet().equals(Set.of("version", "inputs", single ? "layer" : "network"))) {
      throw new IllegalArgumentException(
          "it is of version "
              + version
              + " with "
              + map.keySet()
              + ", and this version of Halfstep reads version "
              + VERSION
              + " with inputs and layer or network");
    }
    List<ModelInput> inputs = inputs(map.get("inputs"));
    if (!single) {
      LayerSpec spec = LayerSpec.ofTree(map.get("network"));
      if (!spec.kind().equals("Wiring")) {
        throw new IllegalArgumentException("a network is of kind Wiring, not " + spec.kind());
      }
      return new Architecture(inputs, null, Wiring.of(spec, Layers::of));
    }
    if (inputs.size() > 1) {
      throw new IllegalArgumentException("one layer takes one input, not " + inputs.size());
    }
    return new Architecture(inputs, Layers.of(LayerSpec.ofTree(map.get("layer"))), null);
  }

  private static List<ModelInput> inputs(@Nullable Object tree) {
    if (!(tree instanceof List<?> list) || list.isEmpty() || list.size() > MOST_INPUTS) {
      throw new IllegalArgumentException("expected a list of 1 to " + MOST_INPUTS + " inputs");
    }
    List<ModelInput> inputs = new ArrayList<>();
    for (Object element : list) {
      if (!(element instanceof Map<?, ?> input)
          || !(input.get("name") instanceof String name)
          || !(input.get("type") instanceof String type)
          || !(type.equals("F32") || type.equals("I32"))) {
        throw new IllegalArgumentException(
            "an input has a name, a shape and type F32, or I32 for tokens, but one is " + element);
      }
      inputs.add(new ModelInput(name, DType.valueOf(type), shape(input.get("shape"))));
    }
    return inputs;
  }

  private static Shape shape(@Nullable Object tree) {
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
