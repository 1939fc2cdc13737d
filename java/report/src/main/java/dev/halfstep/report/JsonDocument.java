package dev.halfstep.report;

import java.io.IOException;
import java.nio.file.Path;

/** A record that can be written as a JSON file, with its fields in the order of the record. */
public interface JsonDocument {
  /** Writes the document to a file, whole or not at all; an existing file is replaced. */
  default void write(Path file) throws IOException {
    Json.write(file, this);
  }
}
