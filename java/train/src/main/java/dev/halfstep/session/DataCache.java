package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.data.Dataset;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data sets that a session keeps on its device: the last few used, and the training data. When
 * a data set is first used, the cache decides whether to copy it or to stream it. It streams if it
 * is not in host memory ({@link Dataset#inMemory}), or if the whole of it does not fit beside the
 * activations of the largest batch, even without the other data sets. The training data are
 * streamed later if other data lack room for three batches.
 */
final class DataCache implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DataCache.class);
  private static final int KEPT = 4;

  /** The part of the reported free memory that data may use; recorded lists take some too. */
  private static final double USABLE = 0.9;

  private final Device device;
  private final SessionOptions options;
  private final SessionMemory memory;
  private final Map<Dataset, DeviceData> kept = new LinkedHashMap<>(8, 0.75f, true);
  private long workspace = -1; // bytes of activations; -1: not known yet

  DataCache(Device device, SessionOptions options, SessionMemory memory) {
    this.device = device;
    this.options = options;
    this.memory = memory;
  }

  /**
   * The data on the device; copies them there first if they are not.
   *
   * @param training the training data, which are not evicted, but may be streamed
   */
  DeviceData get(Dataset wanted, @Nullable Dataset training) {
    DeviceData found = kept.get(wanted);
    if (found == null) {
      found = bring(wanted, DataCheck.of(options, wanted), training);
      kept.put(wanted, found);
      while (kept.size() > KEPT) {
        closeOldest(training);
      }
    }
    return found;
  }

  private DeviceData bring(Dataset wanted, DataCheck check, @Nullable Dataset training) {
    if (workspace < 0) {
      workspace = workspaceBytes(wanted);
    }
    long bytes = ResidentData.bytes(wanted);
    if (wanted.inMemory() && makeRoom(bytes, training)) {
      return new ResidentData(device, options, memory, wanted);
    }
    long least = StreamedData.bytes(options, wanted, 0);
    if (!makeRoom(least, training) && training != null && training != wanted) {
      streamInstead(training, least);
    }
    return stream(wanted, check);
  }

  private StreamedData stream(Dataset wanted, DataCheck check) {
    StreamedData streamed = new StreamedData(device, options, memory, wanted, check, room());
    LOG.info(
        "{} streams to {}: {} bytes of it are there at a time, for the whole takes {}",
        wanted.name(),
        device,
        streamed.bytes(),
        ResidentData.bytes(wanted));
    return streamed;
  }

  /** Streams data that were on the device as a whole, if that leaves {@code others} bytes free. */
  private void streamInstead(Dataset resident, long others) {
    DeviceData held = kept.get(resident);
    long least = StreamedData.bytes(options, resident, 0);
    if (held instanceof ResidentData && least + others <= room() + held.bytes()) {
      kept.remove(resident);
      held.close();
      DataCheck check = DataCheck.of(options, resident);
      kept.put(
          resident, new StreamedData(device, options, memory, resident, check, room() - others));
    }
  }

  /** Bytes of device memory that data take if at most {@code room} bytes are free. */
  static long bytes(SessionOptions options, Dataset data, long room) {
    long bytes = ResidentData.bytes(data);
    return data.inMemory() && bytes <= room ? bytes : StreamedData.bytes(options, data, room);
  }

  /** Bytes of activations for the plans of the largest batches. */
  private long workspaceBytes(Dataset data) {
    StepPlans plans = new StepPlans(options, BatchSource.of(options, data, 0));
    return Math.max(
        largest(plans.parts(options.batchSize())),
        largest(plans.evaluationParts(Math.min(options.evaluationBatch(), data.size()))));
  }

  private static long largest(List<Feed.Part> parts) {
    return parts.stream().mapToLong(part -> part.plan().arenaBytes()).max().orElse(0);
  }

  /** Bytes that a further data set may take. */
  private long room() {
    DeviceInfo info = device.info();
    long bytes = Long.MAX_VALUE;
    if (info.memoryTotal() > 0) { // a device that computes nothing has no memory either
      bytes = (long) (info.memoryAvailable() * USABLE);
    }
    if (info.memoryLimit() > 0) {
      bytes = Math.min(bytes, info.memoryLimit() - info.memoryUsed());
    }
    bytes -= Math.max(0, workspace - memory.workspaceBytes());
    return Math.min(bytes, options.dataMemory() - held(null));
  }

  /** Bytes of the data sets on the device, except one. */
  private long held(@Nullable Dataset without) {
    long bytes = 0;
    for (Map.Entry<Dataset, DeviceData> entry : kept.entrySet()) {
      bytes += entry.getKey() == without ? 0 : entry.getValue().bytes();
    }
    return bytes;
  }

  /** Closes the least recently used data sets until {@code bytes} fit; none if they cannot. */
  private boolean makeRoom(long bytes, @Nullable Dataset training) {
    if (bytes > room() + held(training)) {
      return false;
    }
    while (bytes > room() && closeOldest(training)) {}
    return bytes <= room();
  }

  private boolean closeOldest(@Nullable Dataset training) {
    Iterator<Map.Entry<Dataset, DeviceData>> oldest = kept.entrySet().iterator();
    while (oldest.hasNext()) {
      Map.Entry<Dataset, DeviceData> entry = oldest.next();
      if (entry.getKey() != training) {
        entry.getValue().close();
        oldest.remove();
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    kept.values().forEach(DeviceData::close);
  }
}
