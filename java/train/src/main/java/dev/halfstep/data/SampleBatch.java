package dev.halfstep.data;

import dev.halfstep.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Host memory for some samples: a direct buffer in native byte order for each array of their form,
 * {@code [rows, shape...]}. {@link Dataset#gather} fills each buffer from position to limit;
 * afterwards each is read from position 0 to its limit. For one thread at a time.
 */
public final class SampleBatch {
  private final SampleForm form;
  private final int capacity;
  private final ByteBuffer[] inputs;
  private final ByteBuffer[] targets;
  private final int[] offsets; // of the inputs and then the targets in the memory
  private int rows;

  /**
   * A batch in new memory.
   *
   * @param capacity the most samples, at least 1
   * @throws IllegalArgumentException if they take more than 2 GiB
   */
  public SampleBatch(SampleForm form, int capacity) {
    this(form, capacity, DirectBuffers.allocate(DType.U8, bytes(form, capacity), "a batch"));
  }

  /**
   * A batch in given memory.
   *
   * @param memory a direct buffer with {@link #bytes} bytes from position 0
   */
  public SampleBatch(SampleForm form, int capacity, ByteBuffer memory) {
    this.form = form;
    this.capacity = capacity;
    inputs = new ByteBuffer[form.inputs().size()];
    targets = new ByteBuffer[form.targets().size()];
    offsets = new int[inputs.length + targets.length];
    long at = 0;
    for (int i = 0; i < offsets.length; i++) {
      long bytes = capacity * arrayBytes(form, i);
      offsets[i] = Math.toIntExact(at);
      ByteBuffer part =
          memory.slice(offsets[i], Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
      if (i < inputs.length) {
        inputs[i] = part;
      } else {
        targets[i - inputs.length] = part;
      }
      at += aligned(bytes);
    }
  }

  /** The bytes of memory for {@code capacity} samples. */
  public static long bytes(SampleForm form, int capacity) {
    long bytes = 0;
    for (int i = 0; i < form.inputs().size() + form.targets().size(); i++) {
      bytes += aligned(capacity * arrayBytes(form, i));
    }
    return bytes;
  }

  private static long aligned(long bytes) {
    return (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
  }

  private static long arrayBytes(SampleForm form, int array) {
    int inputs = form.inputs().size();
    return array < inputs
        ? form.inputs().get(array).sampleBytes()
        : form.targets().get(array - inputs).sampleBytes();
  }

  /** The number of samples in it, or to be read into it. */
  public int rows() {
    return rows;
  }

  /** The most samples that it holds. */
  public int capacity() {
    return capacity;
  }

  /** What each sample consists of. */
  public SampleForm form() {
    return form;
  }

  /** The input of this index in the form. */
  public ByteBuffer input(int index) {
    return inputs[index];
  }

  /**
   * The input with this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public ByteBuffer input(String name) {
    List<InputSpec> specs = form.inputs();
    for (int i = 0; i < inputs.length; i++) {
      if (specs.get(i).name().equals(name)) {
        return inputs[i];
      }
    }
    throw new IllegalArgumentException("no input is called " + name + ": there are " + specs);
  }

  /** The target of this index in the form. */
  public ByteBuffer target(int index) {
    return targets[index];
  }

  /**
   * The target with this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public ByteBuffer target(String name) {
    List<TargetSpec> specs = form.targets();
    for (int i = 0; i < targets.length; i++) {
      if (specs.get(i).name().equals(name)) {
        return targets[i];
      }
    }
    throw new IllegalArgumentException("no target is called " + name + ": there are " + specs);
  }

  /**
   * The offset in the memory at which an array begins; the index counts inputs first, then targets.
   */
  public int offset(int array) {
    return offsets[array];
  }

  /**
   * An input as numbers, normalised as kernels do it: {@code x * scale + shift} in single
   * precision.
   *
   * @return {@code [rows, shape...]}, row-major
   */
  public float[] toFloats(int input) {
    InputSpec spec = form.inputs().get(input);
    ByteBuffer values = inputs[input];
    float[] scale = spec.normalization().scale();
    float[] shift = spec.normalization().shift();
    float[] floats = new float[values.limit() / spec.type().bytes()];
    for (int i = 0; i < floats.length; i++) {
      int channel = i % scale.length;
      floats[i] = (float) raw(spec.type(), values, i) * scale[channel] + shift[channel];
    }
    return floats;
  }

  /** A number before normalisation, which a double holds exactly. */
  static double raw(DType type, ByteBuffer values, int index) {
    return switch (type) {
      case U8 -> values.get(index) & 0xFF;
      case I32 -> values.getInt(index * Integer.BYTES);
      default -> values.getFloat(index * Float.BYTES);
    };
  }

  /** Prepares all buffers for writing {@code rows} samples. */
  void begin(int rows) {
    if (rows < 1 || rows > capacity) {
      throw new IllegalArgumentException(
          "a batch here has 1 to " + capacity + " samples, not " + rows);
    }
    this.rows = rows;
    for (int i = 0; i < inputs.length; i++) {
      inputs[i].clear().limit(inputs[i].capacity() / capacity * rows);
    }
    for (int i = 0; i < targets.length; i++) {
      targets[i].clear().limit(targets[i].capacity() / capacity * rows);
    }
  }

  /**
   * Turns all buffers from writing to reading.
   *
   * @param withInputs whether the inputs must have been written too
   * @return a description of what was written wrongly, or an empty text
   */
  String end(boolean withInputs) {
    String wrong = "";
    for (int i = inputs.length - 1; i >= 0 && withInputs; i--) {
      wrong = inputs[i].hasRemaining() ? unfilled(form.inputs().get(i).name(), inputs[i]) : wrong;
      inputs[i].rewind();
    }
    for (int i = targets.length - 1; i >= 0; i--) {
      wrong =
          targets[i].hasRemaining() ? unfilled(form.targets().get(i).name(), targets[i]) : wrong;
      targets[i].rewind();
    }
    return wrong;
  }

  private String unfilled(String name, ByteBuffer buffer) {
    return "gather put "
        + buffer.position()
        + " bytes of "
        + name
        + " for "
        + rows
        + " samples, but they take "
        + buffer.limit()
        + " by the data set's form";
  }

  /**
   * Throws if a label is not one of the classes.
   *
   * @param samples the indices of the samples in it, for the message
   */
  void checkLabels(String data, int[] samples) {
    for (int i = 0; i < targets.length; i++) {
      TargetSpec spec = form.targets().get(i);
      int positions = (int) spec.shape().elements();
      int labels = spec.hasLabels() ? rows * positions : 0;
      for (int at = 0; at < labels; at++) {
        int label = targets[i].getInt(at * Integer.BYTES);
        if (!spec.takes(label)) {
          throw new IllegalArgumentException(
              data + ": " + spec.refusal(label, samples[at / positions], at % positions));
        }
      }
    }
  }
}
