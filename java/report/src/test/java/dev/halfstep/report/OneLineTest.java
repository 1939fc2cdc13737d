package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class OneLineTest {
  @Test
  void controlCharactersAreEscapedAndLongTextsCut() {
    assertEquals("a\\nb\\tc\\u001b[2Jd\\u202ee", OneLine.of("a\nb\tc\u001b[2Jd\u202ee"));
    assertEquals("Größe 大小 \uD83D\uDE00", OneLine.of("Größe 大小 \uD83D\uDE00"));
    String cut = OneLine.of("x".repeat(30_000_000));
    assertTrue(cut.length() < 2100 && cut.endsWith("... (30000000 characters)"), cut);
  }
}
