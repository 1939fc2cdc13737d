package dev.halfstep.files;

import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The header of a safetensors file: the position of each tensor, and the metadata.
 *
 * @param metadata texts by name, in the order of the file
 * @param tensors in the order of the file
 */
record SafetensorsHeader(Map<String, String> metadata, List<Tensor> tensors) {
  /** The format's own limit. */
  static final int MOST_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";

  /** The data begin at a multiple of this number in the file; spaces pad the header. */
  private static final int ALIGNMENT = 8;

  /**
   * A tensor in a file.
   *
   * @param begin the offset of its first byte, counted from the end of the header
   * @param end the offset after its last byte
   */
  record Tensor(String name, TensorType type, Shape shape, long begin, long end) {}

  /**
   * Reads and checks a header.
   *
   * @param dataBytes the number of bytes after the header
   */
  static SafetensorsHeader parse(Path file, byte[] header, long dataBytes)
      throws ModelFileException {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header)).toString();
    } catch (CharacterCodingException e) {
      throw damaged(file, "is not UTF-8 text");
    }
    JsonReader json = new JsonReader(file, "is damaged or no safetensors file: its header", text);
    Map<String, String> metadata = new LinkedHashMap<>();
    List<Tensor> tensors = new ArrayList<>();
    json.object(
        name -> {
          if (name.equals(METADATA)) {
            json.object(key -> metadata.put(key, json.string()));
          } else {
            tensors.add(tensor(file, name, json));
          }
        });
    json.end();
    tensors.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
    long end = 0;
    for (Tensor tensor : tensors) {
      if (tensor.begin != end) {
        throw damaged(
            file,
            "lets tensor %s begin at byte %d of the data where the one before ends at %d",
            tensor.name,
            tensor.begin,
            end);
      }
      end = tensor.end;
    }
    if (end != dataBytes) {
      throw new ModelFileException(
          file,
          (end > dataBytes ? "is truncated" : "is damaged")
              + ": its tensors are "
              + end
              + " bytes by its header, but "
              + dataBytes
              + " follow it");
    }
    return new SafetensorsHeader(metadata, tensors);
  }

  private static Tensor tensor(Path file, String name, JsonReader json) throws ModelFileException {
    Fields fields = new Fields();
    json.object(
        field -> {
          switch (field) {
            case "dtype" -> fields.type = json.string();
            case "shape" -> fields.shape = json.numbers();
            case "data_offsets" -> fields.offsets = json.numbers();
            default -> throw damaged(file, "has the unknown field %s in tensor %s", field, name);
          }
        });
    String typeName = fields.type;
    long[] offsets = fields.offsets;
    if (typeName == null || fields.shape == null || offsets == null || offsets.length != 2) {
      throw damaged(file, "lacks dtype, shape or the two data_offsets of tensor %s", name);
    }
    TensorType type =
        TensorType.named(typeName)
            .orElseThrow(() -> damaged(file, "has tensor %s of unknown type %s", name, typeName));
    Shape shape;
    long bytes;
    try {
      shape = Shape.of(fields.shape);
      bytes = type.bytes(shape.elements());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw damaged(file, "has tensor %s of an impossible size (%s)", name, e);
    }
    if (offsets[1] - offsets[0] != bytes) {
      throw damaged(
          file,
          "lets tensor %s, %s %s of %d bytes, lie from %d to %d",
          name,
          type,
          shape,
          bytes,
          offsets[0],
          offsets[1]);
    }
    return new Tensor(name, type, shape, offsets[0], offsets[1]);
  }

  /** The fields of a tensor that have been read so far. */
  private static final class Fields {
    private @Nullable String type;
    private long @Nullable [] shape;
    private long @Nullable [] offsets;
  }

  private static ModelFileException damaged(Path file, String problem, Object... values) {
    return new ModelFileException(
        file,
        "is damaged or no safetensors file: its header "
            + String.format(Locale.ROOT, problem, values));
  }

  /** The bytes of the header in a file, padded with spaces. */
  byte[] toBytes() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(
        METADATA,
        metadata.entrySet().stream()
            .map(text -> JsonTree.quote(text.getKey()) + ":" + JsonTree.quote(text.getValue()))
            .collect(Collectors.joining(",", "{", "}")));
    for (Tensor tensor : tensors) {
      fields.put(
          tensor.name,
          String.format(
              Locale.ROOT,
              "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              tensor.type,
              tensor.shape.toString().replace(" ", ""),
              tensor.begin,
              tensor.end));
    }
    String json =
        fields.entrySet().stream()
            .map(field -> JsonTree.quote(field.getKey()) + ":" + field.getValue())
            .collect(Collectors.joining(",", "{", "}"));
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    int padding = Math.floorMod(-length, ALIGNMENT);
    return (json + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
  }
}
