package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;

/**
 * An input of a {@link Model}.
 *
 * @param name without a dot, not blank
 * @param type F32, or I32 for tokens
 * @param shape of one sample
 */
public record ModelInput(String name, DType type, Shape shape) {
  /** Checks name and type. */
  public ModelInput {
    requireName("input", name);
    if (type != DType.F32 && type != DType.I32) {
      throw new IllegalArgumentException(
          "input " + name + " is of type " + type + ": possible are F32, and I32 for tokens");
    }
  }

  /** Numbers, F32. */
  public static ModelInput of(String name, Shape shape) {
    return new ModelInput(name, DType.F32, shape);
  }

  /** Tokens, I32. */
  public static ModelInput ofTokens(String name, Shape shape) {
    return new ModelInput(name, DType.I32, shape);
  }

  /** Throws unless an input or output may have this name. */
  static void requireName(String what, String name) {
    if (name.isBlank() || name.indexOf('.') >= 0) {
      throw new IllegalArgumentException(
          "an " + what + " of a model has a name without a dot, not \"" + name + "\"");
    }
  }
}
