package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import dev.halfstep.graph.Parameter;
import dev.halfstep.graph.Plan;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Sets the options of a {@link TrainingSession}, and opens it. Immutable: each method returns a new
 * builder with one option changed.
 */
public final class SessionBuilder extends SessionOptions {
  private static final int MOST_PENDING = 1_000_000;

  SessionBuilder(Model model) {
    super(model);
  }

  private SessionBuilder with(Consumer<SessionOptions> change) {
    SessionBuilder changed = (SessionBuilder) clone();
    change.accept(changed);
    return changed;
  }

  /** The loss to minimise; by default cross-entropy. */
  public SessionBuilder loss(Loss loss) {
    return with(options -> options.loss = Objects.requireNonNull(loss, "loss"));
  }

  /** The optimizer; by default SGD with learning rate 0.01. */
  public SessionBuilder optimizer(Optimizer optimizer) {
    return with(options -> options.optimizer = Objects.requireNonNull(optimizer, "optimizer"));
  }

  /**
   * Groups of parameters whose learning rate and weight decay are the optimizer's times a factor;
   * by default there are none. A parameter that matches several groups belongs to the first.
   *
   * <pre>{@code
   * SessionBuilder grouped =
   *     options.groups(
   *         ParameterGroup.of("0.*").withRate(0.1), // the first layer learns ten times slower
   *         ParameterGroup.of("*.weight").withDecay(0));
   * }</pre>
   *
   * @throws IllegalArgumentException if a group matches no trained parameter of the model; the
   *     message lists the trained parameters
   */
  public SessionBuilder groups(ParameterGroup... groups) {
    List<ParameterGroup> list = List.of(groups);
    ParameterGroup.requireUsed(
        list,
        model.parameters().list().stream()
            .filter(parameter -> parameter.role() == Parameter.Role.TRAINED)
            .map(Parameter::name)
            .toList());
    return with(options -> options.groups = list);
  }

  /** The device to train on; the calling thread opened it and closes it after the session. */
  public SessionBuilder device(Device device) {
    return with(options -> options.device = Objects.requireNonNull(device, "device"));
  }

  /**
   * The device to train on: "auto" (the default), "cpu", "cuda" ...; the session opens and closes
   * it.
   */
  public SessionBuilder device(String id) {
    return with(
        options -> {
          options.device = null;
          options.deviceId = Objects.requireNonNull(id, "id");
        });
  }

  /**
   * The type of activations and of the copies of weights: F32 (the default), BF16 or F16.
   * Parameters, gradients of parameters, moments, losses and accumulation are always F32. F16
   * trains with {@link LossScaling#DEFAULT} unless another scaling is set.
   */
  public SessionBuilder storage(DType storage) {
    if (storage != DType.F32 && storage != DType.BF16 && storage != DType.F16) {
      throw new IllegalArgumentException("the storage type is F32, BF16 or F16, not " + storage);
    }
    return with(options -> options.storage = storage);
  }

  /**
   * Whether products of F32 storage may round their operands to TF32, in training and in
   * evaluation, as described in {@link dev.halfstep.Stream#allowTf32}; by default they may not. It
   * has no effect on a CPU or with other storage types.
   */
  public SessionBuilder tf32(boolean allowed) {
    return with(options -> options.tf32 = allowed);
  }

  /** Samples of one step; by default 32. */
  public SessionBuilder batchSize(int batchSize) {
    return with(options -> options.batchSize = positive("the batch size", batchSize));
  }

  /**
   * The most samples that are computed at once; larger batches accumulate their gradients over
   * several micro-batches. It limits memory, and changes results only by rounding.
   */
  public SessionBuilder microBatch(int microBatch) {
    return with(options -> options.microBatch = positive("the micro-batch", microBatch));
  }

  /** Samples that {@link TrainingSession#evaluate} computes at once; by default 128. */
  public SessionBuilder evaluationBatch(int batch) {
    return with(options -> options.evaluationBatch = positive("the evaluation batch", batch));
  }

  /**
   * Scales gradients down to {@code maxNorm} if their norm over all parameters is above it; 0, the
   * default: no clipping.
   */
  public SessionBuilder clipNorm(double maxNorm) {
    if (!(maxNorm >= 0)) {
      throw new IllegalArgumentException("the largest norm must not be negative: " + maxNorm);
    }
    return with(options -> options.clipNorm = (float) maxNorm);
  }

