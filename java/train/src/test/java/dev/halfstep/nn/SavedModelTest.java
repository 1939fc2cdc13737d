package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.JsonTree;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model can be read from its file without the code that defined it. */
class SavedModelTest {
  @TempDir Path folder;

  private Path file() {
    return folder.resolve("model.safetensors");
  }

  private static Model convolutional() {
    Sequential body =
        Sequential.of(new Conv2d(4, 3).padding(1).withoutBias(), new BatchNorm().momentum(0.2));
    return Model.of(
        Shape.of(6, 6, 2),
        Sequential.of()
            .then("stem", new Conv2d(4, 3).padding(1))
            .then("block", new Residual(body, new Conv2d(4, 1).groups(2)))
            .then("relu", new ReLU())
            .then("pool", new MaxPool2d(3).stride(2).padding(1))
            .then("norm", new GroupNorm(2).eps(0.3))
            .then("average", new AveragePool2d(2).stride(1).padding(1).countPadding())
            .then("flatten", new Flatten())
            .then("drop", new Dropout(0.25))
            .then("fc", new Linear(3, false)));
  }

  private static Model ofTokens() {
    return Model.ofTokens(
        Shape.of(5),
        Sequential.of(
            new Embedding(11, 8).padding(0),
            new PositionEmbedding(7),
            new MultiHeadAttention(2, true),
            new LayerNorm().eps(1e-6),
            new Linear(4),
            new GELU(),
            new Softmax()));
  }

  private static Model ofTwoInputs() {
    return Model.of(
        List.of(ModelInput.of("x", Shape.of(3)), ModelInput.ofTokens("y", Shape.of(2))),
        Wiring.of()
            .then("a", new Linear(4), "x")
            .then("b", Sequential.of(new Embedding(5, 2), new Flatten()), "y")
            .join("c", Wiring.Join.CONCAT, "a", "b")
            .join("d", Wiring.Join.ADD, "a", "b")
            .outputs("c", "d"));
  }

  private static float[] drawn(int count) {
    Random random = new Random(5);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Test
  void aModelReadBackPredictsTheSameBits() throws IOException {
    Model model = convolutional().initialize(7);
    model.save(file(), Map.of("note", "x"));
    Model read = Model.read(file());
    assertEquals(model.toString(), read.toString());
    assertArrayEquals(model.weights(), read.weights());
    float[] x = drawn(3 * 72);
    assertArrayEquals(model.predict(x), read.predict(x));
    assertEquals(Map.of("note", "x"), SavedModel.read(file()).metadata());
    assertEquals(Normalization.NONE, SavedModel.read(file()).normalization());
    assertEquals(List.of(), SavedModel.read(file()).classes());

    Model tokens = ofTokens().initialize(1);
    tokens.save(file(), Map.of());
    Model readTokens = Model.read(file());
    assertEquals(DType.I32, readTokens.sampleType());
    assertEquals(11, readTokens.vocabulary());
    int[] words = {1, 2, 3, 0, 0, 10, 9, 8, 7, 6};
    assertArrayEquals(tokens.predict(words), readTokens.predict(words));
  }

  @Test
  void normalisationAndClassesAreInTheFile() throws IOException {
    Normalization normalization =
        Normalization.of(new double[] {1.0 / 3, -1e-300}, new double[] {0.1, 1e300});
    List<String> classes = List.of("a", "\"b\",", "ü\n");
    Model model = convolutional().initialize(7);
    SavedModel.of(model)
        .withNormalization(normalization)
        .withClasses(classes)
        .withMetadata(Map.of("k", "v"))
        .save(file());
    SavedModel read = SavedModel.read(file());
    assertEquals(normalization, read.normalization());
    assertEquals(classes, read.classes());
    assertEquals(Map.of("k", "v"), read.metadata());
    // The text is equal in every byte: equal models make equal files in any process.
    assertEquals(
        "{\"mean\":[0.3333333333333333,-1.0E-300],\"std\":[0.1,1.0E300]}",
        Safetensors.read(file()).metadata().get("halfstep.normalization"));

    // Saving again with the file's metadata keeps it, except for the layers, which are the model's.
    Model other = Model.of(Shape.of(2), new Linear(3)).initialize(1);
    other.save(file(), Safetensors.read(file()).metadata());
    SavedModel again = SavedModel.read(file());
    assertEquals(classes, again.classes());
    assertEquals(other.toString(), again.model().toString());
  }

  @Test
  void samplesArePreparedAsInTraining() {
    Model model = Model.of(Shape.of(1, 2), new Flatten()).initialize(0);
    Normalization normalization = Normalization.of(new double[] {2, 10}, new double[] {0.5, 4});
    SavedModel saved = SavedModel.of(model).withNormalization(normalization);
    assertArrayEquals(
        new float[] {-4, -2.5f, 2, 0}, saved.prepared(new float[] {0, 0, 3, 10}), 1e-6f);
    assertThrows(
        IllegalArgumentException.class,
        () ->
            saved.withNormalization(
                Normalization.of(new double[] {1, 1, 1}, new double[] {1, 1, 1})));
    assertThrows(IllegalArgumentException.class, () -> saved.withClasses(List.of("a")));
    assertThrows(IllegalArgumentException.class, () -> saved.withClasses(List.of("a", "a")));
    Normalization single = Normalization.of(new double[] {1}, new double[] {2});
    SavedModel tokens = SavedModel.of(ofTokens());
    assertThrows(IllegalArgumentException.class, () -> tokens.withNormalization(single));
  }

  @Test
  void whatIsNoDataIsSavedWithoutItsLayersAndSaysSo() throws IOException {
    Layer lambda = (scope, x) -> scope.apply("fc", new Linear(2), x);
    Model model = Model.of(Shape.of(3), lambda).initialize(1);
    model.save(file(), Map.of());
    refused("does not say which layers its weights belong to");
    assertFalse(SavedModel.isIn(Safetensors.read(file())));
    assertArrayEquals(model.weights(), Model.of(Shape.of(3), lambda).load(file()).weights());
    assertThrows(UnsupportedOperationException.class, model::architecture);
    assertThrows(UnsupportedOperationException.class, () -> SavedModel.of(model).save(file()));
  }

  private String refused(String reason) {
    ModelFileException refusal =
        assertThrows(ModelFileException.class, () -> SavedModel.read(file()));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(file() + ": ") && message.contains(reason), message);
    assertTrue(message.length() < 3000, message);
    return message;
  }

