package dev.halfstep.files;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads JSON (RFC 8259) token by token, for safetensors files. Their headers have objects with
 * unique names, strings, and arrays of whole numbers from 0; the JSON texts in their metadata may
 * have any value but {@code null}.
 */
final class JsonReader {
  private static final String HEX = "0123456789abcdef";
  private static final int MOST_DIGITS = 400;
  private static final Pattern NUMBER =
      Pattern.compile("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  private final Path file;
  private final String what;
  private final String text;
  private int at;

  /**
   * Begins at the first character.
   *
   * @param what the beginning of an exception's message, after the file's name
   */
  JsonReader(Path file, String what, String text) {
    this.file = file;
    this.what = what;
    this.text = text;
  }

  /** Reads the value of a field. */
  @FunctionalInterface
  interface Field {
    void read(String name) throws ModelFileException;
  }

  /** Reads an object, field by field. */
  void object(Field field) throws ModelFileException {
    expect('{');
    if (accept('}')) {
      return;
    }
    Set<String> names = new HashSet<>();
    do {
      String name = string();
      if (!names.add(name)) {
        throw damaged("names \"" + name + "\" twice");
      }
      expect(':');
      field.read(name);
    } while (accept(','));
    expect('}');
  }

  /** Reads an array of whole numbers from 0. */
  long[] numbers() throws ModelFileException {
    expect('[');
    if (accept(']')) {
      return new long[0];
    }
    long[] numbers = new long[4];
    int count = 0;
    do {
      if (count == numbers.length) {
        numbers = Arrays.copyOf(numbers, 2 * count);
      }
      numbers[count++] = number();
    } while (accept(','));
    expect(']');
    return Arrays.copyOf(numbers, count);
  }

  private long number() throws ModelFileException {
    skipSpace();
    int from = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    String digits = text.substring(from, at);
    if (digits.isEmpty() || (digits.length() > 1 && digits.charAt(0) == '0')) {
      at = from;
      throw unexpected("a whole number");
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw damaged("holds the number " + digits + ", which is too large");
    }
  }

  /**
   * Reads any value: a map in the order of the text, a list, a string, a boolean, a {@code Long}
   * for a whole number and a {@code Double} for any other.
   *
   * @param levels the most levels of nested objects and arrays
   */
  Object value(int levels) throws ModelFileException {
    skipSpace();
    char first = at < text.length() ? text.charAt(at) : ' ';
    if ((first == '{' || first == '[') && levels == 0) {
      throw damaged("has objects or arrays in one another, too many levels deep");
    }
    return switch (first) {
      case '{' -> {
        Map<String, Object> map = new LinkedHashMap<>();
        object(name -> map.put(name, value(levels - 1)));
        yield map;
      }
      case '[' -> list(levels - 1);
      case '"' -> string();
      case 't', 'f' -> bool();
      default -> anyNumber();
    };
  }

  private List<Object> list(int levels) throws ModelFileException {
    List<Object> list = new ArrayList<>();
    expect('[');
    if (accept(']')) {
      return list;
    }
    do {
      list.add(value(levels));
    } while (accept(','));
    expect(']');
    return list;
  }

  private Boolean bool() throws ModelFileException {
    for (Boolean value : new Boolean[] {true, false}) {
      if (text.startsWith(value.toString(), at)) {
        at += value.toString().length();
        return value;
      }
    }
    throw unexpected("a value");
  }

  private Object anyNumber() throws ModelFileException {
    Matcher matcher = NUMBER.matcher(text).region(at, Math.min(text.length(), at + MOST_DIGITS));
    if (!matcher.lookingAt()) {
      throw unexpected("a value");
    }
    at = matcher.end();
    String digits = matcher.group();
    try {
      if (matcher.group(1) == null && matcher.group(2) == null) {
        return Long.valueOf(digits);
      }
      Double number = Double.valueOf(digits);
      if (!number.isInfinite()) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Too large: the exception below says so.
    }
    throw damaged("holds the number " + digits + ", which is too large");
  }

  /** Reads a string and resolves its escapes. */
  String string() throws ModelFileException {
    expect('"');
    StringBuilder string = new StringBuilder();
    while (true) {
      if (at == text.length()) {
        throw damaged("ends inside a string");
      }
      char c = text.charAt(at++);
      if (c == '"') {
        break;
      }
      if (c < ' ') {
        at--;
        throw unexpected("a character of a string");
      }
      string.append(c == '\\' ? escaped() : c);
    }
    if (string.codePoints().anyMatch(c -> c <= 0xFFFF && Character.isSurrogate((char) c))) {
      throw damaged("holds half a character (an unpaired surrogate)");
    }
    return string.toString();
  }

  private char escaped() throws ModelFileException {
    char c = at < text.length() ? text.charAt(at++) : ' ';
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++, at++) {
          int digit = at < text.length() ? HEX.indexOf(Character.toLowerCase(text.charAt(at))) : -1;
          if (digit < 0) {
            throw unexpected("a hexadecimal digit");
          }
          code = code << 4 | digit;
        }
        yield (char) code;
      }
      default -> {
        at--;
        throw unexpected("an escape of JSON");
      }
    };
  }

  /** Throws if anything but space follows. */
  void end() throws ModelFileException {
    skipSpace();
    if (at < text.length()) {
      throw unexpected("the end");
    }
  }

  private void expect(char wanted) throws ModelFileException {
    if (!accept(wanted)) {
      throw unexpected("'" + wanted + "'");
    }
  }

  private boolean accept(char wanted) {
    skipSpace();
    if (at < text.length() && text.charAt(at) == wanted) {
      at++;
      return true;
    }
    return false;
  }

  private void skipSpace() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private ModelFileException unexpected(String wanted) {
    String found =
        at == text.length()
            ? "its end"
            : text.charAt(at) >= ' ' && text.charAt(at) <= '~'
                ? "'" + text.charAt(at) + "'"
                : String.format("U+%04X", (int) text.charAt(at));
    return damaged("has " + found + " at character " + at + ", expected " + wanted);
  }

  private ModelFileException damaged(String problem) {
    return new ModelFileException(file, what + " " + problem);
  }
}
