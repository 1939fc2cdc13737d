package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.graph.Plan;
import dev.halfstep.internal.Operands;
import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A model's weights on a device with recorded plans of the forward pass, computed in F32, for many
 * threads at once. It keeps the weights that the model had when the predictor was opened.
 *
 * <pre>{@code
 * try (Predictor predictor =
 *     Predictor.builder(model).device(device).batchSizes(1, 8, 64).threads(4).open()) {
 *   float[] scores = predictor.predict(samples); // from any thread
 * }
 * }</pre>
 *
 * <p>Each of {@code threads} calls that run at the same time has a stream, memory and plans of its
 * own; further calls wait for one of them to end. A call takes the smallest batch size that holds
 * its rows; more rows than the largest are computed one batch after the other. The output of a row
 * does not depend on threads or on the other rows, bit for bit. Its last bits may depend on the
 * batch size, which decides how sums are split: with a single batch size, a row always gets the
 * same bits. {@link Model#predict(float[])} uses the powers of two up to 256.
 *
 * <p>If weights or samples hold NaN, so do the outputs, without an error. A call with arrays or
 * direct buffers for the result allocates nothing.
 */
public final class Predictor implements AutoCloseable {
  private final Model model;
  private final Device device;
  private final boolean ownsDevice;
  private final Tensor weights;
  private final int[] batchSizes;
  private final int threads;
  private final List<PredictionLane> lanes = new ArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final ArrayDeque<PredictionLane> idle = new ArrayDeque<>(); // guarded by the lock
  private boolean closed; // guarded by the lock

  /** The options of a predictor. Immutable: each method returns another builder. */
  public static final class Builder {
    private final Model model;
    private final @Nullable Device device;
    private final List<Integer> batchSizes;
    private final int threads;

    private Builder(Model model, @Nullable Device device, List<Integer> batchSizes, int threads) {
      this.model = model;
      this.device = device;
      this.batchSizes = batchSizes;
      this.threads = threads;
    }

    /** The device to compute on, which the caller closes. By default, a CPU device is opened. */
    public Builder device(Device of) {
      return new Builder(model, of, batchSizes, threads);
    }

    /**
     * The numbers of rows that are computed at once; each call takes the smallest that fits. The
     * default is 1, 8 and 64.
     *
     * @throws IllegalArgumentException if there are none, or one is not positive
     */
    public Builder batchSizes(int... sizes) {
      if (sizes.length == 0 || Arrays.stream(sizes).anyMatch(size -> size < 1)) {
        throw new IllegalArgumentException(
            "a predictor has at least one batch size, all from 1 on, not "
                + Arrays.toString(sizes));
      }
      return new Builder(
          model, device, Arrays.stream(sizes).distinct().sorted().boxed().toList(), threads);
    }

    /**
     * The number of calls that can run at the same time, by default 1; each needs memory.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder threads(int number) {
      if (number < 1) {
        throw new IllegalArgumentException(
            "a predictor is for at least 1 thread at a time, not " + number);
      }
      return new Builder(model, device, batchSizes, number);
    }

    /**
     * Uploads the weights and records the plans.
     *
     * @throws IllegalStateException if the model has no weights
     * @throws dev.halfstep.HalfstepException OUT_OF_MEMORY if they do not fit
     */
    public Predictor open() {
      return new Predictor(this);
    }
  }

  /** The options of a predictor for this model. */
  public static Builder builder(Model model) {
    return new Builder(model, null, List.of(1, 8, 64), 1);
  }

  private Predictor(Builder builder) {
    model = builder.model;
    batchSizes = builder.batchSizes.stream().mapToInt(Integer::intValue).toArray();
    threads = builder.threads;
    float[] values = model.weights();
    Device given = builder.device;
    ownsDevice = given == null;
    device = given == null ? Device.cpu() : given;
    boolean opened = false;
    weights = device.empty(DType.F32, Shape.of(values.length)).label("weights of a predictor");
    try {
      for (int i = 0; i < builder.threads; i++) {
        PredictionLane lane = new PredictionLane(model, device, weights, batchSizes);
        lanes.add(lane);
        if (i == 0) {
          lane.uploadWeights(values);
        }
        lane.recordAll();
        lane.exit();
        idle.push(lane);
      }
      opened = true;
    } finally {
      if (!opened) {
        free();
      }
    }
  }

  /** The batch sizes, ascending. */
  public List<Integer> batchSizes() {
    return Arrays.stream(batchSizes).boxed().toList();
  }

  /** The number of calls that can run at the same time. */
  public int threads() {
    return threads;
  }

  /**
   * The plan of a batch size.
   *
   * @throws IllegalArgumentException if it is none of {@link #batchSizes}
   */
  public Plan plan(int batchSize) {
    if (Arrays.binarySearch(batchSizes, batchSize) < 0) {
      throw new IllegalArgumentException(
          "the predictor has plans for batches of "
              + Arrays.toString(batchSizes)
              + ", not of "
              + batchSize);
    }
    lock.lock();
    try {
      requireOpen();
      return lanes.get(0).plan(batchSize);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The bytes that the predictor holds: the weights once, and for each thread the inputs,
   * activations and outputs of all batch sizes, and a host buffer of one batch once a call's array
   * had to be cut into several batches.
   */
  public long bytes() {
    long all = weights.bytes();
    lock.lock();
    try {
      for (PredictionLane lane : lanes) {
        all += lane.bytes();
      }
    } finally {
      lock.unlock();
    }
    return all;
  }

  /**
   * The model's outputs for samples.
   *
   * @param samples {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the samples are not a whole number of rows, or the model
   *     takes tokens
   * @throws IllegalStateException if the predictor is closed, or closes while the call waits
   */
  public float[] predict(float[] samples) {
    int rows = rows(DType.F32, samples.length);
    float[] result = new float[Math.multiplyExact(rows, outputSize())];
    run(rows, samples, 0, result, 0);
    return result;
  }

  /**
   * As above, into the caller's array.
   *
   * @param result {@code [rows, outputShape...]}
   * @throws IllegalArgumentException also if the result does not have exactly that number of
   *     elements
   */
  public void predict(float[] samples, float[] result) {
    int rows = rows(DType.F32, samples.length);
    requireResult(rows, result.length);
    run(rows, samples, 0, result, 0);
  }

  /**
   * As above, from and into direct buffers in native order, from position to limit; positions do
   * not change.
   */
  public void predict(FloatBuffer samples, FloatBuffer result) {
    int rows = rows(DType.F32, samples.remaining());
    run(rows, samples, result);
  }

  /**
   * The outputs of a model of tokens.
   *
   * @param tokens {@code [rows, sampleShape...]}, any number of rows
   * @return {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the tokens are not a whole number of rows, the model does
   *     not know one of them (the message names it and its place), or the model takes numbers
   * @throws IllegalStateException if the predictor is closed, or closes while the call waits
   */
  public float[] predict(int[] tokens) {
    float[] result = new float[Math.multiplyExact(rows(DType.I32, tokens.length), outputSize())];
    predict(tokens, result);
    return result;
  }

  /**
   * As above, into the caller's array, whose size is that of {@link #predict(float[], float[])}.
   */
  public void predict(int[] tokens, float[] result) {
    int rows = rows(DType.I32, tokens.length);
    requireResult(rows, result.length);
    model.requireKnown(IntBuffer.wrap(tokens), "row");
    run(rows, tokens, 0, result, 0);
  }

  /**
   * As above, from and into direct buffers in native order, from position to limit; positions do
   * not change.
   */
  public void predict(IntBuffer tokens, FloatBuffer result) {
    int rows = rows(DType.I32, tokens.remaining());
    model.requireKnown(tokens, "row");
    run(rows, tokens, result);
  }

  /**
   * The outputs of a model with several inputs or outputs; arguments and results are those of
   * {@link Model#predict(Map)}.
   */
  public Map<String, float[]> predict(Map<String, ?> samples) {
    NamedRows rows = NamedRows.of(model.signature(), samples);
    PredictionLane lane = take();
    try {
      rows.predict(lane);
    } finally {
      give(lane);
    }
    return rows.results();
  }

  private void run(int rows, Buffer samples, FloatBuffer result) {
    requireResult(rows, result.remaining());
    long from = Operands.input(samples, "samples", model.sampleType(), samples.remaining());
    long to = Operands.output(result, "result", DType.F32, result.remaining());
    try {
      run(rows, null, from, null, to);
    } finally {
      Reference.reachabilityFence(samples);
      Reference.reachabilityFence(result);
    }
  }

  private void run(
      int rows, @Nullable Object samples, long from, float @Nullable [] result, long to) {
    PredictionLane lane = take();
    try {
      if (samples == null || result == null) {
        lane.input(0).use(from);
        lane.output(0).use(to);
      } else {
        lane.input(0).use(samples);
        lane.output(0).use(result);
      }
      lane.predict(rows);
    } finally {
      give(lane);
    }
  }

  /** Waits for an idle lane and gives it to the calling thread. */
  private PredictionLane take() {
    PredictionLane lane;
    lock.lock();
    try {
      while (idle.isEmpty() && !closed) {
        returned.awaitUninterruptibly();
      }
      requireOpen();
      lane = idle.pop();
    } finally {
      lock.unlock();
    }
    boolean entered = false;
    try {
      lane.enter();
      entered = true;
    } finally {
      if (!entered) {
        putBack(lane);
      }
    }
    return lane;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the predictor is closed: open another one to predict");
    }
  }

  private void give(PredictionLane lane) {
    try {
      lane.exit();
    } finally {
      putBack(lane);
    }
  }

  private void putBack(PredictionLane lane) {
    lock.lock();
    try {
      idle.push(lane);
      returned.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private int outputSize() {
    return (int) model.outputShape().elements();
  }

  private int rows(DType given, int elements) {
    return Signature.rows(model.signature().input(), given, elements);
  }

  private void requireResult(int rows, int elements) {
    if (elements != (long) rows * outputSize()) {
      throw new IllegalArgumentException(
          "the result of "
              + rows
              + " rows has "
              + (long) rows * outputSize()
              + " numbers ("
              + model.outputShape()
              + " each), but there is room for "
              + elements);
    }
  }

  private void free() {
    lanes.forEach(PredictionLane::close);
    weights.close();
    if (ownsDevice) {
      device.close();
    }
  }

  /**
   * Waits for calls in progress, then frees everything; calls that wait for their turn, and later
   * ones, end with an {@link IllegalStateException}. May be called twice and from any thread.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      returned.signalAll();
      while (idle.size() < lanes.size()) {
        returned.awaitUninterruptibly();
      }
      if (!lanes.isEmpty()) {
        free();
        lanes.clear();
        idle.clear();
      }
    } finally {
      lock.unlock();
    }
  }
}
