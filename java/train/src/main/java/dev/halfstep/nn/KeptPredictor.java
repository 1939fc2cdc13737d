package dev.halfstep.nn;

import dev.halfstep.Device;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The predictor that a model keeps from one call of {@code predict} to the next, on a CPU device of
 * its own: to open both takes a hundred times as long as to predict one row. A call takes it for
 * itself; one that finds it taken opens another.
 */
final class KeptPredictor {
  private static final Cleaner CLEANER = Cleaner.create();

  /** Rows computed at once. */
  private static final int BATCH = 256;

  /** Bytes beside the weights that are kept; what large batches took is given back. */
  private static final long KEPT_BYTES = 16L << 20;

  private final Model model;
  private final AtomicReference<@Nullable Opened> idle = new AtomicReference<>();

  private KeptPredictor(Model twin) {
    this.model = twin;
  }

  /**
   * Of a model, until that is collected.
   *
   * @param twin with the same weights: the model itself would keep itself alive
   */
  static KeptPredictor of(Model model, Model twin) {
    KeptPredictor kept = new KeptPredictor(twin);
    CLEANER.register(model, kept::close);
    return kept;
  }

  private static final class Opened {
    final Device device;
    final Predictor predictor;
    long version; // of the weights that it has

    Opened(Model model) {
      version = model.version();
      device = Device.cpu();
      try {
        predictor = new Predictor(model, device, BATCH, false);
      } catch (RuntimeException failure) {
        device.close();
        throw failure;
      }
    }

    void close() {
      predictor.close();
      device.close();
    }
  }

  /** What is predicted, with the weights that the model has now. */
  float[] predict(Function<Predictor, float[]> what) {
    Opened opened = idle.getAndSet(null);
    if (opened == null) {
      opened = new Opened(model);
    } else {
      opened.device.stream().adopt();
    }
    boolean keeps = false;
    try {
      long version = model.version();
      if (opened.version != version) {
        opened.predictor.refresh();
        opened.version = version;
      }
      float[] said = what.apply(opened.predictor);
      opened.predictor.trim(KEPT_BYTES);
      opened.device.stream().release();
      keeps = idle.compareAndSet(null, opened);
      return said;
    } finally {
      if (!keeps) {
        opened.close();
      }
    }
  }

  private void close() {
    Opened opened = idle.getAndSet(null);
    if (opened != null) {
      opened.close();
    }
  }
}
