package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link TrainingSession} is to do, as its parts read it; a {@link SessionBuilder} makes it.
 * Immutable.
 */
public abstract class SessionOptions implements Cloneable {
  // Written by SessionBuilder alone, in a copy that nobody else has seen.
  final Model model;
  Loss loss = Loss.crossEntropy();
  Optimizer optimizer = Optimizer.sgd(0.01);
  List<ParameterGroup> groups = List.of();
  @Nullable Device device;
  String deviceId = "auto";
  DType storage = DType.F32;
  boolean tf32;
  int batchSize = 32;
  int microBatch = Integer.MAX_VALUE;
  int evaluationBatch = 128;
  float clipNorm;
  boolean gradientNorm;
  double averageDecay;
  @Nullable LossScaling lossScaling;
  int pendingSteps = 1024;
  long dataMemory = Long.MAX_VALUE;
  long seed;
  @Nullable Collective collective;

  SessionOptions(Model model) {
    this.model = Objects.requireNonNull(model, "model");
  }

  /** What is trained. */
  public final Model model() {
    return model;
  }

  /** What is minimised. */
  public final Loss loss() {
    return loss;
  }

  /** How parameters change. */
  public final Optimizer optimizer() {
    return optimizer;
  }

  /** Parameters that learn at a rate, or decay with a strength, of their own. */
  public final List<ParameterGroup> groups() {
    return groups;
  }

  /** The device that the caller opened; null: the session opens {@link #deviceId}. */
  public final @Nullable Device device() {
    return device;
  }

  /** The name of the device that the session opens, such as "auto". */
  public final String deviceId() {
    return deviceId;
  }

  /** The type of activations and of the copies of weights: F32, BF16 or F16. */
  public final DType storage() {
    return storage;
  }

  /** Whether products of F32 storage may round their operands to TF32. */
  public final boolean tf32() {
    return tf32;
  }

  /** Samples of one step. */
  public final int batchSize() {
    return batchSize;
  }

  /** Samples that are computed at once, at most. */
  public final int microBatch() {
    return microBatch;
  }

  /** Samples that an evaluation computes at once. */
  public final int evaluationBatch() {
    return evaluationBatch;
  }

  /** The norm that gradients are clipped to; 0: they are not clipped. */
  public final float clipNorm() {
    return clipNorm;
  }

  /** Whether the norm of the gradients is measured where nothing else asks for it. */
  public final boolean gradientNorm() {
    return gradientNorm;
  }

  /** The decay of the moving average of the weights; 0: there is none. */
  public final double averageDecay() {
    return averageDecay;
  }

  /** Steps that may be run before they are drained. */
  public final int pendingSteps() {
    return pendingSteps;
  }

  /** Bytes of device memory for data sets, at most. */
  public final long dataMemory() {
    return dataMemory;
  }

  /** The seed of dropout, and of the first weights of a model that has none. */
  public final long seed() {
    return seed;
  }

  /** The workers that this session trains with; null: it trains alone. */
  public final @Nullable Collective collective() {
    return collective;
  }

  /** The loss scaling in use: the one given or, in F16, the default; null: none. */
  public final @Nullable LossScaling lossScaling() {
    return lossScaling == null && storage == DType.F16 ? LossScaling.DEFAULT : lossScaling;
  }

  /** Whether a pass over the gradients precedes the update. */
  public final boolean checksGradients() {
    return clipNorm > 0 || gradientNorm || lossScaling() != null;
  }

  @Override
  protected SessionOptions clone() {
    try {
      return (SessionOptions) super.clone();
    } catch (CloneNotSupportedException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
