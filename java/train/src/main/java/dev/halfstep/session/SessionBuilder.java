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
 * Says what a {@link TrainingSession} is to do, and opens it. Immutable: each method gives another
 * builder, with one thing changed.
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

  /** What is minimised; by default cross-entropy. */
  public SessionBuilder loss(Loss loss) {
    return with(options -> options.loss = Objects.requireNonNull(loss, "loss"));
  }

  /** How parameters change; by default SGD with learning rate 0.01. */
  public SessionBuilder optimizer(Optimizer optimizer) {
    return with(options -> options.optimizer = Objects.requireNonNull(optimizer, "optimizer"));
  }

  /**
   * Parameters whose learning rate and weight decay are the optimizer's times a factor; by default
   * there are none. A parameter that several groups match is in the first of them.
   *
   * <pre>{@code
   * SessionBuilder grouped =
   *     options.groups(
   *         ParameterGroup.of("0.*").withRate(0.1), // the first layer learns ten times slower
   *         ParameterGroup.of("*.weight").withDecay(0));
   * }</pre>
   *
   * @throws IllegalArgumentException if a group has no parameter of the model that is trained; the
   *     message names those there are
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

  /** Where to train: a device that the calling thread opened, and closes after the session. */
  public SessionBuilder device(Device device) {
    return with(options -> options.device = Objects.requireNonNull(device, "device"));
  }

  /** Where to train: "auto" (the default), "cpu", "cuda" ...; the session opens and closes it. */
  public SessionBuilder device(String id) {
    return with(
        options -> {
          options.device = null;
          options.deviceId = Objects.requireNonNull(id, "id");
        });
  }

  /**
   * The type of activations and of the copies of weights: F32 (the default), BF16 or F16.
   * Parameters, gradients of parameters, moments, losses and accumulation are F32 always. F16
   * trains with {@link LossScaling#DEFAULT} unless another is given.
   */
  public SessionBuilder storage(DType storage) {
    if (storage != DType.F32 && storage != DType.BF16 && storage != DType.F16) {
      throw new IllegalArgumentException("the storage type is F32, BF16 or F16, not " + storage);
    }
    return with(options -> options.storage = storage);
  }

  /**
   * Whether products of F32 storage may round their operands to TF32, in training and in
   * evaluation, as {@link dev.halfstep.Stream#allowTf32} has it; by default they may not. On a CPU
   * and with other storage types nothing changes.
   */
  public SessionBuilder tf32(boolean allowed) {
    return with(options -> options.tf32 = allowed);
  }

  /** Samples of one step; by default 32. */
  public SessionBuilder batchSize(int batchSize) {
    return with(options -> options.batchSize = positive("the batch size", batchSize));
  }

  /**
   * At most so many samples are computed at once; larger batches accumulate their gradients over
   * several micro-batches. It limits memory and changes no result but by rounding.
   */
  public SessionBuilder microBatch(int microBatch) {
    return with(options -> options.microBatch = positive("the micro-batch", microBatch));
  }

  /** Samples that {@link TrainingSession#evaluate} computes at once; by default 128. */
  public SessionBuilder evaluationBatch(int batch) {
    return with(options -> options.evaluationBatch = positive("the evaluation batch", batch));
  }

  /**
   * Scales gradients down whose norm over all parameters is above {@code maxNorm}; 0, the default,
   * leaves them.
   */
  public SessionBuilder clipNorm(double maxNorm) {
    if (!(maxNorm >= 0)) {
      throw new IllegalArgumentException("the largest norm must not be negative: " + maxNorm);
    }
    return with(options -> options.clipNorm = (float) maxNorm);
  }

  /** Whether the norm of the gradients is measured where nothing else asks for it. */
  public SessionBuilder gradientNorm(boolean measured) {
    return with(options -> options.gradientNorm = measured);
  }

  /**
   * Keeps an exponential moving average of the weights, which {@link
   * TrainingSession#averagedWeights} gives; 0, the default: none.
   *
   * @param decay in [0, 1)
   */
  public SessionBuilder averageDecay(double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException("the decay of an average is in [0, 1), not " + decay);
    }
    return with(options -> options.averageDecay = decay);
  }

  /** Dynamic loss scaling; by default there is none except in F16. */
  public SessionBuilder lossScaling(LossScaling scaling) {
    return with(options -> options.lossScaling = Objects.requireNonNull(scaling, "scaling"));
  }

  /** At most so many steps, up to a million, may be run before they are drained; default 1024. */
  public SessionBuilder pendingSteps(int steps) {
    if (steps > MOST_PENDING) {
      throw new IllegalArgumentException(
          "at most " + MOST_PENDING + " steps can be kept, not " + steps);
    }
    return with(options -> options.pendingSteps = positive("the number of pending steps", steps));
  }

  /**
   * At most so many bytes of device memory hold data sets; by default as many as there are. A data
   * set that does not fit beside the session and the data in use streams: its samples are copied to
   * the device as they are needed, while it computes. Results are the same bits.
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
   * The workers with which this session trains one model, each in a session of its own; by default
   * it trains alone. The first weights are those of worker 0. Each worker's batches count {@link
   * #batchSize} samples, so an update is made from size times as many.
   */
  public SessionBuilder collective(Collective collective) {
    return with(options -> options.collective = Objects.requireNonNull(collective, "collective"));
  }

  /** Makes the session; the calling thread owns it. */
  public TrainingSession open() {
    return new TrainingSession(this);
  }

  /**
   * The plan of one step on this data, made without a device. With micro-batches it is the first of
   * them, which is the largest.
   *
   * @throws IllegalArgumentException if the data do not fit the model; the message names the layer
   */
  public Plan plan(Dataset data) {
    return new StepPlans(this, BatchSource.of(this, data, data.size()))
        .parts(batchSize)
        .get(0)
        .plan();
  }

  /** The device memory that a session needs to train on this data, in bytes. */
  public MemoryUse memory(Dataset data) {
    return MemoryUse.of(this, data);
  }

  /**
   * Checks that the model and the loss can train on these data and, where they lie in memory,
   * reading all of them, that each label and token is one that the model knows; those of other data
   * are looked at as they are read.
   *
   * @throws IllegalArgumentException if not; the message names the sample
   */
  public void requireFitting(Dataset data) {
    DataCheck.of(this, data);
  }

  /**
   * Checks that a layer or the loss can compute a step of so many samples.
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
   * What may have made a loss infinite or NaN, and what to do about it, as a sentence for people:
   * the first sample that explains it, if there is one.
   *
   * @param data that the loss was computed on; all of them are read
   * @param untrained whether nothing had been updated yet, so that no learning rate can be the
   *     cause
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
