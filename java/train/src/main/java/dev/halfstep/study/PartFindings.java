package dev.halfstep.study;

import dev.halfstep.data.Dataset;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The {@link Advisor}'s findings on held-out samples whose classes differ from those of the
 * training samples.
 */
final class PartFindings {
  private static final double MANY = 0.1; // of the samples
  private static final double FAR = 0.2; // in shares of the classes
  private static final int MOST_NAMED = 5;
  private static final String ADVICE =
      "draw the parts by lot (Dataset.split), not by position: files are often sorted";

  private PartFindings() {}

  /** The finding on a part with this name, such as "validation". */
  static Optional<Finding> of(String part, Dataset train, Dataset heldOut) {
    if (!hasClasses(train) || !hasClasses(heldOut) || train.classes() != heldOut.classes()) {
      return Optional.empty();
    }
    int[] trained = counts(train);
    int[] held = counts(heldOut);
    int[] unseen =
        IntStream.range(0, held.length).filter(i -> held[i] > 0 && trained[i] == 0).toArray();
    int samples = Arrays.stream(unseen).map(i -> held[i]).sum();
    if (samples > 0) {
      return Optional.of(
          Finding.of(
              Code.CLASSES_NOT_TRAINED,
              samples >= MANY * heldOut.size() ? Severity.ERROR : Severity.WARNING,
              "%s holds classes that training lacks: %s, %d of its %d samples",
              ADVICE,
              part,
              names(heldOut, unseen),
              samples,
              heldOut.size()));
    }
    double distance = 0; // the part of the samples that would have to change their class
    for (int i = 0; i < held.length; i++) {
      double share = (double) trained[i] / train.size();
      distance += Math.abs(share - (double) held[i] / heldOut.size()) / 2;
    }
    // Small parts differ more by chance.
    double chance = Math.sqrt((double) held.length / heldOut.size());
    if (distance <= FAR + chance) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.of(
            Code.PARTS_DIFFER,
            Severity.WARNING,
            "%s has the classes in other shares than training: %.0f %% of its samples would have to"
                + " be of another class",
            ADVICE,
            part,
            100 * distance));
  }

  private static boolean hasClasses(Dataset data) {
    return data.form().hasOneLabel();
  }

  /** The number of samples of each class; ignored samples count for none. */
  private static int[] counts(Dataset data) {
    int[] counts = new int[data.classes()];
    for (int label : data.labels()) {
      if (label >= 0 && label < counts.length) {
        counts[label]++;
      }
    }
    return counts;
  }

  private static String names(Dataset data, int[] classes) {
    return Arrays.stream(classes)
            .limit(MOST_NAMED)
            .mapToObj(i -> name(data, i))
            .collect(Collectors.joining(", "))
        + (classes.length > MOST_NAMED ? " and " + (classes.length - MOST_NAMED) + " more" : "");
  }

  private static String name(Dataset data, int label) {
    List<String> names = data.form().target().classNames();
    return names.isEmpty() ? Integer.toString(label) : names.get(label);
  }
}
