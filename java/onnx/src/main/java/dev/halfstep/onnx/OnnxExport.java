package dev.halfstep.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.halfstep.DType;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.AtomicFile;
import dev.halfstep.graph.Graph;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import dev.halfstep.nn.SavedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Writes a trained model as an <a href="https://onnx.ai">ONNX</a> file (opset 20), which ONNX
 * Runtime and other programs run:
 *
 * <pre>{@code
 * OnnxExport.of(model).write(Path.of("digits.onnx"));
 * OnnxExport.of(SavedModel.read(file)).withNormalization().weights(DType.F16)
 *     .write(Path.of("small.onnx"));
 * }</pre>
 *
 * <p>The file computes what {@link Model#predict} does, for any batch size: the first dimension of
 * every input and output is symbolic. Inputs and outputs have the model's names, {@code features}
 * and {@code output} for a model made of one layer. Every model can be exported whose graph for
 * prediction consists of Halfstep's operations, layers written as functions included. Immutable:
 * each method returns another export.
 *
 * <p>What cannot be exported is refused with an {@link IllegalArgumentException} that names the
 * layer, before a file is written.
 */
public final class OnnxExport {
  private final SavedModel saved;
  private final Map<String, Normalization> normalizations;
  private final DType weightType;
  private final boolean channelsFirst;

  private OnnxExport(
      SavedModel saved,
      Map<String, Normalization> normalizations,
      DType weightType,
      boolean channelsFirst) {
    this.saved = saved;
    this.normalizations = Map.copyOf(normalizations);
    this.weightType = weightType;
    this.channelsFirst = channelsFirst;
  }

  /** An export of a model, which takes samples as {@link Model#predict} does. */
  public static OnnxExport of(Model model) {
    return of(SavedModel.of(model));
  }

  /**
   * An export of a model with its class names and further texts: they become the file's metadata,
   * the names as a JSON list under {@code halfstep.classes}. Its normalisation is part of the file
   * only after {@link #withNormalization()}.
   */
  public static OnnxExport of(SavedModel saved) {
    return new OnnxExport(saved, Map.of(), DType.F32, false);
  }

  /**
   * The same with the {@link SavedModel}'s normalisation: the file takes raw samples, in the units
   * of the training data's features.
   *
   * @throws IllegalStateException if it has none
   */
  public OnnxExport withNormalization() {
    if (saved.normalization().equals(Normalization.NONE)) {
      throw new IllegalStateException(
          "the model was saved without a normalization: give one to withNormalization, or leave the"
              + " call out if samples are not normalized");
    }
    return withNormalization(saved.normalization());
  }

  /**
   * The same with a normalisation of the only input: the file takes raw samples.
   *
   * @throws IllegalArgumentException if it does not fit the samples, or these are tokens
   * @throws IllegalStateException if the model has several inputs
   */
  public OnnxExport withNormalization(Normalization normalization) {
    Model model = saved.model();
    model.sampleShape();
    return withNormalization(model.inputs().get(0).name(), normalization);
  }

  /**
   * The same with a normalisation of one of several inputs.
   *
   * @throws IllegalArgumentException if there is no such input, or it does not fit
   */
  public OnnxExport withNormalization(String input, Normalization normalization) {
    ModelInput of =
        saved.model().inputs().stream()
            .filter(each -> each.name().equals(input))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "the model has no input " + input + ": it has " + saved.model().inputs()));
    Map<String, Normalization> all = new HashMap<>(normalizations);
    all.put(input, new InputSpec(input, of.type(), of.shape(), normalization).normalization());
    return new OnnxExport(saved, all, weightType, channelsFirst);
  }

  /**
   * The same with weights of two dimensions or more in another type: 16 bits halve the file.
   * Computation stays in F32, as ONNX Runtime has no 16-bit kernels on CPUs: it converts these
   * weights once, when it loads the file.
   *
   * @param type F32, BF16 or F16
   * @throws IllegalArgumentException if it is another
   */
  public OnnxExport weights(DType type) {
    if (!Set.of(DType.F32, DType.BF16, DType.F16).contains(type)) {
      throw new IllegalArgumentException("weights are written as F32, BF16 or F16, not " + type);
    }
    return new OnnxExport(saved, normalizations, type, channelsFirst);
  }

  /**
   * The same with images as {@code [batch, channels, height, width]}, as programs around PyTorch
   * have them: every F32 input and output whose samples have three dimensions. Otherwise images are
   * {@code [batch, height, width, channels]}, as in Halfstep.
   */
  public OnnxExport channelsFirst() {
    return new OnnxExport(saved, normalizations, weightType, true);
  }

  /**
   * Writes the file, completely or not at all.
   *
   * @throws IllegalArgumentException if the model cannot be exported: the message names the layer
   *     and says why
   * @throws IllegalStateException if the model's weights were never set
   * @throws IOException if the file cannot be written; an existing file is then unchanged
   */
  public void write(Path file) throws IOException {
    ModelProto message = message();
    AtomicFile.write(file, message::writeTo);
  }

  /**
   * The contents of the file, for a session of ONNX Runtime in the same program, for example.
   *
   * @throws IllegalArgumentException as {@link #write} does
   * @throws IllegalStateException as {@link #write} does
   */
  public byte[] toBytes() {
    return message().toByteArray();
  }

  private ModelProto message() {
    return new Exporter(saved, normalizations, weightType, channelsFirst).message();
  }

  /** How messages call an operation. */
  static String describe(Graph.Node node) {
    return (node.layer().isEmpty() ? "" : "layer " + node.layer() + ": ")
        + "operation "
        + node.operation().name();
  }
}
