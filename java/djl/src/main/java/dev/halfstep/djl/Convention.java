package dev.halfstep.djl;

/** Whose definition of an update rule an optimizer follows where DJL and PyTorch differ. */
public enum Convention {
  /**
   * The numbers of DJL 0.36.0's own optimizers on its PyTorch engine:
   *
   * <ul>
   *   <li>Adam and AdamW add eps to sqrt(v), before v is debiased;
   *   <li>the number of the step, from which moments are debiased, is the largest number of updates
   *       of any parameter so far;
   *   <li>SGD's momentum accumulates the learning rate times the gradient, so that a change of the
   *       rate leaves the steps before it as they were;
   *   <li>{@code optClipGrad(c)} limits gradients above alone, to c, although DJL's documentation
   *       says -c ... c.
   * </ul>
   *
   * <p>Nesterov's momentum, LAMB and LARS, which DJL does not have on this engine, follow their
   * papers under both conventions; only the second and the last point apply to them.
   */
  DJL,

  /**
   * The numbers of {@code torch.optim}, and of Halfstep's own training:
   *
   * <ul>
   *   <li>Adam and AdamW add eps to the root of the debiased v;
   *   <li>each parameter counts its own updates;
   *   <li>SGD's momentum accumulates gradients, and the present learning rate multiplies the sum;
   *   <li>{@code optClipGrad(c)} limits gradients to -c ... c.
   * </ul>
   */
  PYTORCH
}
