package dev.halfstep.cli;

import dev.halfstep.report.Json;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --json FILE}, which every command has. */
final class JsonOption {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Also write the result as JSON to FILE.")
  private @Nullable String file;

  /**
   * Checks that the file can be written, before anything is done.
   *
   * @return the file, or null if none was asked for
   */
  @Nullable Path check() {
    return file == null ? null : OutputFolder.checkFile("--json", file);
  }

  /** Writes a result to what {@link #check} returned. */
  void write(@Nullable Path file, Object result) throws IOException {
    if (file != null) {
      Json.write(file, result);
    }
  }
}
