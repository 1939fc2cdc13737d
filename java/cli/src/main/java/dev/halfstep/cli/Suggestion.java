package dev.halfstep.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the known word that a misspelt one probably means. */
final class Suggestion {
  private Suggestion() {}

  /** " Did you mean 'adamw'?" if one of the known words is near the given one, otherwise "". */
  static String didYouMean(String given, Collection<String> known) {
    return nearest(given, known).map(word -> " Did you mean '" + word + "'?").orElse("");
  }

  /** The known word with the smallest edit distance, unless that is over a third of its length. */
  static Optional<String> nearest(String given, Collection<String> known) {
    String lower = given.toLowerCase(Locale.ROOT);
    return known.stream()
        .min(Comparator.comparingInt(word -> distance(lower, word)))
        .filter(word -> 3 * distance(lower, word) <= Math.max(word.length(), 3));
  }

  /**
   * Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the
   * other (the distance of Damerau and Levenshtein, each part changed once).
   */
  private static int distance(String from, String to) {
    int[][] distance = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          distance[i][j] = i + j;
          continue;
        }
        int differs = from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1;
        int least = distance[i - 1][j - 1] + differs;
        least = Math.min(least, 1 + Math.min(distance[i - 1][j], distance[i][j - 1]));
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          least = Math.min(least, 1 + distance[i - 2][j - 2]);
        }
        distance[i][j] = least;
      }
    }
    return distance[from.length()][to.length()];
  }
}
