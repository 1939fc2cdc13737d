package dev.halfstep.data;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What each sample of a data set consists of.
 *
 * @param inputs the arrays that models read, at least one
 * @param targets the arrays that models predict; empty for data without targets
 */
public record SampleForm(List<InputSpec> inputs, List<TargetSpec> targets) {
  /**
   * Checks that the arrays can be told apart.
   *
   * @throws IllegalArgumentException if there is no input, or two arrays have the same name
   */
  public SampleForm {
    inputs = List.copyOf(inputs);
    targets = List.copyOf(targets);
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("samples need at least one input");
    }
    Set<String> names = new HashSet<>();
    Stream.concat(inputs.stream().map(InputSpec::name), targets.stream().map(TargetSpec::name))
        .forEach(
            name -> {
              if (!names.add(name)) {
                throw new IllegalArgumentException(
                    "two arrays of a sample are called " + name + ": give each its own name");
              }
            });
  }

  /** One input and one target. */
  public static SampleForm of(InputSpec input, TargetSpec target) {
    return new SampleForm(List.of(input), List.of(target));
  }

  /** One input and no target. */
  public static SampleForm of(InputSpec input) {
    return new SampleForm(List.of(input), List.of());
  }

  /** The first input. */
  public InputSpec input() {
    return inputs.get(0);
  }

  /**
   * The first target.
   *
   * @throws IllegalStateException if there is none
   */
  public TargetSpec target() {
    if (targets.isEmpty()) {
      throw new IllegalStateException("these samples have no targets");
    }
    return targets.get(0);
  }

  /** Whether there is a target and the first one has one label per sample. */
  public boolean hasOneLabel() {
    return !targets.isEmpty() && targets.get(0).hasOneLabel();
  }

  /** Bytes of one sample. */
  public long sampleBytes() {
    return inputs.stream().mapToLong(InputSpec::sampleBytes).sum()
        + targets.stream().mapToLong(TargetSpec::sampleBytes).sum();
  }

  /**
   * Whether one model can take both: the same arrays of the same types, shapes and classes.
   * Normalisations, names of classes and ignored labels may differ.
   */
  public boolean isLike(SampleForm other) {
    return inputs.size() == other.inputs.size()
        && targets.size() == other.targets.size()
        && IntStream.range(0, inputs.size())
            .allMatch(i -> isLike(inputs.get(i), other.inputs.get(i)))
        && IntStream.range(0, targets.size())
            .allMatch(i -> isLike(targets.get(i), other.targets.get(i)));
  }

  private static boolean isLike(InputSpec a, InputSpec b) {
    return a.name().equals(b.name()) && a.type() == b.type() && a.shape().equals(b.shape());
  }

  private static boolean isLike(TargetSpec a, TargetSpec b) {
    return a.name().equals(b.name())
        && a.type() == b.type()
        && a.shape().equals(b.shape())
        && a.classes() == b.classes();
  }

  /** The same with another normalization of the first input. */
  public SampleForm withNormalization(Normalization normalization) {
    List<InputSpec> others = inputs.subList(1, inputs.size());
    return new SampleForm(
        Stream.concat(Stream.of(input().withNormalization(normalization)), others.stream())
            .toList(),
        targets);
  }

  /** All arrays, such as {@code F32 [28, 28, 1], 10 classes}. */
  @Override
  public String toString() {
    return Stream.concat(
            inputs.stream().map(InputSpec::toString), targets.stream().map(TargetSpec::toString))
        .collect(Collectors.joining(", "));
  }
}
