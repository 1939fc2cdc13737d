package dev.halfstep.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A group of parameters whose learning rate and weight decay are the optimizer's times a factor,
 * for example to train layers more slowly than others, or to exclude weights from decay. Both
 * factors apply at every step, on top of the schedule. If the factor of the rate is 0, the
 * parameters do not change, but their gradients and moments are still computed.
 *
 * @param pattern a pattern for the names of its parameters: {@code *} stands for any number of
 *     characters, also none and also dots, {@code ?} for one; {@code 0.*} matches the whole first
 *     layer
 * @param rate the factor of the learning rate: finite, at least 0
 * @param decay the factor of the weight decay: finite, at least 0. Biases and other parameters of
 *     one dimension never decay
 */
public record ParameterGroup(String pattern, double rate, double decay) {
  /** Checks the factors. */
  public ParameterGroup {
    requireFactor(pattern, "learning rate", rate);
    requireFactor(pattern, "weight decay", decay);
  }

  private static void requireFactor(String pattern, String of, double factor) {
    if (!(factor >= 0 && factor <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "the factor of the "
              + of
              + " of the parameter group "
              + pattern
              + " must be finite and not negative, not "
              + factor);
    }
  }

  /** The group of the parameters that match the pattern, with both factors 1. */
  public static ParameterGroup of(String pattern) {
    return new ParameterGroup(pattern, 1, 1);
  }

  /** This group with another factor of the learning rate. */
  public ParameterGroup withRate(double factor) {
    return new ParameterGroup(pattern, factor, decay);
  }

  /** This group with another factor of the weight decay. */
  public ParameterGroup withDecay(double factor) {
    return new ParameterGroup(pattern, rate, factor);
  }

  /** Whether the pattern matches this parameter's name. */
  public boolean matches(String parameter) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      regex.append(
          switch (c) {
            case '*' -> ".*";
            case '?' -> ".";
            default -> Pattern.quote(String.valueOf(c));
          });
    }
    return parameter.matches(regex.toString());
  }

  /** The group of a parameter: the first that matches, or else one with both factors 1. */
  public static ParameterGroup find(List<ParameterGroup> groups, String parameter) {
    for (ParameterGroup group : groups) {
      if (group.matches(parameter)) {
        return group;
      }
    }
    return of(parameter);
  }

  /**
   * Checks that each group has parameters.
   *
   * @throws IllegalArgumentException if a group matches no parameter, or only parameters of earlier
   *     groups; the message names it
   */
  public static void requireUsed(List<ParameterGroup> groups, List<String> parameters) {
    List<ParameterGroup> before = new ArrayList<>();
    for (ParameterGroup group : groups) {
      List<String> matching = parameters.stream().filter(group::matches).toList();
      if (matching.isEmpty()) {
        throw new IllegalArgumentException(
            "no parameter that is trained matches the group "
                + group.pattern()
                + ": there are "
                + parameters);
      }
      if (matching.stream().allMatch(name -> before.stream().anyMatch(g -> g.matches(name)))) {
        throw new IllegalArgumentException(
            "the parameters of the group "
                + group.pattern()
                + " are all in groups before it, of which the first counts: put it before them, or"
                + " leave it out");
      }
      before.add(group);
    }
  }
}