  /** Whether the norm of the gradients is measured even if no other option needs it. */
  public SessionBuilder gradientNorm(boolean measured) {
    return with(options -> options.gradientNorm = measured);
  }

  /**
   * Keeps an exponential moving average of the weights, which {@link
   * TrainingSession#averagedWeights} returns; 0, the default: none.
   *
   * @param decay in [0, 1)
   */
  public SessionBuilder averageDecay(double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException("the decay of an average is in [0, 1), not " + decay);
    }
    return with(options -> options.averageDecay = decay);
  }

  /** Dynamic loss scaling; by default only F16 has it. */
  public SessionBuilder lossScaling(LossScaling scaling) {
    return with(options -> options.lossScaling = Objects.requireNonNull(scaling, "scaling"));
  }

  /** The most steps, up to a million, that may be run before they are drained; by default 1024. */
  public SessionBuilder pendingSteps(int steps) {
    if (steps > MOST_PENDING) {
      throw new IllegalArgumentException(
          "at most " + MOST_PENDING + " steps can be kept, not " + steps);
    }
    return with(options -> options.pendingSteps = positive("the number of pending steps", steps));
  }

  /**
   * The most bytes of device memory for data sets; by default all that are free. A data set that
   * does not fit beside the session and the data in use is streamed: its samples are copied to the
   * device as they are needed, while it computes. Results are the same bits.
   */
  public SessionBuilder dataMemory(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException(
          "the memory of data sets must be at least 1 byte, not " + bytes);
    }
    return with(options -> options.dataMemory = bytes);
  }

  /** The seed of dropout, and of the model's first weights if it has none yet; by default 0. */
  public SessionBuilder seed(long seed) {
    return with(options -> options.seed = seed);
  }

  /**
   * The workers with which this session trains one model, each in its own session; by default it
   * trains alone. The first weights are those of worker 0. Each worker's batch has {@link
   * #batchSize} samples, so an update uses {@link Collective#size} times as many.
   */
  public SessionBuilder collective(Collective collective) {
    return with(options -> options.collective = Objects.requireNonNull(collective, "collective"));
  }

  /** Opens the session; the calling thread owns it. */
  public TrainingSession open() {
    return new TrainingSession(this);
  }

  /**
   * The plan of one step on these data, made without a device. With micro-batches it is the plan of
   * the first, which is the largest.
   *
   * @throws IllegalArgumentException if the data do not fit the model; the message names the layer
   */
  public Plan plan(Dataset data) {
    return new StepPlans(this, BatchSource.of(this, data, data.size()))
        .parts(batchSize)
        .get(0)
        .plan();
  }

  /** The device memory in bytes that a session needs to train on these data. */
  public MemoryUse memory(Dataset data) {
    return MemoryUse.of(this, data);
  }

  /**
   * Checks that the model and the loss can train on these data. Data in memory are read as a whole
   * to check that the model knows each label and token; other data are checked as they are read.
   *
   * @throws IllegalArgumentException if not; the message names the sample
   */
  public void requireFitting(Dataset data) {
    DataCheck.of(this, data);
  }

  /**
   * Checks that all layers and the loss can compute a step of {@code rows} samples.
   *
   * @throws IllegalArgumentException if one cannot; the message names the layer
   */
  public void requireStep(Dataset data, int rows) {
    new StepPlans(this, BatchSource.of(this, data, data.size())).parts(rows);
  }

  /**
   * Checks that the model and the loss can be evaluated on these data.
   *
   * @throws IllegalArgumentException if not; the message names the layer
   */
  public void requireEvaluation(Dataset data) {
    new StepPlans(this, BatchSource.of(this, data, 0)).evaluationParts(1);
  }

  /**
   * A sentence for users about what may have made a loss infinite or NaN, and what to do: it names
   * the first sample that explains it, if there is one.
   *
   * @param data those that the loss was computed on; they are searched as a whole if they are in
   *     memory, otherwise only the first samples
   * @param untrained whether there was no update yet, so that the learning rate cannot be the cause
   */
  public String adviceOnNotFinite(Dataset data, boolean untrained) {
    return NotFinite.advice(this, data, untrained);
  }

  private static int positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " must be at least 1, not " + value);
    }
    return value;
  }
}
