package dev.halfstep.files;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file of weights is damaged, is no such file, or does not fit the model. The message stands
 * alone: it names the file, what was found and what was expected.
 */
public final class ModelFileException extends IOException {
  private static final long serialVersionUID = 1;

  /**
   * What is wrong with a file.
   *
   * @param problem follows the file's name and a colon
   */
  public ModelFileException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
