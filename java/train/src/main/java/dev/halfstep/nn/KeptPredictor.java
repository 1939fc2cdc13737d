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
 * The device, plans and memory that a model keeps from one call of {@code predict} to the next,
 * because opening them takes a hundred times as long as predicting one row. A call has them for
 * itself; a call that finds them in use opens others.
 */
final class KeptPredictor {
  private static final Cleaner CLEANER = Cleaner.create();

  /** The batch sizes that have plans; a plan is recorded when it is first needed. */
  private static final int[] BATCH_SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

  /**
   * The most bytes that are kept beside the weights; the memory of larger plans is freed after each
   * call.
   */
  private static final long KEPT_BYTES = 16L << 20;

  private final Model model;
  private final AtomicReference<@Nullable Opened> idle = new AtomicReference<>();

  private KeptPredictor(Model twin) {
    this.model = twin;
  }

  /**
   * The predictor of a model, which is freed when the model is garbage collected.
   *
   * @param twin a model that shares the weights; a reference to the model itself would keep it from
   *     being collected
   */
  static KeptPredictor of(Model model, Model twin) {
    KeptPredictor kept = new KeptPredictor(twin);
    CLEANER.register(model, kept::close);
    return kept;
  }

  private static final class Opened {
    final Device device;
    final PredictionLane lane;
    long version; // of the weights on the device

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
      device.close(); // frees everything else too
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
