package dev.halfstep.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The fields of one column as they are read: numbers, texts and gaps. A column is one of numbers if
 * at least half of its fields that are not missing are numbers; a text in such a column is an
 * error.
 */
final class CsvCells {
  /** The spellings of a missing value; case does not matter. */
  private static final Set<String> GAPS = Set.of("", "?", "na", "n/a", "nan", "null");

  /** Up to this number, a double represents every whole number exactly. */
  static final double MAX_WHOLE = 0x1p53;

  private double[] numbers = new double[64]; // NaN for a text or a missing value
  private int[] texts = {}; // 1 + the code of a text; may be shorter than numbers
  private final Map<String, Integer> codes = new HashMap<>();
  private final List<String> distinct = new ArrayList<>();
  private int size;
  private int numberCount;
  private int gapCount;

  /** Adds the next row's field. */
  void add(String field) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, Math.addExact(size, size / 2));
    }
    double number = number(field);
    if (Float.isFinite((float) number)) {
      numbers[size] = number;
      numberCount++;
    } else {
      numbers[size] = Double.NaN;
      if (isGap(field)) {
        gapCount++;
      } else {
        addText(field.strip());
      }
    }
    size++;
  }

  private void addText(String text) {
    Integer code = codes.get(text);
    if (code == null) {
      code = distinct.size();
      codes.put(text, code);
      distinct.add(text);
    }
    if (texts.length <= size) {
      texts = Arrays.copyOf(texts, numbers.length);
    }
    texts[size] = code + 1;
  }

  /** The number of different texts that are not numbers. */
  int distinctTexts() {
    return distinct.size();
  }

  /** The different texts, in the order of their first occurrence. */
  List<String> texts() {
    return List.copyOf(distinct);
  }

  /** The number of rows with a missing value. */
  int gaps() {
    return gapCount;
  }

  boolean isNumeric() {
    return 2L * numberCount >= size - gapCount;
  }

  boolean hasTexts() {
    return numberCount + gapCount < size;
  }

  boolean isGap(int row) {
    return Double.isNaN(numbers[row]) && !isText(row);
  }

  boolean isText(int row) {
    return row < texts.length && texts[row] > 0;
  }

  /** The number in a row, or NaN. */
  double number(int row) {
    return numbers[row];
  }

  /** The row's category: its text, its number in a uniform spelling, or "" for a missing value. */
  String category(int row) {
    if (isText(row)) {
      return distinct.get(texts[row] - 1);
    }
    double number = numbers[row];
    return Double.isNaN(number) ? "" : spelled(number);
  }

  /** The number's uniform spelling, such as 1 for 1.0 and +1. */
  static String spelled(double number) {
    boolean whole = number == Math.rint(number) && Math.abs(number) <= MAX_WHOLE;
    return whole ? Long.toString((long) number) : Double.toString(number);
  }

  /** Whether a field is a missing value. */
  static boolean isGap(String field) {
    String text = field.strip();
    return text.length() <= 4 && GAPS.contains(text.toLowerCase(Locale.ROOT));
  }

  /** The decimal number in a field, or NaN if it holds something else. */
  static double number(String field) {
    String text = field.strip();
    int length = text.length();
    // Java alone also reads "1d", "0x1p3" and "Infinity".
    if (length == 0
        || "0123456789.".indexOf(text.charAt(length - 1)) < 0
        || text.contains("x")
        || text.contains("X")) {
      return Double.NaN;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }
}
