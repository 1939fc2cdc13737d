package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that choose the device. */
final class DeviceOptions {
  private static final List<String> DEVICES = List.of("auto", "cpu", "cuda");
  // "sim", the simulated device, opens in the builds for tests alone.
  private static final Pattern DEVICE = Pattern.compile("auto|cpu|sim|cuda(:[0-9]{1,3})?");
  private static final int MOST_THREADS = 256;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description =
          "auto, cpu, cuda or cuda:N; auto takes a GPU if there is one (default:"
              + " ${DEFAULT-VALUE}).")
  private String device = "auto";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads of the CPU; results do not depend on it (default: as many as this process may"
              + " use).")
  private @Nullable Integer threads;

  /**
   * Checks what can be checked without opening a device.
   *
   * @throws UsageException if there can be no such device or number of threads
   */
  void check() {
    if (!DEVICE.matcher(device).matches()) {
      throw new UsageException(
          "unknown --device '" + device + "'." + Suggestion.didYouMean(device, DEVICES),
          "Possible are auto, cpu, cuda and cuda:N.");
    }
    if (threads != null && (threads < 1 || threads > MOST_THREADS)) {
      throw new UsageException("--threads must be 1 to " + MOST_THREADS + ", not " + threads);
    }
  }

  /**
   * Opens the device with as many threads as were asked for.
   *
   * @throws UsageException if there is no such device here
   */
  Device open() {
    try {
      if (threads != null) {
        Device.threads(threads);
      }
      return Device.open(device);
    } catch (HalfstepException e) {
      if (e.status() == HalfstepException.Status.NO_DEVICE) {
        throw new UsageException(
            "--device " + device + ": " + e.getMessage(), "What there is: halfstep devices");
      }
      throw e;
    }
  }
}
