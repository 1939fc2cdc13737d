package dev.halfstep.study;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.data.Dataset;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;

/**
 * The largest batch that fits into memory: computed from the plan, whose memory has a fixed part
 * (weights, gradients, optimizer, data) and one that grows with the batch (activations), and then
 * verified by training one step in a separate session. The data are on the device; they are
 * streamed only if they would leave no room for a single sample. The model is not changed.
 *
 * @param batchSize the largest that fits; at most the number of samples
 * @param bytes the memory of a run with it, by the plan
 * @param nextBytes the memory of a run with one more sample
 * @param usable the memory that may be used: the limit less the headroom
 */
public record LargestBatch(int batchSize, long bytes, long nextBytes, long usable) {
  /** The part of the memory that is left free. */
  public static final double HEADROOM = 0.1;

  /** Searches on the options' device, with the free memory that it reports. */
  public static LargestBatch find(SessionBuilder options, Dataset data, Device device) {
    long limit = device.info().memoryLimit();
    long available = device.info().memoryAvailable();
    return find(options, data, device, limit > 0 ? Math.min(limit, available) : available);
  }

  /**
   * Searches on a device with a limit in bytes, of which {@link #HEADROOM} stays free.
   *
   * @throws HalfstepException if not even one sample fits; the message says how much memory it
   *     needs
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its interrupt
   *     flag stays set
   */
  public static LargestBatch find(
      SessionBuilder options, Dataset data, Device device, long memoryBytes) {
    long usable = (long) (memoryBytes * (1 - HEADROOM));
    LargestBatch found = search(options, data, device, usable);
    if (found.batchSize == 0) {
      long beside = usable - options.batchSize(1).memory(data).total();
      long room = beside + options.memory(data).data();
      found = search(options.dataMemory(Math.max(1, room)), data, device, usable);
    }
    if (found.batchSize == 0) {
      throw new HalfstepException(
          HalfstepException.Status.OUT_OF_MEMORY,
          "not even a batch of 1 fits: it takes "
              + found.nextBytes
              + " bytes, and "
              + usable
              + " may be used; a smaller model is needed");
    }
    return found;
  }

  /** The largest batch with these options; its size is 0 if none fits. */
  private static LargestBatch search(
      SessionBuilder options, Dataset data, Device device, long usable) {
    int fits = 0;
    int least = 1;
    int most = data.size();
    while (least <= most) {
      int middle = least + (most - least) / 2;
      if (bytes(options, data, middle) <= usable) {
        fits = middle;
        least = middle + 1;
      } else {
        most = middle - 1;
      }
    }
    while (fits > 0 && !trains(options.batchSize(fits).device(device), data)) {
      fits = (int) (fits * (1 - HEADROOM));
    }
    long bytes = fits == 0 ? 0 : bytes(options, data, fits);
    return new LargestBatch(fits, bytes, bytes(options, data, fits + 1), usable);
  }

  private static long bytes(SessionBuilder options, Dataset data, int batchSize) {
    return options.batchSize(batchSize).memory(data).total();
  }

  private static boolean trains(SessionBuilder options, Dataset data) {
    Cancellation.check("the search for the largest batch");
    try (TrainingSession session = options.open()) {
      session.data(data);
      session.run(1);
      session.drain();
      return true;
    } catch (HalfstepException e) {
      if (e.status() == HalfstepException.Status.OUT_OF_MEMORY) {
        return false;
      }
      throw e;
    }
  }
}
