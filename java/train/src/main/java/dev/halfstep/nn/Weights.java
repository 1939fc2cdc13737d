package dev.halfstep.nn;

import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Parameter;
import dev.halfstep.kernel.Random;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a model, which it and those that {@link Model#freeze} makes of it share. There is
 * no memory for them before they are set.
 */
final class Weights {
  private final int size;
  private float @Nullable [] values;
  private boolean set;
  private long version;

  Weights(int size) {
    this.size = size;
  }

  int size() {
    return size;
  }

  /** All numbers, not copied: 0 where they were never set. */
  float[] values() {
    float[] all = values;
    if (all == null) {
      all = new float[size];
      values = all;
    }
    return all;
  }

  /** Whether {@link #changed} was called. */
  boolean areSet() {
    return set;
  }

  /** Says that some were set, or all. */
  void changed() {
    set = true;
    version++;
  }

  /** Another number after each change. */
  long version() {
    return version;
  }

  /** First values of a parameter. */
  static float[] draw(Parameter parameter, long key, long sequence) {
    float[] values = new float[Math.toIntExact(parameter.shape().elements())];
    Initializer initializer = parameter.initializer();
    if (initializer instanceof Initializer.Uniform uniform) {
      Random.uniform(values, key, sequence, uniform.low(), uniform.high());
    } else if (initializer instanceof Initializer.Normal normal) {
      Random.normal(values, key, sequence, normal.mean(), normal.deviation());
    } else if (initializer instanceof Initializer.Constant constant) {
      Arrays.fill(values, constant.value());
    }
    return values;
  }
}
