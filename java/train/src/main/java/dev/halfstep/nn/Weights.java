package dev.halfstep.nn;

import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Parameter;
import dev.halfstep.kernel.Random;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a model, which models made by {@link Model#freeze} share with it. Their memory is
 * allocated when they are first set.
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

  /** All weights, not copied; 0 where they were never set. */
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

  /** Records that weights were set. */
  void changed() {
    set = true;
    version++;
  }

  /** A number that changes with each {@link #changed}. */
  long version() {
    return version;
  }

  /** Draws the initial values of a parameter. */
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
