package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Tensor;
import dev.halfstep.optim.CrossEntropy;
import dev.halfstep.optim.Loss;
import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Map;

/** The batches of a caller's own loop: device memory for one batch, and the lists that read it. */
final class UploadedBatch implements AutoCloseable {
  private final int batchSize;
  private final BatchSource source;
  private final BatchSource.Table input;
  private final BatchSource.Table target;
  private final int classes;
  private final long sampleSize;
  private final Tensor features;
  private final Tensor labels;
  private final Feed feed;

  UploadedBatch(
      Device device, SessionOptions options, SessionMemory memory, Map<String, Long> state) {
    batchSize = options.batchSize();
    source = BatchSource.uploaded(options);
    input = source.inputs().get(0);
    target = source.targets().get(0);
    classes = DataCheck.classes(options.model());
    sampleSize = input.shape().elements();
    if (input.type() != DType.F32) {
      throw new IllegalArgumentException(
          "step(x, y) takes F32 samples; tokens are trained on with data(...) and run(...)");
    }
    features =
        device.empty(DType.F32, input.shape().prepend(batchSize)).label("features of a step");
    labels =
        device.empty(target.type(), target.shape().prepend(batchSize)).label("labels of a step");
    Map<String, Long> inputs = memory.addresses();
    inputs.putAll(state);
    inputs.put("features", features.address());
    inputs.put("labels", labels.address());
    feed = new Feed(memory, inputs, new StepPlans(options, source)::parts, Feed.Loader.NONE);
  }

  /** The weight that the backward pass assumes for one sample. */
  long unitsPerSample() {
    return source.unitsPerSample();
  }

  Feed feed() {
    return feed;
  }

  /**
   * Copies a batch to the device, and returns its number of rows.
   *
   * @param position where the step begins: the value of the state's cursor then
   */
  int upload(long position, float[] x, int[] y) {
    requireTargets(DType.I32);
    int rows = rows(x.length, y.length);
    for (int i = 0; i < y.length; i++) {
      requireClass(y[i], i);
    }
    if (source.samples() == 0 && rows == batchSize) {
      features.upload(x);
      labels.upload(y);
    } else {
      place(position, rows, x.length, (from, to, at) -> at.upload(part(x, from, to)), features);
      place(position, rows, y.length, (from, to, at) -> at.upload(part(y, from, to)), labels);
    }
    return rows;
  }

  /** As above, for a loss of values. */
  int upload(long position, float[] x, float[] y) {
    requireTargets(DType.F32);
    int rows = rows(x.length, y.length);
    place(position, rows, x.length, (from, to, at) -> at.upload(part(x, from, to)), features);
    place(position, rows, y.length, (from, to, at) -> at.upload(part(y, from, to)), labels);
    return rows;
  }

  /** As above, from the buffers' positions to their limits. */
  int upload(long position, FloatBuffer x, IntBuffer y) {
    requireTargets(DType.I32);
    int rows = rows(x.remaining(), y.remaining());
    for (int i = 0; i < y.remaining(); i++) {
      requireClass(y.get(y.position() + i), i);
    }
    if (source.samples() == 0 && rows == batchSize) {
      features.upload(x);
      labels.upload(y);
    } else {
      place(
          position, rows, x.remaining(), (from, to, at) -> at.upload(part(x, from, to)), features);
      place(position, rows, y.remaining(), (from, to, at) -> at.upload(part(y, from, to)), labels);
    }
    return rows;
  }

  /** Copies the values in [from, to) of a batch to the device. */
  private interface Source {
    void upload(int from, int to, Tensor place);
  }

  /** Copies rows to where a step reads them; in two parts if they cross the end of the table. */
  private void place(long position, int rows, int values, Source source, Tensor table) {
    int at = this.source.samples() == 0 ? 0 : (int) (position % batchSize);
    int first = Math.min(rows, batchSize - at);
    int each = values / rows;
    source.upload(0, first * each, table.slice(at, at + first));
    if (first < rows) {
      source.upload(first * each, values, table.slice(0, rows - first));
    }
  }

  private static float[] part(float[] all, int from, int to) {
    return to - from == all.length ? all : Arrays.copyOfRange(all, from, to);
  }

  private static int[] part(int[] all, int from, int to) {
    return to - from == all.length ? all : Arrays.copyOfRange(all, from, to);
  }

  private static Buffer part(Buffer all, int from, int to) {
    return all.slice(all.position() + from, to - from);
  }

  private void requireClass(int label, int at) {
    Loss loss = source.loss();
    if (!loss.takes(label, classes)) {
      long each = target.shape().elements();
      throw new IllegalArgumentException(
          "label "
              + label
              + " of row "
              + at / each
              + (target.shape().rank() == 0 ? "" : ", position " + at % each)
              + " is outside the model's classes, [0, "
              + classes
              + ")"
              + (loss.ignoreLabel() == CrossEntropy.NONE_IGNORED
                  ? ""
                  : ", and not the ignored " + loss.ignoreLabel()));
    }
  }

  private void requireTargets(DType given) {
    if (given != target.type()) {
      throw new IllegalArgumentException(
          "the loss takes targets "
              + target.type()
              + " (I32 are class labels, F32 values), not "
              + given);
    }
  }

  private int rows(long numbers, long labelCount) {
    long rows = sampleSize == 0 ? 0 : numbers / sampleSize;
    if (rows < 1
        || rows > batchSize
        || rows * sampleSize != numbers
        || rows * target.shape().elements() != labelCount) {
      throw new IllegalArgumentException(
          "a step takes 1 to "
              + batchSize
              + " samples "
              + input.shape()
              + " ("
              + sampleSize
              + " numbers each) with "
              + target.shape().elements()
              + " labels each: it was given "
              + numbers
              + " numbers and "
              + labelCount
              + " labels");
    }
    return (int) rows;
  }

  @Override
  public void close() {
    feed.close();
    labels.close();
    features.close();
  }
}
