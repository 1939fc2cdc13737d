package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a model keeps from one call of {@code predict} to the next, on a CPU device of its own: to
 * open it takes a hundred times as long as to predict one row. A call takes it for itself; one that
 * finds it taken opens another.
 */
final class KeptPredictor {
  private static final Cleaner CLEANER = Cleaner.create();

  /** Rows computed at once: plans for powers of two are recorded when they are first needed. */
  private static final int[] BATCH_SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

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
    final PredictionLane lane;
    long version; // of the weights that it has

    Opened(Model model) {
      version = model.version();
      device = Device.cpu();
      try {
        float[] values = model.weights();
        Tensor weights = device.empty(DType.F32, Shape.of(values.length));
        weights.label("weights of a model's predictor");
        lane = new PredictionLane(model, device, weights, BATCH_SIZES);
        lane.uploadWeights(values);
      } catch (RuntimeException failure) {
        device.close();
        throw failure;
      }
    }

    void close() {
      device.close(); // and with it everything else
    }
  }

  /** Predicts with the weights that the model has now. */
  void predict(Consumer<PredictionLane> what) {
    Opened opened = idle.getAndSet(null);
    if (opened == null) {
      opened = new Opened(model);
    } else {
      opened.lane.enter();
    }
    boolean keeps = false;
    try {
      long version = model.version();
      if (opened.version != version) {
        opened.lane.uploadWeights(model.weights());
        opened.version = version;
      }
      what.accept(opened.lane);
      opened.lane.trim(KEPT_BYTES);
      opened.lane.exit();
      keeps = idle.compareAndSet(null, opened);
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
