package dev.halfstep.files;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file of weights is damaged, has another format, or does not fit the model. The message is
 * complete by itself: it names the file, what was found and what was expected.
 */
public final class ModelFileException extends IOException {
  private static final long serialVersionUID = 1;

  /**
   * An exception for a file.
   *
   * @param problem what is wrong; follows the file's name and a colon
   */
  public ModelFileException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
