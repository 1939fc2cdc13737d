package dev.halfstep.study;

import java.math.BigDecimal;
import java.math.MathContext;

/** Formats numbers for people: 0.1, not 0.10000000149011612, and 65536. */
final class Figures {
  private static final MathContext DIGITS = new MathContext(6);

  private Figures() {}

  /** The number with at most six digits, without trailing zeros. */
  static String of(double value) {
    if (!Double.isFinite(value) || value == 0) {
      return value == 0 ? "0" : Double.toString(value);
    }
    BigDecimal rounded = BigDecimal.valueOf(value).round(DIGITS).stripTrailingZeros();
    double size = Math.abs(value);
    return size >= 1e-5 && size < 1e9 ? rounded.toPlainString() : rounded.toString();
  }
}
