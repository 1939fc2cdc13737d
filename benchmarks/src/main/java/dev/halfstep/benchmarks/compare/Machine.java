package dev.halfstep.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Describes the machine of a measurement. */
final class Machine {
  private Machine() {}

  /** The machine in a sentence. */
  static String describe() throws IOException {
    List<String> models;
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      models =
          lines
              .filter(line -> line.startsWith("model name"))
              .map(line -> line.substring(line.indexOf(':') + 1).strip())
              .toList();
    }
    return (models.isEmpty() ? System.getProperty("os.arch") : models.get(0))
        + ", "
        + models.size()
        + " cores, "
        + System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + ", "
        + System.getProperty("java.vm.name")
        + " "
        + System.getProperty("java.vm.version")
        + ".";
  }
}
