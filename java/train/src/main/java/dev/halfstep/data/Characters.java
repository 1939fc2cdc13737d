package dev.halfstep.data;

import dev.halfstep.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A text as tokens, one per character, for models that predict the next character. The vocabulary
 * is the set of characters (code points) of the text, sorted.
 *
 * <pre>{@code
 * Characters text = Characters.load(Path.of("shakespeare.txt"));
 * Split parts = text.windows(64, 0.1); // [samples, 64] tokens, and the next token for each
 * }</pre>
 *
 * <p>Immutable.
 */
public final class Characters {
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final String name;
  private final int[] vocabulary;
  private final int[] tokens;

  private Characters(String name, String text) {
    this.name = name;
    this.vocabulary = text.codePoints().distinct().sorted().toArray();
    this.tokens = tokens(text);
  }

  /**
   * Reads a file of UTF-8, compressed with gzip or not; a byte order mark is skipped.
   *
   * @throws DataException if the file cannot be read, is not a text, or does not fit into the Java
   *     heap
   */
  public static Characters load(Path file) throws DataException {
    try (InputStream in = DataFile.open(file, "a text")) {
      ByteBuffer bytes = ByteBuffer.wrap(in.readAllBytes());
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      boolean marked = !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK;
      return new Characters(String.valueOf(file.getFileName()), marked ? text.substring(1) : text);
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    } catch (OutOfMemoryError e) {
      throw DataFile.tooLarge(file, "", e);
    }
  }

  /** The tokens of a text in memory. */
  public static Characters of(String text) {
    return new Characters("text", text);
  }

  /** The number of different characters: tokens are in [0, vocabulary). */
  public int vocabulary() {
    return vocabulary.length;
  }

  /** How many characters the text has. */
  public int size() {
    return tokens.length;
  }

  /**
   * Converts another text to tokens.
   *
   * @throws IllegalArgumentException if it has a character that this text does not have
   */
  public int[] tokens(String text) {
    return text.codePoints().map(this::token).toArray();
  }

  private int token(int character) {
    int token = Arrays.binarySearch(vocabulary, character);
    if (token < 0) {
      throw new IllegalArgumentException(
          "'"
              + Character.toString(character)
              + "' does not occur in "
              + name
              + ": use its "
              + vocabulary.length
              + " characters alone");
    }
    return token;
  }

  /**
   * Converts tokens to a text.
   *
   * @throws IndexOutOfBoundsException if a token is outside [0, vocabulary)
   */
  public String text(int... tokens) {
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.appendCodePoint(vocabulary[token]);
    }
    return text.toString();
  }

  /**
   * Cuts the text into consecutive windows that do not overlap. Features are tokens I32 {@code
   * [samples, length]}, labels {@code [samples, length]} the token that follows each. The end of
   * the text is held out. No window crosses the border between the parts, and the rest of a part
   * that does not fill a window is left out.
   *
   * @param length characters of a window
   * @param heldOut the fraction of the characters that is held out, between 0 and 1
   * @throws IllegalArgumentException if a part is too short for one window
   */
  public Split windows(int length, double heldOut) {
    int cut = tokens.length - Split.heldOut(tokens.length, heldOut);
    return new Split(
        windows(name, 0, cut, length), windows(name + " held out", cut, tokens.length, length));
  }

  /** The windows of the characters in [from, to). */
  private Dataset windows(String part, int from, int to, int length) {
    int samples = length < 1 ? 0 : (to - from - 1) / length;
    if (samples < 1) {
      throw new IllegalArgumentException(
          part
              + ": windows of "
              + length
              + " characters, each with the one that follows, cannot be cut from "
              + (to - from));
    }
    int[] features = Arrays.copyOfRange(tokens, from, from + samples * length);
    int[] labels = Arrays.copyOfRange(tokens, from + 1, from + 1 + samples * length);
    Shape shape = Shape.of(length);
    return ArrayDataset.of(
        part,
        Features.of(features, shape),
        Labels.of(labels, shape, Math.max(2, vocabulary.length), OptionalInt.empty()));
  }
}
