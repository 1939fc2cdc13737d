package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import dev.halfstep.DType;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Model;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of an ONNX graph that hold the values of a Halfstep graph. A value is held in one
 * {@link Layout} or in both: a convolution makes it channels-first, and if a linear layer reads it
 * then, a transposition makes the other. So operations that work in either layout, in a row of
 * convolutions, need none.
 */
final class Values {
  private final OnnxGraph onnx;
  private final BatchShapes shapes;
  private final Model model;
  private final DType weightType;
  private final Map<Value, Map<Layout, String>> held = new HashMap<>();
  private final Map<Value, Map<Layout, String>> reserved = new HashMap<>();
  private String batch = "";

  /**
   * @param weightType the type of weights of two dimensions or more in the file
   */
  Values(OnnxGraph onnx, BatchShapes shapes, Model model, DType weightType) {
    this.onnx = onnx;
    this.shapes = shapes;
    this.model = model;
    this.weightType = weightType;
  }

  /** Sets the name under which a value, once it is computed in this layout, is stored. */
  void reserve(Value value, Layout layout, String name) {
    reserved
        .computeIfAbsent(value, key -> new EnumMap<>(Layout.class))
        .putIfAbsent(effective(value, layout), name);
  }

  /** Records that a tensor holds a value. */
  void hold(Value value, Layout layout, String name) {
    held.computeIfAbsent(value, key -> new EnumMap<>(Layout.class))
        .put(effective(value, layout), name);
  }

  /** Gives a value that the next node computes a tensor name. */
  String define(Value value, Layout layout) {
    Map<Layout, String> wanted = reserved.getOrDefault(value, Map.of());
    String name = wanted.get(effective(value, layout));
    if (name == null) {
      name = onnx.unique(value.name() + (effective(value, layout) == Layout.FIRST ? ".nchw" : ""));
    }
    hold(value, layout, name);
    return name;
  }

  /** Whether a tensor holds the value in this layout, so that no transposition is needed. */
  boolean has(Value value, Layout layout) {
    return held.getOrDefault(value, Map.of()).containsKey(effective(value, layout));
  }

  /** The layout to compute in where both serve: channels-first if all of these are held so. */
  Layout shared(List<Value> values) {
    return values.stream().allMatch(value -> value.shape().rank() > 2 && has(value, Layout.FIRST))
        ? Layout.FIRST
        : Layout.LAST;
  }

  /** The tensor that holds a value as Halfstep does, channels last. */
  String of(Value value) {
    return of(value, Layout.LAST);
  }

  /** The tensor that holds a value in this layout; made if there is none. */
  String of(Value value, Layout layout) {
    Layout wanted = effective(value, layout);
    String name = held.getOrDefault(value, Map.of()).get(wanted);
    if (name != null) {
      return name;
    }
    if (value.parameter().isPresent()) {
      name = weight(value.parameter().get(), wanted);
      hold(value, wanted, name);
      return name;
    }
    Layout other = wanted == Layout.FIRST ? Layout.LAST : Layout.FIRST;
    String from = held.getOrDefault(value, Map.of()).get(other);
    if (from == null) {
      throw new IllegalStateException(value + " is read before it is computed");
    }
    return onnx.nodeTo(
        define(value, wanted),
        "Transpose",
        List.of(from),
        Attributes.of("perm", wanted.order(value.shape().rank())));
  }

  private static Layout effective(Value value, Layout layout) {
    return value.shape().rank() < 3 ? Layout.LAST : layout;
  }

  /** Adds a parameter; one in a 16-bit type is converted back before it is used. */
  private String weight(Parameter parameter, Layout layout) {
    List<Long> extents = new ArrayList<>();
    for (long extent : parameter.shape().toArray()) {
      extents.add(extent);
    }
    float[] memory = model.get(parameter.name());
    float[] values = layout == Layout.FIRST ? channelsFirst(memory, extents) : memory;
    DType type = parameter.readAs(weightType);
    String name =
        onnx.constant(
            parameter.name(), key -> Tensors.of(key, type, layout.arrange(extents), values));
    return type == DType.F32 ? name : cast(onnx.unique(name + ".f32"), name, DType.F32);
  }

  /** Values {@code [outer, ..., channels]} in the order {@code [outer, channels, ...]}. */
  private static float[] channelsFirst(float[] memory, List<Long> extents) {
    int channels = extents.get(extents.size() - 1).intValue();
    int outer = extents.get(0).intValue();
    int positions = memory.length / Math.max(1, outer * channels);
    float[] values = new float[memory.length];
    int to = 0;
    for (int o = 0; o < outer; o++) {
      for (int c = 0; c < channels; c++) {
        for (int p = 0; p < positions; p++) {
          values[to++] = memory[(o * positions + p) * channels + c];
        }
      }
    }
    return values;
  }

  /** Adds a conversion to another type. */
  String cast(String output, String input, DType type) {
    DataType to = Tensors.type(type);
    return onnx.nodeTo(output, "Cast", List.of(input), Attributes.of("to", (long) to.getNumber()));
  }

  /** The extents of a value in this layout. */
  List<Extent> extents(Value value, Layout layout) {
    return effective(value, layout).arrange(shapes.extents(value));
  }

  /** Sets the input of the graph whose first extent is the batch size. */
  void batchIn(String input) {
    batch = input;
  }

  /** The shape operand of a Reshape to these extents; -1 stands for what depends on the batch. */
  String target(List<Extent> extents) {
    if (extents.stream().filter(extent -> !extent.isFixed()).count() > 1) {
      return sizes(extents);
    }
    return onnx.list(
        extents.stream().map(extent -> extent.isFixed() ? extent.fixed() : -1L).toList());
  }

  /** A list of extents, INT64, computed from the batch size if one depends on it. */
  String sizes(List<Extent> extents) {
    return Extent.areFixed(extents)
        ? onnx.list(extents.stream().map(Extent::fixed).toList())
        : onnx.once("sizes " + extents, () -> computed(extents));
  }

  private String computed(List<Extent> extents) {
    List<String> parts = extents.stream().map(this::size).toList();
    return onnx.node("Concat", parts, Attributes.of("axis", 0));
  }

  private String size(Extent extent) {
    if (extent.isFixed()) {
      return onnx.list(List.of(extent.fixed()));
    }
    String size =
        onnx.once(
            "batch size",
            () ->
                onnx.node(
                    "Shape", List.of(batch), Attributes.of("start", 0), Attributes.of("end", 1)));
    if (extent.perSample() != 1) {
      size = onnx.node("Mul", List.of(size, onnx.list(List.of(extent.perSample()))));
    }
    return extent.fixed() == 0
        ? size
        : onnx.node("Add", List.of(size, onnx.list(List.of(extent.fixed()))));
  }
}
