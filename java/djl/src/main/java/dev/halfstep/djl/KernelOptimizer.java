package dev.halfstep.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** An optimizer of DJL that runs one kernel over the memory of a parameter and of its gradient. */
final class KernelOptimizer extends Optimizer {
  private final UpdateRule rule;
  private final ParameterTracker learningRate;

  /** By the parameter's id. All parameters are in the CPU's memory, so an id has one state. */
  private final Map<String, ParameterState> states = new ConcurrentHashMap<>();

  KernelOptimizer(HalfstepOptimizer.Builder builder) {
    super(builder);
    rule = builder.rule(getWeightDecay(), rescaleGrad, clipGrad);
    learningRate = builder.learningRate();
  }

  @Override
  protected synchronized int updateCount(String parameterId) {
    return super.updateCount(parameterId);
  }

  /**
   * Updates a parameter and sets its gradient to zero.
   *
   * @throws IllegalArgumentException if the parameter or the gradient is of another engine, device,
   *     type or shape, if the parameter's elements do not lie one after the other, or if the
   *     tracker gives a rate that is negative or not finite
   * @throws IllegalStateException if the parameter or the gradient is closed
   */
  @Override
  public void update(String parameterId, NDArray weight, NDArray grad) {
    PtNDArray parameter = TorchArrays.parameter(parameterId, weight);
    PtNDArray gradient = TorchArrays.gradient(parameterId, grad, parameter);
    ParameterState state = states.get(parameterId);
    if (state == null) {
      state = states.computeIfAbsent(parameterId, id -> new ParameterState(rule, id, parameter));
    }
    synchronized (state) {
      ByteBuffer memory = state.memory(parameter);
      int number = updateCount(parameterId);
      float rate = requireRate(parameterId, learningRate.getNewValue(parameterId, number));
      // DJL attaches the copies that it makes of a gradient to the parameter's manager, which lives
      // as long as the model: the scope closes them.
      try (NDScope scope = new NDScope()) {
        scope.suppressNotUsedWarning();
        state.run(memory, TorchArrays.values(gradient, rule), number, rate);
      }
      JniUtils.zeroGrad(parameter);
    }
  }

  private static float requireRate(String parameterId, float rate) {
    if (!(rate >= 0 && rate <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "the tracker gave the learning rate "
              + rate
              + " for the parameter "
              + parameterId
              + ": it must be finite and not negative");
    }
    return rate;
  }
}
