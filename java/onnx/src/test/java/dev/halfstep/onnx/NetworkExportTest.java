package dev.halfstep.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OrtException;
import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.AveragePool2d;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Dropout;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.GELU;
import dev.halfstep.nn.GlobalAveragePool;
import dev.halfstep.nn.GroupNorm;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.LayerNorm;
import dev.halfstep.nn.Layers;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.MultiHeadAttention;
import dev.halfstep.nn.PositionEmbedding;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Scope;
import dev.halfstep.nn.Sequential;
import dev.halfstep.nn.Sigmoid;
import dev.halfstep.nn.Softmax;
import dev.halfstep.nn.Tanh;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Each layer, and whole networks, compute in ONNX Runtime what {@link Model#predict} does. */
class NetworkExportTest {
  private static final Shape IMAGE = Shape.of(8, 8, 4);
  private static final int VOCABULARY = 11;

  /** Every kind of layer, with a model in which it is. */
  private static Map<String, Model> layers() {
    Map<String, Model> layers = new LinkedHashMap<>();
    for (Layer layer :
        List.of(
            new AveragePool2d(3).stride(2).padding(1),
            new BatchNorm().eps(0.01),
            new Conv2d(6, 3).stride(2).padding(1).groups(2),
            new Dropout(0.5),
            new Flatten(),
            new GELU(),
            new GlobalAveragePool(),
            new GroupNorm(2),
            new LayerNorm(),
            new Linear(5),
            new MaxPool2d(3).stride(2).padding(1),
            new ReLU(),
            new Residual(new Linear(4), new Linear(4, false)),
            Sequential.of(new Conv2d(3, 2), new Tanh()),
            new Sigmoid(),
            new Softmax(),
            new Tanh())) {
      layers.put(layer.spec().kind(), Model.of(IMAGE, layer));
    }
    layers.put("Embedding", Model.ofTokens(Shape.of(5), new Embedding(VOCABULARY, 6)));
    layers.put("MultiHeadAttention", Model.of(Shape.of(5, 8), new MultiHeadAttention(2, true)));
    layers.put("PositionEmbedding", Model.of(Shape.of(5, 6), new PositionEmbedding(9)));
    return layers;
  }

  private static Sequential mlp() {
    return Sequential.of(new Flatten(), new Linear(32), new ReLU(), new Linear(10), new Softmax());
  }

  private static Sequential cnn() {
    return Sequential.of(
        new Conv2d(8, 3).padding(1),
        new ReLU(),
        new MaxPool2d(2),
        new Conv2d(16, 3).withoutBias(),
        new BatchNorm(),
        new ReLU(),
        new Flatten(),
        new BatchNorm(),
        new Linear(10));
  }

  /** Two blocks, the second with a shortcut that halves the image. */
  private static Sequential resnet() {
    return Sequential.of(
        new Conv2d(8, 3).padding(1).withoutBias(),
        new BatchNorm(),
        new ReLU(),
        new Residual(block(8, 1)),
        new ReLU(),
        new Residual(
            block(16, 2),
            Sequential.of(new Conv2d(16, 1).stride(2).withoutBias(), new BatchNorm())),
        new ReLU(),
        new GlobalAveragePool(),
        new Linear(10));
  }

  private static Sequential block(int channels, int stride) {
    return Sequential.of(
        new Conv2d(channels, 3).stride(stride).padding(1).withoutBias(),
        new BatchNorm(),
        new ReLU(),
        new Conv2d(channels, 3).padding(1).withoutBias(),
        new BatchNorm());
  }

  private static Sequential transformer(Embedding embedding, boolean causal) {
    Sequential all = Sequential.of(embedding, new PositionEmbedding(12));
    for (int i = 0; i < 2; i++) {
      all =
          all.then(new Residual(Sequential.of(new LayerNorm(), new MultiHeadAttention(2, causal))))
              .then(
                  new Residual(
                      Sequential.of(new LayerNorm(), new Linear(32), new GELU(), new Linear(16))));
    }
    return all.then(new LayerNorm()).then(new Linear(VOCABULARY));
  }

  /** A recurrent network, written as a function: a layer that shares its weights over the rows. */
  private static Value lstm(Scope scope, Value x) {
    long width = 6;
    long batch = x.shape().dim(0);
    Value h = Ops.constant(x.graph(), 0, Shape.of(batch, width));
    Value c = Ops.constant(x.graph(), 0, Shape.of(batch, width));
    for (Value row : Ops.split(x, 1, 1, 1, 1, 1, 1, 1, 1, 1)) {
      Value both = Ops.concat(List.of(Ops.reshape(row, Shape.of(batch, x.shape().dim(2))), h), 1);
      List<Value> gates =
          Ops.split(
              scope.apply("gates", new Linear(4 * width), both), 1, width, width, width, width);
      Value kept = Ops.multiply(Ops.sigmoid(gates.get(0)), c);
      c = Ops.add(kept, Ops.multiply(Ops.sigmoid(gates.get(1)), Ops.tanh(gates.get(2))));
      h = Ops.multiply(Ops.sigmoid(gates.get(3)), Ops.tanh(c));
    }
    return scope.apply("head", new Linear(3), h);
  }

  /** One table that embeds the tokens and gives the logits. */
  private static Value tied(Scope scope, Value tokens) {
    Value table = scope.parameter("table", Shape.of(VOCABULARY, 6), new Initializer.Normal(0, 1));
    Value hidden = scope.apply("hidden", new Linear(6), Ops.embedding(table, tokens));
    return Ops.linear(hidden, table, null);
  }

  private static Map<String, Model> networks() {
    Map<String, Model> networks = new LinkedHashMap<>();
    networks.put("mlp", Model.of(IMAGE, mlp()));
    networks.put("cnn", Model.of(IMAGE, cnn()));
    networks.put("resnet", Model.of(IMAGE, resnet()));
    Embedding embedding = new Embedding(VOCABULARY, 16);
    Shape text = Shape.of(9);
    networks.put("transformer", Model.ofTokens(text, transformer(embedding, true)));
    networks.put(
        "transformer of padded text",
        Model.ofTokens(text, transformer(embedding.padding(0), true)));
    networks.put(
        "encoder of padded text", Model.ofTokens(text, transformer(embedding.padding(3), false)));
    networks.put("lstm", Model.of(Shape.of(8, 5), NetworkExportTest::lstm));
    networks.put("tied weights", Model.ofTokens(text, NetworkExportTest::tied));
    return networks;
  }

  private static DynamicTest test(String name, Model model) {
    return DynamicTest.dynamicTest(name, () -> OnnxRuntime.compare(OnnxRuntime.drawn(model)));
  }

  @Test
  void theLayersAreAllKindsThatThereAre() {
    assertEquals(Layers.kinds(), new TreeSet<>(layers().keySet()));
  }

  @TestFactory
  List<DynamicTest> eachLayer() {
    return layers().entrySet().stream().map(each -> test(each.getKey(), each.getValue())).toList();
  }

  @TestFactory
  List<DynamicTest> wholeNetworks() {
    return networks().entrySet().stream()
        .map(each -> test(each.getKey(), each.getValue()))
        .toList();
  }

  @Test
  void severalInputsAndOutputs() throws OrtException {
    Model model =
        Model.of(
            List.of(
                ModelInput.of("image", IMAGE),
                ModelInput.ofTokens("words", Shape.of(3)),
                ModelInput.of("weight", Shape.of(2))),
            (scope, inputs) -> {
              Value image = scope.apply("cnn", cnn(), inputs.get("image"));
              Value words =
                  scope.apply("table", new Embedding(VOCABULARY, 10), inputs.get("words"));
              Value both = Ops.add(image, Ops.sum(words, 1));
              Value bias = scope.parameter("weight", Shape.of(2), Initializer.fanIn(1));
              Map<String, Value> outputs = new LinkedHashMap<>();
              outputs.put("z", both);
              outputs.put("a", scope.apply("head", new Linear(2), both));
              outputs.put("again", both);
              outputs.put("same", inputs.get("weight"));
              outputs.put("sum", Ops.add(inputs.get("weight"), bias));
              return outputs;
            });
    OnnxRuntime.compare(OnnxRuntime.drawn(model));
  }
}
