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
 * // 2. Data on the device, or streamed there: nobody waits until drain().
 * try (TrainingSession session = TrainingSession.builder(model).batchSize(64).open()) {
 *   session.data(dataset);
 *   session.order(Order.permutation(seed, epoch, dataset.size()));
 *   session.run(dataset.size() / 64);
 *   StepBlock steps = session.drain();
 *   Metrics validation = session.evaluate(heldOut);
 * }
 * }</pre>
 *
 * <p>A loop of the caller's own looks at {@link Thread#interrupted} between its calls; {@link
 * #evaluate} and {@link #confusion} do so by themselves.
 *
 * <p>For the thread that opened it and its device; {@link #close} may come from any, and waits for
 * the call in progress. A closed session throws {@link IllegalStateException}.
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

  /** What this session was made with. */
  public SessionOptions options() {
    return options;
  }

  /** Where it trains. */
  public Device device() {
    return device;
  }

  /** The samples of a full step. */
  public int batchSize() {
    return options.batchSize();
  }

  /**
   * One step on a batch from the caller.
   *
   * @param x {@code [rows, sampleShape...]}, at most batchSize rows
   * @param y one label for each output of the model, {@code [rows]} for a classifier
   * @return the weighted mean loss before the update; 0 if all rows are ignored or of weight 0
   * @throws IllegalArgumentException if the lengths do not fit, or a label is none of the model's
   *     classes; the message names it, and nothing has changed
   */
  public synchronized double step(float[] x, int[] y) {
    UploadedBatch batch = uploaded();
    return step(batch, batch.upload(run.position(), x, y));
  }

  /**
   * One step on a batch from the caller, for a loss of values.
   *
   * @param y the values, {@code [rows, outputShape...]}
   * @throws IllegalArgumentException if the lengths do not fit
   */
  public synchronized double step(float[] x, float[] y) {
    UploadedBatch batch = uploaded();
    return step(batch, batch.upload(run.position(), x, y));
  }

  /** As step of labels, of direct buffers in native order, from their positions to their limits. */
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
   * The part of the time from the first step to the last in which the device had none to run, in
   * [0, 1]: what a loop of step(x, y) spends on preparing and uploading batches. 0 before the
   * second step, and where data lie on the device. Where they stream, it is the part in which the
   * host gathered and copied them: a CPU does not compute meanwhile; a GPU does, and waits for less
   * than that.
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
   * What the last step was and gave.
   *
   * @throws IllegalStateException if there was none since the session was opened
   */
  public synchronized StepRecord lastStep() {
    requireWhole();
    return run.lastRecord();
  }

  /**
   * Trains on these data from now on, in the order in which they lie. They are uploaded, unless
   * they are there still; those for which there is no room stream, as {@link
   * SessionBuilder#dataMemory} says.
   *
   * @throws IllegalArgumentException if they do not fit the model, or a label or token of theirs is
   *     none that it knows; the message names the sample. Those of data that do not lie in memory
   *     ({@link Dataset#inMemory}) are looked at when {@link #run} reads them
   * @throws dev.halfstep.HalfstepException if there is no room for three batches of them either
   */
  public synchronized void data(Dataset data) {
    requireOpen();
    training.data(data);
  }

  /**
   * The order in which samples are visited from now on, from its beginning; at its end it begins
   * again.
   *
   * @param order indices of samples, such as {@link Order#permutation} gives them; not necessarily
   *     all
   * @throws IllegalArgumentException if it is empty or names a sample that is not there
   */
  public synchronized void order(int[] order) {
    requireOpen();
    training.order(order);
  }

  /** The position in the order at which the next step begins. */
  public synchronized void position(long sample) {
    requireOpen();
    training.position(sample);
  }

  /**
   * The learning rate and momentum (Adam: beta1) of the next performed steps; a skipped step uses
   * none up.
   *
   * @throws IllegalArgumentException if there are none, more than pendingSteps, or one is
   *     impossible
   */
  public synchronized void schedule(float[] learningRates, float[] momenta) {
    requireOpen();
    run.schedule(learningRates, momenta);
  }

  /** The learning rate of all steps from now on, with the optimizer's momentum. */
  public synchronized void learningRate(double rate) {
    requireOpen();
    Optimizer.check("learning rate", (float) rate, 0, 0);
    run.keep((float) rate, options.optimizer().momentum());
  }

  /**
   * Runs so many steps of batchSize samples, with one call and without waiting for them.
   *
   * @throws dev.halfstep.data.GatherException if samples that stream cannot be read: the session's
   *     weights are then those of the last step that was made, and it can make no more
   * @throws IllegalArgumentException if a label or token that streams is none that the model knows,
   *     likewise; the message names the sample
   * @throws IllegalStateException if there are no data, no learning rates, or {@link #drain} is due
   */
  public synchronized void run(int steps) {
    launch(options.batchSize(), steps);
  }

  /**
   * Runs so many steps of fewer samples each, as where a schedule changes the batch.
   *
   * @param rows 1 to batchSize
   */
  public synchronized void run(int rows, int steps) {
    requireRows(rows);
    launch(rows, steps);
  }

  /**
   * Runs one step of fewer samples, as at the end of an epoch.
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
   * Waits for all steps, and gives the records of those since the last time.
   *
   * @throws IllegalArgumentException if a label or token was outside the model's range, which is
   *     found beforehand but where a layer of the caller's own makes it: that step and those behind
   *     it were skipped, and the next can be made
   * @throws dev.halfstep.HalfstepException if too many steps in a row were skipped
   */
  public synchronized StepBlock drain() {
    requireWhole();
    StepBlock steps = new StepBlock((int) run.pending());
    run.drain(steps);
    return steps;
  }

  /**
   * As above, into a block that is used again: nothing is allocated.
   *
   * @throws IllegalArgumentException if it cannot hold as many steps; they can still be drained
   */
  public synchronized void drain(StepBlock steps) {
    requireWhole();
    run.drain(steps);
  }

  /**
   * Loss and metrics over a data set, computed as in prediction. Training goes on as if it had not
   * been. The data stay on the device while they are among the last few used and fit.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or a label or token of
   *     theirs is none that it knows; the message names the sample
   * @throws dev.halfstep.data.GatherException if samples cannot be read; training can go on
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Metrics evaluate(Dataset data) {
    requireOpen();
    return evaluation.run(training.onDevice(data), data.size());
  }

  /**
   * Which class the model takes each sample for, computed as {@link #evaluate} does: precision,
   * recall and F1 follow from it.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or have no class labels
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Confusion confusion(Dataset data) {
    requireOpen();
    return outputs.confusion(training.onDevice(data), data);
  }

  /**
   * What the model says of each sample, {@code [samples, outputShape...]}, computed as {@link
   * #evaluate} does: the values that the loss takes, which are logits for cross-entropy.
   *
   * @throws IllegalArgumentException if the data do not fit the model, or an array cannot hold so
   *     many values
   * @throws IllegalStateException if the model has several outputs: {@link #namedOutputs}
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
   * What a model with several outputs says of each sample, likewise.
   *
   * @return {@code [samples, ...]} for each output, by name and in order
   * @throws IllegalArgumentException if the data do not fit the model, or an array cannot hold so
   *     many values
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag stays
   */
  public synchronized Map<String, float[]> namedOutputs(Dataset data) {
    requireOpen();
    return outputs.values(training.onDevice(data), data);
  }

  /** A copy of the weights as they are now, laid out by {@code model.parameters()}. */
  public synchronized float[] weights() {
    requireOpen();
    return memory.download();
  }

  /** Sets all weights, laid out by {@code model.parameters()}; the optimizer's moments stay. */
  public synchronized void weights(float[] values) {
    requireOpen();
    memory.upload(values);
  }

  /**
   * The exponential moving average of the weights over all performed steps, laid out as they are;
   * the weights themselves before the first.
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
   * Goes on from what another session came to.
   *
   * @throws IllegalArgumentException if it is not the state of a session with these options, as
   *     {@link SessionState#requireFitting} says it; nothing has changed then
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
   * The gradients of the last step's mean loss, laid out as the weights: what the optimizer applied
   * but for clipping, unscaled, the class weights taken into account; 0 if no row counted.
   *
   * @throws IllegalStateException if there was none
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
   * How the gradients of single samples scatter, estimated from those of batches of {@code
   * batchSize}, with the weights as they are. Training goes on as if it had not been, but {@link
   * #gradients} and its statistics are those of the last of these batches then.
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
   * @param index of the weight in the tensor, row-major
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

  /** A session whose steps were all made. */
  private void requireWhole() {
    requireOpen();
    training.requireWhole();
  }

  private void closeDevice() {
    if (options.device() == null) {
      device.close();
    }
  }

  /** Frees everything, the device too if the session opened it. A second time nothing happens. */
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
