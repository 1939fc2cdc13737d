package dev.halfstep.nn;

import java.util.List;
import java.util.Map;

/**
 * The tensors that {@link Model#loadMatching} took from a file and those that it did not, by name.
 *
 * @param taken parameters whose values were taken, with their shapes in the file's layout
 * @param missing parameters that the file does not have; they keep their values
 * @param unexpected tensors of the file that the model does not have
 * @param unfit names in both that were not taken, with the difference: {@code [10, 128] and should
 *     be [3, 128]}
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

  /** The report in one line; empty lists are left out. */
  @Override
  public String toString() {
    return "taken: "
        + String.join(", ", taken)
        + (missing.isEmpty() ? "" : "; missing in the file: " + String.join(", ", missing))
        + (unexpected.isEmpty() ? "" : "; left over: " + String.join(", ", unexpected))
        + (unfit.isEmpty() ? "" : "; does not fit: " + unfit);
  }
}
