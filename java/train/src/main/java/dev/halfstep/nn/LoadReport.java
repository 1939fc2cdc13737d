package dev.halfstep.nn;

import java.util.List;
import java.util.Map;

/**
 * What {@link Model#loadMatching} took from a file, by the names of parameters.
 *
 * @param taken of the model and the file, with the shape that the model gives the tensor
 * @param missing of the model alone: they keep their values
 * @param unexpected of the file alone
 * @param unfit of both, not taken, with what is different: {@code [10, 128] and should be [3, 128]}
 */
public record LoadReport(
    List<String> taken, List<String> missing, List<String> unexpected, Map<String, String> unfit) {
  /** Copies the lists. */
  public LoadReport {
    taken = List.copyOf(taken);
    missing = List.copyOf(missing);
    unexpected = List.copyOf(unexpected);
    unfit = Map.copyOf(unfit);
  }

  /** Whether the model has all its weights from the file, and the file had no others. */
  public boolean isWhole() {
    return missing.isEmpty() && unexpected.isEmpty() && unfit.isEmpty();
  }

  /** One line, which leaves out what is empty. */
  @Override
  public String toString() {
    return "taken: "
        + String.join(", ", taken)
        + (missing.isEmpty() ? "" : "; missing in the file: " + String.join(", ", missing))
        + (unexpected.isEmpty() ? "" : "; left over: " + String.join(", ", unexpected))
        + (unfit.isEmpty() ? "" : "; does not fit: " + unfit);
  }
}