  private void write(String architecture) throws IOException {
    Model model = Model.of(Shape.of(2), new Linear(2)).initialize(1);
    Map<String, String> texts = Map.of(Architecture.KEY, architecture.replace('\'', '"'));
    Safetensors.write(file(), model.tensors(model.weights()), texts);
  }

  private static String of(String shape, String layer) {
    return "{'version':1,'inputs':[{'name':'x','type':'F32','shape':"
        + shape
        + "}],'layer':"
        + layer
        + "}";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          [2]              | {'kind':'Linear','out':3,'bias':true}          | does not fit the model
          [3]              | {'kind':'Linear','out':2,'bias':true}          | does not fit the model
          [2]              | {'kind':'Linear','out':2}                      | lacks attribute bias
          [2]              | {'kind':'Linear','out':-1,'bias':true}         | attribute out -1
          [2]              | {'kind':'Linear','out':2.5,'bias':true}        | attribute out 2.5
          [2]              | {'kind':'Linear','out':1e300,'bias':true}      | attribute out 1.0E300
          [2]              | {'kind':'Linear','out':1099511627776,'bias':true} | more parameters than the
          [2147483647]     | {'kind':'Linear','out':1,'bias':true}          | more parameters than the
          [1,2147483647]   | {'kind':'Linear','out':1099511627776,'bias':true} | 2^58
          [1000000000]     | {'kind':'Linear','out':2,'bias':true}          | does not fit the model
          [2]              | {'kind':'Linear','out':2,'bias':true,'x':1}    | not know attribute x
          [2]              | {'kind':'Linear','out':2,'bias':null}          | expected a value
          [2]              | {'kind':'com.example.Own'}                     | com.example.Own is unknown
          [2]              | {'kind':'Conv2d','out':2,'window':[1,1],'stride':[1,1],'padding':[2147483647,0],'dilation':2147483647,'groups':1,'bias':true} | a convolution takes
          [4,4,1]          | {'kind':'Conv2d','out':2,'window':[2147483647,2147483647],'stride':[1,1],'padding':[2147483647,2147483647],'dilation':1,'groups':1,'bias':true} | 2^58
          [2]              | {'kind':'Sequential','children':[{'kind':'ReLU'}]} | a kind and a name
          [2]              | {'kind':'Sequential','children':{}}            | are no list
          [2]              | {'kind':'Sequential','children':[{'name':'a','kind':'ReLU'},{'name':'a','kind':'ReLU'}]} | have one name
          [2]              | 'Linear'                                       | expected an object with a kind
          [-1]             | {'kind':'ReLU'}                                | whole numbers from 1 on
          [0]              | {'kind':'ReLU'}                                | whole numbers from 1 on
          [4294967296,4294967296] | {'kind':'ReLU'}                         | 2^58
          [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] | {'kind':'ReLU'}             | at most 16 whole numbers
          `'2'`            | {'kind':'ReLU'}                                | at most 16 whole numbers
          """)
  void layersThatAreNotPossibleAreRefused(String shape, String layer, String reason)
      throws IOException {
    write(of(shape, layer));
    refused(reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                                                | has its end at character 0
          []                                                | an object with a version
          {'version':2,'inputs':[],'layer':{}}              | of version 2
          {'version':1,'inputs':[],'layer':{},'more':1}     | of version 1 with
          {'version':1,'inputs':[],'layer':{}}              | a list of 1 to 1000 inputs
          {'version':1,'inputs':[{'name':'x','type':'F16','shape':[2]}],'layer':{'kind':'ReLU'}} | type F32
          {'version':1,'version':1}                         | names "version" twice
          {'version':01}                                    | expected '}'
          {'version':9223372036854775808}                   | too large
          {'version':1e999}                                 | too large
          {'version':tru}                                   | expected a value
          {'version':1}x                                    | expected the end
          """)
  void textsThatAreNotOfThisVersionAreRefused(String text, String reason) throws IOException {
    write(text);
    refused(reason);
  }

