package dev.halfstep.graph;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Lists what operations read. */
final class Inputs {
  private Inputs() {}

  /** The operands that are not null, in order. */
  static List<Value> of(@Nullable Value... values) {
    return Arrays.stream(values).filter(Objects::nonNull).map(Objects::requireNonNull).toList();
  }
}
