package generator;

import java.util.Locale;

/** Translates names between C, C++ and Java. */
final class Names {
  private Names() {}

  /** {@code batch_norm} as {@code BatchNorm}. */
  static String upperCamel(String name) {
    StringBuilder camel = new StringBuilder();
    for (String word : name.split("_")) {
      camel.append(word.substring(0, 1).toUpperCase(Locale.ROOT)).append(word.substring(1));
    }
    return camel.toString();
  }

  /** {@code saved_mean} as {@code savedMean}. */
  static String lowerCamel(String name) {
    return lowerFirst(upperCamel(name));
  }

  /** {@code BatchNorm} as {@code batchNorm}. */
  static String lowerFirst(String name) {
    return name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
  }
}