  @Test
  void textsThatAreTooDeepOrTooLongAreRefusedWithoutHarm() throws IOException {
    write("[".repeat(1_000_000));
    refused("too many levels deep");
    String level = "'kind':'Sequential','children':[{'name':'0',";
    write(of("[2]", "{" + level.repeat(90) + "'kind':'ReLU'" + "}]".repeat(90) + "}"));
    refused("at most 64 levels deep");
    StringBuilder many = new StringBuilder("{'kind':'Sequential','children':[");
    for (int i = 0; i < 20_000; i++) {
      many.append(i == 0 ? "" : ",").append("{'name':'").append(i).append("','kind':'ReLU'}");
    }
    write(of("[2]", many + "]}"));
    refused("at most 10000 layers");
    write("{'version':" + "9".repeat(100_000) + "}");
    refused("999, which is too large");
  }

  @Test
  void normalisationAndClassesThatDoNotFitAreRefused() throws IOException {
    Model model = Model.of(Shape.of(2), new Linear(2)).initialize(1);
    for (Map<String, String> texts :
        List.of(
            Map.of("halfstep.classes", "[\"a\"]"),
            Map.of("halfstep.classes", "[1,2]"),
            Map.of("halfstep.classes", "[\"a\",\"a\"]"),
            Map.of("halfstep.normalization", "{\"mean\":[0],\"std\":[0]}"),
            Map.of("halfstep.normalization", "{\"mean\":[0,0,0],\"std\":[1,1,1]}"),
            Map.of("halfstep.normalization", "{\"mean\":[],\"std\":[]}"),
            Map.of("halfstep.normalization", "{\"mean\":[\"x\"],\"std\":[1]}"),
            Map.of("halfstep.normalization", "[]"))) {
      model.save(file(), texts);
      refused("does not say how its model is used");
    }
  }

  @Test
  void damagedArchitecturesAreReadOrRefused() throws IOException {
    List<Map.Entry<Model, String>> good =
        List.of(
            Map.entry(convolutional().initialize(1), convolutional().architecture()),
            Map.entry(ofTokens().initialize(1), ofTokens().architecture()),
            Map.entry(ofTwoInputs().initialize(1), ofTwoInputs().architecture()));
    Fuzz.run(
        "architecture",
        0.5,
        random -> {
          Map.Entry<Model, String> entry = good.get(random.nextInt(good.size()));
          byte[] bytes = entry.getValue().getBytes(StandardCharsets.UTF_8);
          String text =
              new String(
                  random.nextBoolean() ? Fuzz.damaged(bytes, random) : renumbered(bytes, random),
                  StandardCharsets.ISO_8859_1);
          Model model = entry.getKey();
          Map<String, String> texts = new HashMap<>();
          texts.put(Architecture.KEY, text);
          Safetensors.Contents contents =
              new Safetensors.Contents(Path.of("fuzzed"), texts, model.tensors(model.weights()));
          try {
            SavedModel read = SavedModel.of(contents);
            assertEquals(model.weights().length, read.model().weights().length);
            return false;
          } catch (ModelFileException e) {
            assertTrue(String.valueOf(e.getMessage()).startsWith("fuzzed: "), e.getMessage());
            return true;
          }
        });
  }

  /** Replaces one number by another. */
  private static byte[] renumbered(byte[] bytes, Random random) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    String[] numbers = {"0", "-1", "2147483647", "1099511627776", "9223372036854775807", "1e9"};
    int at = random.nextInt(text.length());
    int from = at;
    while (from < text.length() && !Character.isDigit(text.charAt(from))) {
      from++;
    }
    int to = from;
    while (to < text.length() && Character.isDigit(text.charAt(to))) {
      to++;
    }
    String number = numbers[random.nextInt(numbers.length)];
    return (text.substring(0, from) + number + text.substring(to))
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void treesAreWrittenAsTheyAreRead() throws IOException {
    String text = "{\"a\":[1,-2.5,1.0E-7,true,false,\"\\\"\\\\\\u0001ü\"],\"b\":{},\"c\":[]}";
    Object tree = JsonTree.read(Path.of("f"), "x", text);
    assertEquals(text, JsonTree.write(tree));
    assertEquals(tree, JsonTree.read(Path.of("f"), "x", " " + text.replace(",", " ,\n")));
    assertThrows(IllegalArgumentException.class, () -> JsonTree.write(List.of(Double.NaN)));
    assertThrows(IllegalArgumentException.class, () -> JsonTree.write(List.of(1)));
  }
}
