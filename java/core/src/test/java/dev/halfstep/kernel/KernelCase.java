package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * An operation of a kernel with its operands, so that tests can call it in every form. {@link
 * KernelCases} lists all of them. {@code arguments} are {@link Operand}s and, between them, floats
 * and {@link ByAddress}.
 */
record KernelCase(
    String name, Object kernel, String method, List<Object> arguments, boolean takesArrays) {
  /** How a call uses an operand; the last use is that of a state. */
  enum Use {
    IN,
    OUT,
    INOUT,
    STATE
  }

  /**
   * An operand; {@code unused}: it is always null, because a kernel with these options does not
   * take it.
   */
  record Operand(String name, Use use, DType type, long count, boolean optional, boolean unused) {
    /** Whether the call writes the operand; false for a state. */
    boolean written() {
      return use == Use.OUT || use == Use.INOUT;
    }

    long bytes() {
      return count * type.bytes();
    }
  }

  /** A parameter that only the form on addresses has; tests pass 0. */
  record ByAddress(Class<?> type) {}

  /** Gives sizes and types. */
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

  /** Makes a case, or throws the exception of the kernel's builder. */
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
   * A case for a kernel that has all forms.
   *
   * @param without names of operands that are always null; with "!", of those that the method does
   *     not have
   */
  static KernelCase of(String method, Object kernel, String[] without, Object... arguments) {
    return make(method, kernel, List.of(without), List.of(arguments), true);
  }

  /** A case for a kernel that takes no arrays. */
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

  /** The operands among the arguments. */
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
