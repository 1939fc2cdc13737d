package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JsonTest {
  @TempDir Path folder;

  record Figures(double tenth, Double loss, double whole, double large, float rate) {}

  @Test
  void figuresThatAreFloatsAreWrittenAsFloats() throws IOException {
    Path file = folder.resolve("figures.json");
    Json.write(file, new Figures(0.1f, 1 / 3.0, 16, 1e30, 0.3f));
    String text = Files.readString(file).replaceAll("\\s", "");
    assertEquals(
        "{\"tenth\":0.1,\"loss\":0.3333333333333333,\"whole\":16.0,"
            + "\"large\":1.0E30,\"rate\":0.3}",
        text);
  }

  @Test
  void whatIsNotFiniteIsNull() {
    assertEquals(2.5, Json.number(2.5));
    assertNull(Json.number(Double.NaN));
    assertNull(Json.number(Double.NEGATIVE_INFINITY));
    assertNull(Json.number(OptionalDouble.empty()));
    assertEquals(1, Json.number(OptionalDouble.of(1)));
  }

  @Test
  void listsOfTextsComeBackInTheirOrder() throws IOException {
    Map<String, List<String>> lists = Json.lists("{\"b\":[\"1\",\"é\\n\"],\"a\":[]}");
    assertEquals(List.of("b", "a"), List.copyOf(lists.keySet()));
    assertEquals(lists, Json.lists(Json.line(lists)));
    for (String other : List.of("[]", "{\"a\":1}", "{\"a\":[1]}", "{\"a\":[\"1\"]")) {
      assertThrows(IllegalArgumentException.class, () -> Json.lists(other), other);
    }
  }
}
