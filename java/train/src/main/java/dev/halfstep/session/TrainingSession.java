package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Training of one model on one device, step by step. There are two ways to feed it, which may be
 * mixed:
 *
 * <pre>{@code
 * // 1. The caller's own loop: upload a batch, launch once, read the loss back.
 * try (TrainingSession session = TrainingSession.builder(model).batchSize(64).open()) {
 *   double loss = session.step(x, y);
 *   session.store();
 * }
 *
 * // 2. Data on the device, or streamed there: the calls do not wait until drain().
 * try (TrainingSession session = TrainingSession.builder(model).batchSize(64).open()) {
 *   session.data(dataset);
 *   session.order(Order.permutation(seed, epoch, dataset.size()));
 *   session.run(dataset.size() / 64);
 *   StepBlock steps = session.drain();
 *   Metrics validation = session.evaluate(heldOut);
 * }
 * }</pre>
 *
 * <p>The caller's own loop should check {@link Thread#interrupted} between its calls; {@link
 * #evaluate} and {@link #confusion} check it themselves.
 *
 * <p>Only the thread that opened the session and its device may use it; any thread may call {@link
 * #close}, which waits for the call in progress. A closed session throws {@link
 * IllegalStateException}.
 */
public final class TrainingSession implements AutoCloseable {
  private final SessionOptions options;
  private final Device device;
  private final Stream stream;
  private final SessionMemory memory;
  private final RunState run;
  private final Evaluation evaluation;
  private final GradientMeter meter;
  private final OutputReader outputs;
  private final TrainingData training;
  private final StepClock clock = new StepClock();
  private @Nullable UploadedBatch uploaded;
  private boolean closed;

  TrainingSession(SessionOptions options) {
    this.options = options;
    if (!options.model().isInitialized()) {
      options.model().initialize(options.seed());
    }
    device = options.device() != null ? options.device() : Device.open(options.deviceId());
    stream = device.stream();
    try {
      memory = new SessionMemory(device, options);
      run = new RunState(device, options);
      evaluation = new Evaluation(device, options.evaluationBatch());
      meter = new GradientMeter(device, options, memory);
      outputs = new OutputReader(device, options);
      training = new TrainingData(device, options, memory, run, clock);
    } catch (RuntimeException failure) {
      closeDevice();
      throw failure;
    }
  }

  /** Options for a session of this model: cross-entropy, SGD, batches of 32, device "auto". */
  public static SessionBuilder builder(Model model) {
    return new SessionBuilder(model);
  }

  /** The options of this session. */
  public SessionOptions options() {
    return options;
  }

  /** The device on which it trains. */
  public Device device() {
    return device;
  }

  /** The number of samples of a full step. */
  public int batchSize() {
    return options.batchSize();
  }

  /**
   * Makes one step on a batch from the caller.
   *
   * @param x {@code [rows, sampleShape...]}, at most batchSize rows
   * @param y one label for each output of the model, {@code [rows]} for a classifier
   * @return the weighted mean loss before the update; 0 if all rows are ignored or have weight 0
   * @throws IllegalArgumentException if the lengths do not fit, or a label is not one of the
   *     model's classes; the message names it, and nothing has changed
   */
  public synchronized double step(float[] x, int[] y) {
    UploadedBatch batch = uploaded();
    return step(batch, batch.upload(run.position(), x, y));
  }

  /**
   * Makes one step on a batch from the caller, for a loss of values.
   *
   * @param y the values, {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the lengths do not fit
   */
  public synchronized double step(float[] x, float[] y) {
    UploadedBatch batch = uploaded();
    return step(batch, batch.upload(run.position(), x, y));
  }

  /**
   * As {@link #step(float[], int[])}, for direct buffers in native byte order, from their positions
   * to their limits.
   */
  public synchronized double step(FloatBuffer x, IntBuffer y) {
    UploadedBatch batch = uploaded();
    return step(batch, batch.upload(run.position(), x, y));
  }

  private double step(UploadedBatch batch, int rows) {
    requireWhole();
    clock.begin();
    batch.feed().launch(stream, run.reserve(rows, 1), rows, 1);
    meter.stepped(rows * batch.unitsPerSample());
    double loss = run.awaitLast();
    clock.end();
    return loss;
  }

  /**
   * The share of the time from the first step to the last in which the device had no step to run,
   * in [0, 1]: the time that a loop of step(x, y) spends on preparing and uploading batches. It is
   * 0 before the second step, and for data on the device. For streamed data it is the share in
   * which the host gathered and copied them: a CPU does not compute meanwhile; a GPU does, and
   * waits less than that.
   */
  public synchronized double waiting() {
    return clock.idle();
  }

