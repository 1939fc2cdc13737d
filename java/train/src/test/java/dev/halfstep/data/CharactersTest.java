package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CharactersTest {
  @Test
  void tokensAreTheSortedCharactersAndComeBackAsText() {
    Characters text = Characters.of("abracadabra \uD83C\uDF32"); // a tree: one character, two chars

    assertEquals(7, text.vocabulary());
    assertEquals(13, text.size());
    assertArrayEquals(new int[] {1, 2, 5, 1, 0, 6}, text.tokens("abra \uD83C\uDF32"));
    assertEquals("cad \uD83C\uDF32", text.text(text.tokens("cad \uD83C\uDF32")));
  }

  @Test
  void aCharacterThatDoesNotOccurIsNamed() {
    Characters text = Characters.of("abc");

    Exception e = assertThrows(IllegalArgumentException.class, () -> text.tokens("abx"));
    assertTrue(String.valueOf(e.getMessage()).contains("'x' does not occur"), e.getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> text.text(3));
  }

  @Test
  void eachTokenOfAWindowIsLabelledWithTheOneThatFollows() {
    Split parts = Characters.of("abcdefghijklmnopqrst").windows(3, 0.35); // 13 and 7 characters

    assertEquals(DType.I32, ArrayDataset.copyOf(parts.train()).features().type());
    assertEquals(Shape.of(3), parts.train().sampleShape());
    assertEquals(20, parts.train().classes());
    assertArrayEquals(
        new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, parts.train().toFloats(0, 4));
    assertArrayEquals(new float[] {13, 14, 15, 16, 17, 18}, parts.heldOut().toFloats(0, 2));
    for (Dataset part : new Dataset[] {parts.train(), parts.heldOut()}) {
      float[] features = part.toFloats(0, part.size());
      for (int i = 0; i < features.length; i++) {
        assertEquals(features[i] + 1, ((Labels) ArrayDataset.copyOf(part).targets()).get(i));
      }
    }
    assertEquals(4, parts.train().size()); // labels end at token 12: no window crosses the border
    assertEquals(2, parts.heldOut().size());
  }

  @Test
  void aPartThatIsTooShortForAWindowIsRefused() {
    Characters text = Characters.of("abcdefghij");

    Exception e = assertThrows(IllegalArgumentException.class, () -> text.windows(9, 0.1));
    assertTrue(String.valueOf(e.getMessage()).contains("windows of 9 characters"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> text.windows(0, 0.5));
  }

  @Test
  void aFileIsReadAsUtf8OrRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("a.txt");
    Files.writeString(file, "gr\u00FCn");
    assertEquals(4, Characters.load(file).size());

    Files.writeString(file, "\uFEFFgr\u00FCn"); // the byte order mark is not part of the text
    assertEquals(4, Characters.load(file).vocabulary());
    try (OutputStream zip = new GZIPOutputStream(Files.newOutputStream(file))) {
      zip.write("gr\u00FCn".getBytes(StandardCharsets.UTF_8));
    }
    assertEquals(4, Characters.load(file).size());

    Files.write(file, new byte[] {'g', (byte) 0xFC, 'n'}); // Latin-1
    DataException e = assertThrows(DataException.class, () -> Characters.load(file));
    assertTrue(String.valueOf(e.getMessage()).contains("no text in UTF-8"), e.getMessage());
    Path missing = folder.resolve("missing.txt");
    assertThrows(DataException.class, () -> Characters.load(missing));
    e = assertThrows(DataException.class, () -> Characters.load(Path.of("/dev/zero")));
    assertEquals(
        "/dev/zero: is a device or a pipe, expected a text: write it to a file first",
        e.getMessage());
  }
}
