package dev.halfstep.report;

import java.io.IOException;
import java.nio.file.Path;

/** A record that is written as a JSON file, with its fields in their order. */
public interface JsonDocument {
  /** Writes the document to a file, all or nothing; a file of that name is replaced. */
  default void write(Path file) throws IOException {
    Json.write(file, this);
  }
}