  private UploadedBatch uploaded() {
    requireOpen();
    if (uploaded == null) {
      uploaded = new UploadedBatch(device, options, memory, run.addresses());
    }
    return uploaded;
  }

  /**
   * The record of the last step.
   *
   * @throws IllegalStateException if there was no step since the session was opened
   */
  public synchronized StepRecord lastStep() {
    requireWhole();
    return run.lastRecord();
  }

  /**
   * Sets the training data, in their own order until {@link #order} is called. They are uploaded
   * unless they are still on the device; data that do not fit are streamed, as described in {@link
   * SessionBuilder#dataMemory}.
   *
   * @throws IllegalArgumentException if they do not fit the model, or the model does not know a
   *     label or token; the message names the sample. Data that are not in memory ({@link
   *     Dataset#inMemory}) are checked when {@link #run} reads them
   * @throws dev.halfstep.HalfstepException if even three batches of them do not fit
   */
  public synchronized void data(Dataset data) {
    requireOpen();
    training.data(data);
  }

  /**
   * Sets the order in which samples are visited, and starts at its beginning; after its end it
   * repeats.
   *
   * @param order indices of samples, for example from {@link Order#permutation}; not necessarily
   *     all
   * @throws IllegalArgumentException if it is empty or an index is out of range
   */
  public synchronized void order(int[] order) {
    requireOpen();
    training.order(order);
  }

  /** Sets the position in the order at which the next step begins. */
  public synchronized void position(long sample) {
    requireOpen();
    training.position(sample);
  }

  /**
   * Sets the learning rate and momentum (Adam: beta1) of each of the next performed steps; a
   * skipped step uses none.
   *
   * @throws IllegalArgumentException if there are none, more than pendingSteps, or one is invalid
   */
  public synchronized void schedule(float[] learningRates, float[] momenta) {
    requireOpen();
    run.schedule(learningRates, momenta);
  }

  /** Sets the learning rate of all steps from now on, with the optimizer's momentum. */
  public synchronized void learningRate(double rate) {
    requireOpen();
    Optimizer.check("learning rate", (float) rate, 0, 0);
    run.keep((float) rate, options.optimizer().momentum());
  }

  /**
   * Runs {@code steps} steps of batchSize samples, with one call and without waiting for them.
   *
   * @throws dev.halfstep.data.GatherException if streamed samples cannot be read; the weights are
   *     then those of the last completed step, and the session can make no more steps
   * @throws IllegalArgumentException if the model does not know a streamed label or token, with the
   *     same consequence; the message names the sample
   * @throws IllegalStateException if there are no data, no learning rates, or {@link #drain} is due
   */
  public synchronized void run(int steps) {
    launch(options.batchSize(), steps);
  }

  /**
   * Runs {@code steps} steps of {@code rows} samples each, for example if a schedule changes the
   * batch size.
   *
   * @param rows 1 to batchSize
   */
  public synchronized void run(int rows, int steps) {
    requireRows(rows);
    launch(rows, steps);
  }

  /**
   * Runs one step of fewer samples, for example at the end of an epoch.
   *
   * @param rows 1 to batchSize
   */
  public synchronized void runShort(int rows) {
    requireRows(rows);
    launch(rows, 1);
  }

  private void requireRows(int rows) {
    if (rows < 1 || rows > options.batchSize()) {
      throw new IllegalArgumentException(
          "a batch here has 1 to " + options.batchSize() + " samples, not " + rows);
    }
  }

  private void launch(int rows, int steps) {
    requireWhole();
    meter.stepped(training.launch(rows, steps));
  }

  /**
   * Waits for all steps, and returns the records of the steps since the last call.
   *
   * @throws IllegalArgumentException if a label or token was outside the model's range. The checks
   *     on the data find this earlier unless a user-defined layer computed the value. That step and
   *     the ones after it were skipped; further steps are possible
   * @throws dev.halfstep.HalfstepException if too many steps in a row were skipped
   */
  public synchronized StepBlock drain() {
    requireWhole();
    StepBlock steps = new StepBlock((int) run.pending());
    run.drain(steps);
    return steps;
  }

  /**
   * As above, into a block of the caller; allocates nothing.
   *
   * @throws IllegalArgumentException if it is too small for the steps; they can still be drained
   */
  public synchronized void drain(StepBlock steps) {
    requireWhole();
    run.drain(steps);
  }

