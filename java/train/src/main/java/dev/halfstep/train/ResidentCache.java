package dev.halfstep.train;

import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The data sets that a session keeps on its device: the last few used, and the one it trains on.
 */
final class ResidentCache implements AutoCloseable {
  private static final int KEPT = 4;

  private final Device device;
  private final SessionOptions options;
  private final SessionMemory memory;
  private final Map<Dataset, ResidentData> resident = new LinkedHashMap<>(8, 0.75f, true);

  ResidentCache(Device device, SessionOptions options, SessionMemory memory) {
    this.device = device;
    this.options = options;
    this.memory = memory;
  }

  /** The data on the device, uploaded unless they are there. */
  ResidentData get(Dataset wanted, @Nullable Dataset training) {
    ResidentData found = resident.get(wanted);
    if (found == null) {
      found = new ResidentData(device, options, memory, wanted);
      resident.put(wanted, found);
      evict(training);
    }
    return found;
  }

  private void evict(@Nullable Dataset training) {
    Iterator<Map.Entry<Dataset, ResidentData>> oldest = resident.entrySet().iterator();
    while (resident.size() > KEPT) {
      Map.Entry<Dataset, ResidentData> entry = oldest.next();
      if (entry.getKey() != training) {
        entry.getValue().close();
        oldest.remove();
      }
    }
  }

  @Override
  public void close() {
    resident.values().forEach(ResidentData::close);
  }
}
