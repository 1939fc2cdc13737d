package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.DeviceListing;
import dev.halfstep.report.HalfstepVersion;
import dev.halfstep.report.PlanReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code halfstep devices}: lists the devices that can be used, and says why others cannot. */
@Command(
    name = "devices",
    description = "Lists the devices to train on, and why others cannot be used.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DevicesCommand implements Callable<Integer> {
  private final PrintWriter out;

  @Mixin private final JsonOption json = new JsonOption();

  DevicesCommand(PrintWriter out) {
    this.out = out;
  }

  /** What {@code --json} writes. */
  record Devices(String halfstep, List<Entry> devices) {}

  /** One device; {@code info} is null and {@code reason} says why where it cannot be used. */
  record Entry(String id, boolean available, @Nullable DeviceInfo info, String reason) {}

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    List<DeviceListing> listings = Device.devices();
    for (DeviceListing listing : listings) {
      DeviceInfo info = listing.info();
      out.printf(
          Locale.ROOT,
          "%-8s %s%n",
          listing.id(),
          info == null ? "not available: " + listing.reason() : PlanReport.described(info));
    }
    json.write(
        file,
        new Devices(
            HalfstepVersion.current(),
            listings.stream()
                .map(d -> new Entry(d.id(), d.available(), d.info(), d.reason()))
                .toList()));
    return 0;
  }
}