  /**
   * Computes loss and metrics over a data set, with the layers in prediction mode. It does not
   * affect training. The data stay on the device while they are among the last few used and fit.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or the model does not know a
   *     label or token; the message names the sample
   * @throws dev.halfstep.data.GatherException if samples cannot be read; training can continue
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Metrics evaluate(Dataset data) {
    requireOpen();
    return evaluation.run(training.onDevice(data), data.size());
  }

  /**
   * Counts the predicted classes of the samples of each class, computed as in {@link #evaluate};
   * precision, recall and F1 follow from the counts.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or have no class labels
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Confusion confusion(Dataset data) {
    requireOpen();
    return outputs.confusion(training.onDevice(data), data);
  }

  /**
   * The model's output for each sample, {@code [samples, outputShape...]}, computed as in {@link
   * #evaluate}: the values that the loss takes, which are logits for cross-entropy.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or the values do not fit in
   *     an array
   * @throws IllegalStateException if the model has several outputs; use {@link #namedOutputs}
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized float[] outputs(Dataset data) {
    if (options.model().outputs().size() > 1) {
      throw new IllegalStateException(
          "the model has several outputs, "
              + options.model().outputs().keySet()
              + ": namedOutputs(data) gives them by name");
    }
    return namedOutputs(data).values().iterator().next();
  }

  /**
   * All outputs of the model for each sample, computed as in {@link #evaluate}.
   *
   * @return {@code [samples, ...]} for each output, by name and in order
   * @throws IllegalArgumentException if the data do not fit the model, or the values do not fit in
   *     an array
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Map<String, float[]> namedOutputs(Dataset data) {
    requireOpen();
    return outputs.values(training.onDevice(data), data);
  }

  /** A copy of the current weights, laid out by {@code model.parameters()}. */
  public synchronized float[] weights() {
    requireOpen();
    return memory.download();
  }

  /**
   * Sets all weights, laid out by {@code model.parameters()}; the optimizer's moments do not
   * change.
   */
  public synchronized void weights(float[] values) {
    requireOpen();
    memory.upload(values);
  }

  /**
   * The exponential moving average of the weights over all performed steps, laid out by {@code
   * model.parameters()}; the weights themselves before the first step.
   *
   * @throws IllegalStateException if the session was made without {@link
   *     SessionBuilder#averageDecay}
   */
  public synchronized float[] averagedWeights() {
    requireOpen();
    long performed = run.performed();
    return performed == 0 ? memory.download() : memory.average(options.averageDecay(), performed);
  }

  /** Everything that training has changed, after {@link #drain}. */
  public synchronized SessionState state() {
    requireWhole();
    return memory.state(run.counters());
  }

  /**
   * Continues from the state of another session.
   *
   * @throws IllegalArgumentException if {@link SessionState#requireFitting} rejects the state for
   *     this session's options; nothing has changed then
   */
  public synchronized void state(SessionState state) {
    requireOpen();
    state.requireFitting(options);
    run.counters(state.counters());
    memory.state(state);
  }

  /** Copies the weights to the model. */
  public synchronized void store() {
    options.model().weights(weights());
  }

  /**
   * The gradients of the last step's mean loss, laid out as the weights. They are the gradients
   * that the optimizer applied, before clipping, without the loss scale and with class weights; 0
   * if no row counted.
   *
   * @throws IllegalStateException if no step has been made
   */
  public synchronized float[] gradients() {
    requireOpen();
    return meter.gradients(run.lastRecord());
  }

  /**
   * Statistics of {@link #gradients} over all trained parameters.
   *
   * @throws IllegalStateException if no step has been made
   */
  public synchronized GradientStatistics gradientStatistics() {
    requireOpen();
    return meter.statistics(run.lastRecord());
  }

  /**
   * Estimates how the gradients of single samples scatter at the current weights, from the
   * gradients of batches of {@code batchSize} samples. It does not affect training, but afterwards
   * {@link #gradients} and its statistics are those of the last of these batches.
   *
   * @param samples indices of at least two batches of different samples of the training data
   */
  public synchronized GradientNoise gradientNoise(int batchSize, int... samples) {
    requireOpen();
    Dataset data = training.current();
    DeviceData onDevice = training.onDevice(data);
    return meter.noise(onDevice, data, samples, batchSize, run.lossScale());
  }

  /**
   * One weight.
   *
   * @param parameter its tensor's name, such as {@code 1.weight}
   * @param index the index of the weight in the tensor, row-major
   * @throws IllegalArgumentException if there is no such weight
   */
  public synchronized float weight(String parameter, int index) {
    requireOpen();
    return memory.weight(parameter, index);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the training session is closed");
    }
  }

  /** Throws unless the session is open and all its steps could be made. */
  private void requireWhole() {
    requireOpen();
    training.requireWhole();
  }

  private void closeDevice() {
    if (options.device() == null) {
      device.close();
    }
  }

  /** Frees everything, and the device if the session opened it. A second call does nothing. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (!device.isClosed()) {
      training.close();
      if (uploaded != null) {
        uploaded.close();
      }
      evaluation.close();
      meter.close();
      outputs.close();
      run.close();
      memory.close();
    }
    closeDevice();
  }
}
