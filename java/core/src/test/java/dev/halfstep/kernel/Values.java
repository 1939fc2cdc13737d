package dev.halfstep.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** Data for tests. */
final class Values {
  private Values() {}

  /** Numbers in [-1, 1] that differ by seed. */
  static float[] wave(int count, int seed) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.sin(1.3 * i + 7.1 * seed);
    }
    return values;
  }

  static FloatBuffer direct(float... values) {
    FloatBuffer buffer = bytes(values.length * Float.BYTES).asFloatBuffer();
    buffer.put(0, values);
    return buffer;
  }

  static IntBuffer direct(int... values) {
    IntBuffer buffer = bytes(values.length * Integer.BYTES).asIntBuffer();
    buffer.put(0, values);
    return buffer;
  }

  static ByteBuffer bytes(int count) {
    return ByteBuffer.allocateDirect(count).order(ByteOrder.nativeOrder());
  }

  static float[] array(FloatBuffer buffer) {
    float[] values = new float[buffer.capacity()];
    buffer.get(0, values);
    return values;
  }
}
