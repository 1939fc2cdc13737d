package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.nn.Model;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads an ONNX file as a model with its weights, to predict with it or to go on training it:
 *
 * <pre>{@code
 * Model model = OnnxImport.read(Path.of("resnet.onnx"));
 * }</pre>
 *
 * <p>Read are feed-forward and convolutional networks, from Halfstep or other programs: products,
 * convolutions, pools, batch and layer normalisation, embeddings, functions of elements, reductions
 * and reshapes. What is not read, such as attention masks, is refused.
 *
 * <p>Inputs and outputs keep their names, with {@code _} for a dot, and the file's order of
 * dimensions: images may have their channels first. The first dimension is the batch. Weights keep
 * their names; those of linear layers and convolutions are arranged as Halfstep has them. All
 * constant arrays of more than one number are trained, but for the running statistics of batch
 * normalisation. The model has no spec, so {@link Model#save} writes its weights only.
 */
public final class OnnxImport {
  private OnnxImport() {}

  /**
   * Reads a file.
   *
   * @throws ModelFileException if it is damaged or has a node that is not read: the message names
   *     the node and its operator
   * @throws IOException if it cannot be read
   */
  public static Model read(Path file) throws IOException {
    ModelProto message;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      message = ModelProto.parseFrom(in);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelFileException(file, "is damaged or no ONNX file: " + e.getMessage());
    }
    try {
      ImportedNetwork network = new ImportedNetwork(message.getGraph());
      Model model = Model.of(network.inputs(), network);
      network.moveWeightsTo(model);
      return model;
    } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      throw new ModelFileException(file, "cannot be imported: " + e.getMessage());
    }
  }
}
