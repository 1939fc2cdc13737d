package dev.halfstep.optim;

/**
 * Dynamic loss scaling, with the semantics of PyTorch's GradScaler: gradients are computed at
 * {@code scale} times their size, so that small ones survive in F16. A step with gradients that are
 * not finite is skipped and lowers the scale; a run of finite steps raises it.
 *
 * @param initialScale the first scale
 * @param growth factor of the scale after {@code interval} finite steps in a row
 * @param backoff factor of the scale when gradients are not finite
 * @param interval finite steps in a row before the scale grows
 * @param minimum the lowest scale
 * @param maxSkips the number of skipped steps in a row that ends the run with an error
 */
public record LossScaling(
    float initialScale, float growth, float backoff, int interval, float minimum, int maxSkips) {
  /** PyTorch's: 65536, growth 2, backoff 0.5, interval 2000; at least 2^-14, at most 50 skips. */
  public static final LossScaling DEFAULT = new LossScaling(65536, 2, 0.5f, 2000, 0x1p-14f, 50);

  /** Checks the numbers. */
  public LossScaling {
    if (!(initialScale > 0)
        || !(growth > 1)
        || !(backoff > 0 && backoff < 1)
        || interval < 1
        || !(minimum > 0 && minimum <= initialScale)
        || maxSkips < 1) {
      throw new IllegalArgumentException(
          "loss scaling needs 0 < minimum <= initialScale, growth > 1, 0 < backoff < 1, interval"
              + " and maxSkips of at least 1: it was given initialScale "
              + initialScale
              + ", growth "
              + growth
              + ", backoff "
              + backoff
              + ", interval "
              + interval
              + ", minimum "
              + minimum
              + ", maxSkips "
              + maxSkips);
    }
  }
}
