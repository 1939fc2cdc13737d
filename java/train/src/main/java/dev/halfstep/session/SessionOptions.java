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
 * The options of a {@link TrainingSession}, as its parts read them; {@link SessionBuilder} sets
 * them. Immutable.
 */
public abstract class SessionOptions implements Cloneable {
  // Only SessionBuilder writes these fields, in a new copy that is not shared yet.
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

  /** The model to train. */
  public final Model model() {
    return model;
  }

  /** The loss to minimise. */
  public final Loss loss() {
    return loss;
  }

  /** The optimizer. */
  public final Optimizer optimizer() {
    return optimizer;
  }

  /** Groups of parameters with their own learning rate or weight decay. */
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

  /** The most samples that are computed at once. */
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

  /** Whether the norm of the gradients is measured even if no other option needs it. */
  public final boolean gradientNorm() {
    return gradientNorm;
  }

  /** The decay of the moving average of the weights; 0: there is none. */
  public final double averageDecay() {
    return averageDecay;
  }

  /** The most steps that may be run before they are drained. */
  public final int pendingSteps() {
    return pendingSteps;
  }

  /** The most bytes of device memory for data sets. */
  public final long dataMemory() {
    return dataMemory;
  }

  /** The seed of dropout, and of the first weights of a model that has none. */
  public final long seed() {
    return seed;
  }

  /** The workers with which this session trains; null: it trains alone. */
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
