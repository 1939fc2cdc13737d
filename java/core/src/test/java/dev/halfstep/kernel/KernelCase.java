package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * An operation of a kernel with what it takes, so that tests can call it in every form. All of them
 * are in {@link KernelCases}. {@code arguments} are {@link Operand}s and, between them, floats and
 * {@link ByAddress}.
 */
record KernelCase(
    String name, Object kernel, String method, List<Object> arguments, boolean takesArrays) {
  /** What a call does with an operand; the last is a state. */
  enum Use {
    IN,
    OUT,
    INOUT,
    STATE
  }

  /** An operand; {@code unused}: it is null always, since a kernel as this one does not take it. */
  record Operand(String name, Use use, DType type, long count, boolean optional, boolean unused) {
    /** Whether the call writes it; a state aside. */
    boolean written() {
      return use == Use.OUT || use == Use.INOUT;
    }

    long bytes() {
      return count * type.bytes();
    }
  }

  /** What the form on addresses alone takes, and is given 0 for. */
  record ByAddress(Class<?> type) {}

  /** Where sizes and types come from. */
  interface Sizes {
    long size();

    DType storage();

    /** A size as an int. */
    default int small() {
      return (int) Math.max(-2, Math.min(size(), Integer.MAX_VALUE));
    }

    /** The shape of images. */
    default Shape images() {
      return images(size());
    }

    /** The shape of images with these channels. */
    default Shape images(long channels) {
      return Shape.of(size(), size(), size(), channels);
    }
  }

  /** Makes one, or throws as the kernel's builder does. */
  interface Maker {
    KernelCase make(Sizes sizes);
  }

  static KernelCase random(SplittableRandom random, Sizes sizes) {
    List<Maker> makers = List.copyOf(KernelCases.ALL.values());
    return makers.get(random.nextInt(makers.size())).make(sizes);
  }

  static Operand operand(String name, Use use, DType type, long count, boolean optional) {
    return new Operand(name, use, type, count, optional, false);
  }

  static ByAddress byAddress(Class<?> type) {
    return new ByAddress(type);
  }

  /**
   * A kernel that has all forms.
   *
   * @param without operands that are null always; with "!", those that the method does not have
   */
  static KernelCase of(String method, Object kernel, String[] without, Object... arguments) {
    return make(method, kernel, List.of(without), List.of(arguments), true);
  }

  /** One that takes no arrays. */
  static KernelCase withoutArrays(
      String method, Object kernel, String[] without, Object... arguments) {
    return make(method, kernel, List.of(without), List.of(arguments), false);
  }

  private static KernelCase make(
      String method,
      Object kernel,
      List<String> without,
      List<Object> arguments,
      boolean takesArrays) {
    List<Object> taken = new ArrayList<>();
    for (Object argument : arguments) {
      if (!(argument instanceof Operand operand)) {
        taken.add(argument);
      } else if (!without.contains("!" + operand.name)) {
        boolean unused = without.contains(operand.name);
        taken.add(
            new Operand(
                operand.name, operand.use, operand.type, operand.count, operand.optional, unused));
      }
    }
    String name = kernel.getClass().getSimpleName() + "." + method + " of " + kernel;
    return new KernelCase(name, kernel, method, taken, takesArrays);
  }

  /** The operands alone. */
  List<Operand> operands() {
    List<Operand> operands = new ArrayList<>();
    for (Object argument : arguments) {
      if (argument instanceof Operand operand) {
        operands.add(operand);
      }
    }
    return operands;
  }

  /** Whether arrays cannot hold an operand. */
  boolean hasHalves() {
    return operands().stream()
        .anyMatch(operand -> operand.type == DType.BF16 || operand.type == DType.F16);
  }
}
