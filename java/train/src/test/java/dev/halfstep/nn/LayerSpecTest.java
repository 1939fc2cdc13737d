package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.graph.Value;
import dev.halfstep.graph.Window;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayerSpecTest {
  /** Layers of every kind, with attributes other than the defaults. */
  static List<Layer> layers() {
    return List.of(
        new AveragePool2d(2),
        new AveragePool2d(3).stride(2).padding(1).countPadding(),
        new BatchNorm(),
        new BatchNorm().eps(1e-12).momentum(0.3),
        new Conv2d(8, 3),
        new Conv2d(Shape.MAX_ELEMENTS, new Window(1, 2, 3, 4, 5, 6, 7)).groups(4).withoutBias(),
        new Dropout(0),
        new Dropout(0.1),
        new Embedding(7, 3),
        new Embedding(Shape.MAX_ELEMENTS, 1).padding(0),
        new Flatten(),
        new GELU(),
        new GlobalAveragePool(),
        new GroupNorm(3).eps(Float.MIN_VALUE),
        new LayerNorm().eps(0.1),
        new Linear(10),
        new Linear(1, false),
        new MaxPool2d(2),
        new MaxPool2d(3).stride(2).padding(1),
        new MultiHeadAttention(4, true),
        new MultiHeadAttention(1, false),
        new PositionEmbedding(1L << 40),
        new ReLU(),
        new Residual(new Linear(4)),
        new Residual(Sequential.of(new Linear(4), new BatchNorm()), new Linear(4, false)),
        Sequential.of(),
        Sequential.of(new Linear(3)).then("\"ü\u0001 .,:{}[]", Sequential.of(new ReLU())),
        new Sigmoid(),
        new Softmax(),
        new Tanh(),
        new Scaled(-2.5));
  }

  /** A user-defined layer. */
  private record Scaled(double factor) implements Layer {
    static final String KIND = "dev.halfstep.test.Scaled";

    @Override
    public Value apply(Scope scope, Value x) {
      return dev.halfstep.graph.Ops.scale(x, (float) factor);
    }

    @Override
    public LayerSpec spec() {
      return LayerSpec.of(KIND).with("factor", factor);
    }
  }

  @BeforeAll
  static void register() {
    if (!Layers.kinds().contains(Scaled.KIND)) {
      Layers.register(Scaled.KIND, spec -> new Scaled(spec.number("factor")));
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aLayerIsReadBackFromWhatItWrote(Layer layer) throws IOException {
    LayerSpec spec = layer.spec();
    String text = spec.toString();
    Object tree = dev.halfstep.files.JsonTree.read(Path.of("file"), "spec", text);
    LayerSpec read = LayerSpec.ofTree(tree);
    assertEquals(spec, read);
    assertEquals(spec.hashCode(), read.hashCode());
    assertEquals(text, read.toString());
    Layer made = Layers.of(read);
    assertEquals(layer.getClass(), made.getClass());
    assertEquals(spec, made.spec());
    assertEquals(layer.toString(), made.toString());
  }

  @Test
  void everyLayerOfThePackageHasASpecAndIsInTheListAbove() throws Exception {
    Set<String> there = new TreeSet<>();
    for (Class<?> type : classes()) {
      if (Layer.class.isAssignableFrom(type)
          && !type.isInterface()
          && !Modifier.isAbstract(type.getModifiers())) {
        there.add(type.getSimpleName());
      }
    }
    assertTrue(there.contains("Linear") && there.size() >= 20, there.toString());
    Set<String> tested =
        layers().stream()
            .filter(layer -> !(layer instanceof Scaled))
            .map(layer -> layer.getClass().getSimpleName())
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(there, tested);
    Set<String> kinds = new TreeSet<>(Layers.kinds());
    kinds.removeIf(kind -> kind.contains("."));
    assertEquals(there, kinds);
    for (Layer layer : layers()) {
      String kind = layer.spec().kind();
      assertTrue(kind.contains(".") || kind.equals(layer.getClass().getSimpleName()), kind);
    }
  }

  private static List<Class<?>> classes() throws IOException, URISyntaxException {
    Path root = Path.of(Layer.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path folder = root.resolve("dev/halfstep/nn");
    List<Class<?>> classes = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        String name = file.getFileName().toString().replaceAll("\\.class$", "");
        if (!name.equals("package-info")) {
          try {
            classes.add(
                Class.forName("dev.halfstep.nn." + name, false, Layer.class.getClassLoader()));
          } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
          }
        }
      }
    }
    return classes;
  }

  @Test
  void aLambdaSaysThatItCannotBeWrittenDown() {
    Layer lambda = (scope, x) -> x;
    for (Layer layer : List.of(lambda, Sequential.of(new ReLU(), lambda), new Residual(lambda))) {
      String message = assertThrows(UnsupportedOperationException.class, layer::spec).getMessage();
      assertTrue(message.contains("cannot be written down: a lambda or a class"), message);
      assertTrue(message.contains("Layers.register"), message);
    }
  }

  @Test
  void attributesArePlainDataAndNamesAreTakenOnce() {
    LayerSpec spec =
        LayerSpec.of("k")
            .with("int", 7)
            .with("float", 0.1f)
            .with("text", "a")
            .with("list", List.of(1, 2L, 3));
    assertEquals(
        Map.of("int", 7L, "float", 0.1, "text", "a", "list", List.of(1L, 2L, 3L)),
        spec.attributes());
    assertArrayEquals(new int[] {1, 2, 3}, spec.wholeInts("list", 3, 1));
    assertEquals(0.1f, (float) spec.number("float"));
    assertEquals("a", spec.text("text"));
    for (Object value :
        new Object[] {
          Double.NaN,
          Float.POSITIVE_INFINITY,
          new float[1],
          List.of(List.of()),
          'c',
          "\ud800",
          Shape.of(1)
        }) {
      assertThrows(IllegalArgumentException.class, () -> spec.with("other", value));
    }
    for (String taken : List.of("int", "kind", "name", "children")) {
      assertThrows(IllegalArgumentException.class, () -> spec.with(taken, 1));
    }
    LayerSpec inner = spec.child("a", LayerSpec.of("x"));
    assertThrows(IllegalArgumentException.class, () -> inner.child("a", spec));
    assertThrows(IllegalArgumentException.class, () -> LayerSpec.of(" "));
    assertNotEquals(
        inner.child("b", LayerSpec.of("y")),
        spec.child("b", LayerSpec.of("y")).child("a", LayerSpec.of("x")));
    assertFalse(spec.equals(inner));
  }

  @Test
  void whatAReaderAsksForAndIsNotThereIsNamed() {
    LayerSpec spec = LayerSpec.of("Linear").with("out", 0).with("bias", "no");
    refused(
        () -> spec.whole("out", 1, 9), "Linear has attribute out 0, expected a whole number in");
    refused(() -> spec.whole("in", 1, 9), "Linear lacks attribute in, expected a whole number in");
    refused(() -> spec.flag("bias"), "has attribute bias no, expected true or false");
    refused(() -> spec.number("bias"), "expected a number");
    refused(() -> spec.text("out"), "expected a text");
    refused(() -> spec.texts("out"), "expected a list of texts");
    refused(() -> spec.wholeInts("out", 2, 1), "expected 2 whole numbers in [1, 2147483647]");
  }

  @Test
  void specsThatAreNotThoseOfALayerAreRefused() {
    refused(() -> Layers.of(LayerSpec.of("Lineer")), "kind Lineer is unknown: known are");
    refused(() -> Layers.of(LayerSpec.of("ReLU").with("slope", 1)), "not know attribute slope");
    refused(
        () -> Layers.of(LayerSpec.of("ReLU").child("0", LayerSpec.of("ReLU"))),
        "has layers [0] in it, but makes []");
    refused(() -> Layers.of(LayerSpec.of("Residual")), "lacks the layer named body");
    refused(() -> Layers.of(LayerSpec.of("Dropout").with("rate", 1)), "dropout rate is in [0, 1)");
    refused(() -> Layers.of(new LayerNorm().spec().with("x", true)), "not know attribute x");
    assertThrows(IllegalArgumentException.class, () -> Layers.register("Swish", spec -> null));
    assertThrows(IllegalStateException.class, () -> Layers.register(Scaled.KIND, spec -> null));
  }

  @Test
  void layersAreWrittenDownToALimitOfLevelsAndNumber() {
    Layer deep = new ReLU();
    for (int i = 1; i < LayerSpec.MOST_LEVELS; i++) {
      deep = Sequential.of(deep);
    }
    assertEquals(deep.toString(), Layers.of(deep.spec()).toString());
    Layer deeper = Sequential.of(deep);
    refused(deeper::spec, "at most 64 levels deep");
    Layer[] many = new Layer[LayerSpec.MOST_LAYERS];
    java.util.Arrays.fill(many, new ReLU());
    refused(() -> Sequential.of(many).spec(), "at most 10000 layers");
  }

  private static void refused(org.junit.jupiter.api.function.Executable call, String reason) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
