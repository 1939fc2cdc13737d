package dev.halfstep.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.halfstep.files.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Writes records as JSON: indented, with the fields in the order of the record, and null for absent
 * values. A double that equals a float is written as the float: 0.1, not 0.10000000149011612.
 */
public final class Json {
  private static final ObjectMapper MAPPER =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .registerModule(
              new SimpleModule()
                  .addSerializer(double.class, new Shortest())
                  .addSerializer(Double.class, new Shortest()));

  private static final ObjectMapper LINE =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private Json() {}

  private static final class Shortest extends JsonSerializer<Double> {
    @Override
    public void serialize(Double value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      double number = value;
      if ((float) number == number && number != Math.rint(number)) {
        out.writeNumber((float) number);
      } else {
        out.writeNumber(number);
      }
    }
  }

  /** Writes a record to a file, whole or not at all. */
  public static void write(Path file, Object record) throws IOException {
    String text = MAPPER.writeValueAsString(record) + "\n";
    AtomicFile.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** A record, or lists by name, on one line. */
  public static String line(Object record) throws IOException {
    return LINE.writeValueAsString(record);
  }

  /**
   * Reads a record from its text. Fields that the text lacks are null; unknown fields are ignored.
   *
   * @throws IllegalArgumentException if the text is not JSON or not of such a record
   */
  public static <T> T parse(String text, Class<T> type) {
    try {
      return LINE.readValue(text, type);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e.getOriginalMessage(), e);
    }
  }

  /**
   * Lists of words by name.
   *
   * @throws IllegalArgumentException if the text is not JSON of just that
   */
  public static Map<String, List<String>> lists(String text) {
    Map<String, List<String>> lists = new LinkedHashMap<>();
    try {
      JsonNode object = LINE.readTree(text);
      require(object.isObject(), text);
      for (Map.Entry<String, JsonNode> field : object.properties()) {
        require(field.getValue().isArray(), text);
        List<String> words = new ArrayList<>();
        for (JsonNode word : field.getValue()) {
          require(word.isTextual(), text);
          words.add(word.textValue());
        }
        lists.put(field.getKey(), words);
      }
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e.getOriginalMessage(), e);
    }
    return lists;
  }

  private static void require(boolean right, String text) {
    if (!right) {
      throw new IllegalArgumentException(
          "expected an object of lists of texts, not "
              + text.substring(0, Math.min(80, text.length())));
    }
  }

  /** JSON has no infinities and no NaN: they become null. */
  public static @Nullable Double number(double value) {
    return Double.isFinite(value) ? (Double) value : null;
  }

  /** The number, or null if there is none or it is not finite. */
  public static @Nullable Double number(OptionalDouble value) {
    return value.isPresent() ? number(value.getAsDouble()) : null;
  }
}
