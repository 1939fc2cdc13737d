package dev.halfstep.train;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Tensor;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Map;

/** The batches of a caller's own loop: room for one on the device, and the lists that read it. */
final class UploadedBatch implements AutoCloseable {
  private final int batchSize;
  private final BatchSource source;
  private final long sampleSize;
  private final Tensor features;
  private final Tensor labels;
  private final Feed feed;

  UploadedBatch(
      Device device, SessionOptions options, SessionMemory memory, Map<String, Long> state) {
    batchSize = options.batchSize;
    source = BatchSource.uploaded(options);
    sampleSize = source.sampleShape().elements();
    if (source.type() != DType.F32) {
      throw new IllegalArgumentException(
          "step(x, y) takes F32 samples; tokens are trained on with data(...) and run(...)");
    }
    features =
        device
            .empty(DType.F32, source.sampleShape().prepend(batchSize))
            .label("features of a step");
    labels =
        device
            .empty(source.targetType(), source.labelShape().prepend(batchSize))
            .label("labels of a step");
    Map<String, Long> inputs = memory.addresses();
    inputs.putAll(state);
    inputs.put("features", features.address());
    inputs.put("labels", labels.address());
    feed = new Feed(memory, inputs, new StepPlans(options, source)::parts, Feed.Loader.NONE);
  }

  Feed feed() {
    return feed;
  }

  /** Copies a batch to the device; returns its rows. */
  int upload(float[] x, int[] y) {
    requireTargets(DType.I32);
    int rows = rows(x.length, y.length);
    if (rows == batchSize) {
      features.upload(x);
      labels.upload(y);
    } else {
      features.slice(0, rows).upload(x);
      labels.slice(0, rows).upload(y);
    }
    return rows;
  }

  /** Copies a batch to the device; returns its rows. */
  int upload(float[] x, float[] y) {
    requireTargets(DType.F32);
    int rows = rows(x.length, y.length);
    features.slice(0, rows).upload(x);
    labels.slice(0, rows).upload(y);
    return rows;
  }

  private void requireTargets(DType given) {
    if (given != source.targetType()) {
      throw new IllegalArgumentException(
          "the loss takes targets "
              + source.targetType()
              + " (I32 are class labels, F32 values), not "
              + given);
    }
  }

  /** Copies a batch to the device, from the buffers' positions to their limits. */
  int upload(FloatBuffer x, IntBuffer y) {
    requireTargets(DType.I32);
    int rows = rows(x.remaining(), y.remaining());
    if (rows == batchSize) {
      features.upload(x);
      labels.upload(y);
    } else {
      features.slice(0, rows).upload(x);
      labels.slice(0, rows).upload(y);
    }
    return rows;
  }

  private int rows(long numbers, long labelCount) {
    long rows = sampleSize == 0 ? 0 : numbers / sampleSize;
    if (rows < 1
        || rows > batchSize
        || rows * sampleSize != numbers
        || rows * source.labelsPerSample() != labelCount) {
      throw new IllegalArgumentException(
          "a step takes 1 to "
              + batchSize
              + " samples "
              + source.sampleShape()
              + " ("
              + sampleSize
              + " numbers each) with "
              + source.labelsPerSample()
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
