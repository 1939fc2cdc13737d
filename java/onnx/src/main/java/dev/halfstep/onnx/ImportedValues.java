package dev.halfstep.onnx;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Scope;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of an ONNX graph as values of a Halfstep graph. An image of an ONNX graph has its
 * channels first; it is held so, or with the channels last as Halfstep's operations need it, or
 * both: a permutation is added when one is read and only the other is there.
 */
final class ImportedValues {
  private static final Initializer FROM_FILE = new Initializer.Constant(0);

  private final Scope scope;
  private final ImportedNetwork network;
  private final Map<String, Value> plain = new HashMap<>();
  private final Map<String, Value> last = new HashMap<>();

  ImportedValues(Scope scope, ImportedNetwork network) {
    this.scope = scope;
    this.network = network;
  }

  Graph graph() {
    return scope.graph();
  }

  void put(String name, Value value) {
    plain.put(name, value);
  }

  /** Records an image {@code [batch, channels, height, width]}, given with the channels last. */
  void putLast(String name, Value value) {
    last.put(name, value);
  }

  boolean hasLast(String name) {
    return last.containsKey(name);
  }

  @Nullable ImportedTensor constant(String name) {
    return network.constant(name);
  }

  /** The value of a tensor; a constant one becomes a parameter. */
  Value of(String name) {
    Value value = plain.get(name);
    if (value == null) {
      ImportedTensor constant = network.constant(name);
      Value image = last.get(name);
      if (constant != null) {
        return constant.shape().elements() == 1
            ? Ops.constant(graph(), constant.shape(), constant.values())
            : parameter(name, constant);
      }
      if (image == null) {
        throw new IllegalArgumentException("tensor " + name + " is read before it is computed");
      }
      value = Ops.permute(image, 0, 3, 1, 2);
      plain.put(name, value);
    }
    return value;
  }

  /** An image with its channels last. */
  Value ofLast(String name) {
    Value value = last.get(name);
    if (value == null) {
      value = Ops.permute(of(name), 0, 2, 3, 1);
      last.put(name, value);
    }
    return value;
  }

  /** A trained parameter with these values. */
  Value parameter(String name, ImportedTensor values) {
    String own = network.weightName(name);
    network.take(own, values);
    return scope.parameter(own, values.shape(), FROM_FILE);
  }

  /** Running statistics with these values. */
  Value state(String name, ImportedTensor values) {
    String own = network.weightName(name);
    network.take(own, values);
    FileLayout layout = FileLayout.ofFeatures(values.shape(), null);
    return scope.state(own, values.shape(), FROM_FILE, layout);
  }

  /** The weights of a convolution, {@code [out, in, rows, columns]} in the file. */
  Value filters(String name, ImportedTensor values) {
    ImportedTensor arranged = values.channelsLast();
    String own = network.weightName(name);
    network.take(own, arranged);
    Shape shape = arranged.shape();
    return scope.parameter(own, shape, FROM_FILE, FileLayout.ofConvolution(shape));
  }
}
