package dev.halfstep.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What an option of the form {@code NAME[:NUMBER,...]} was given: {@code step:10,0.5}.
 *
 * @param option the option's name, for messages
 * @param text what was given
 * @param name the text before the colon
 * @param numbers the numbers after the colon
 */
record Spec(String option, String text, String name, List<Double> numbers) {
  /** A double holds every whole number up to this one exactly. */
  private static final double MOST_WHOLE = 0x1p53;

  /** The number of numbers that a name takes, and its form for messages. */
  record Form(int least, int most, String written) {}

  /**
   * Reads and checks what was given.
   *
   * @param forms what is possible, by name
   * @throws UsageException if it is not among that
   */
  static Spec parse(String option, String text, Map<String, Form> forms) {
    int colon = text.indexOf(':');
    String name = (colon < 0 ? text : text.substring(0, colon)).toLowerCase(Locale.ROOT);
    String rest = colon < 0 ? "" : text.substring(colon + 1);
    Form form = forms.get(name);
    if (form == null) {
      throw new UsageException(
          "unknown "
              + option
              + " '"
              + text
              + "'."
              + Suggestion.didYouMean(name, forms.keySet().stream().sorted().toList()),
          "Possible are "
              + String.join(", ", forms.values().stream().map(Form::written).sorted().toList())
              + ".");
    }
    String[] parts = rest.isEmpty() ? new String[0] : rest.split(",", -1);
    List<Double> numbers;
    try {
      numbers = Arrays.stream(parts).map(part -> Double.valueOf(part.strip())).toList();
    } catch (NumberFormatException e) {
      throw new UsageException(
          option + " " + text + ": '" + rest + "' are not numbers.", "Give it as " + form.written);
    }
    if (numbers.size() < form.least || numbers.size() > form.most) {
      throw new UsageException(
          option + " " + text + ": has " + numbers.size() + " numbers.",
          "Give it as " + form.written);
    }
    return new Spec(option, text, name, numbers);
  }

  /** A number, or what stands for it where none was given. */
  double number(int index, double otherwise) {
    return index < numbers.size() ? numbers.get(index) : otherwise;
  }

  /** A number that must be whole and not negative. */
  long whole(int index, double otherwise) {
    double number = number(index, otherwise);
    if (number != Math.rint(number) || number < 0 || number > MOST_WHOLE) {
      throw new UsageException(option + " " + text + ": " + number + " is not a whole number");
    }
    return (long) number;
  }

  /** As above, up to 2^31 - 1. */
  int integer(int index, int otherwise) {
    return (int) Math.min(whole(index, otherwise), Integer.MAX_VALUE);
  }

  /** All numbers, whole. */
  int[] integers() {
    int[] all = new int[numbers.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = integer(i, 0);
    }
    return all;
  }
}
