package dev.halfstep.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * MNIST's handwritten digits (LeCun, Cortes and Burges), or data sets in the same format:
 * Fashion-MNIST, Kuzushiji-MNIST, EMNIST. {@code U8 [28, 28, 1]}, normalised with the mean 0.1307
 * and standard deviation 0.3081 of MNIST's training pixels.
 */
public final class Mnist {
  private static final Normalization NORMALIZATION = Normalization.ofUnitPixels(0.1307, 0.3081);
  private static final double TEST_FRACTION = 0.2;
  private static final String TRAIN = "train";
  private static final String TEST = "t10k";

  /** Names such as emnist-letters-train-images-idx3-ubyte.gz. */
  private static final Pattern NAME =
      Pattern.compile(
          "(.*?)(train|t10k|test)-(?:(images)[-.]idx3|(labels)[-.]idx1)-ubyte(?:\\.gz)?");

  /** The first label and the number of classes of each part of EMNIST, by name. */
  private static final Map<String, List<Integer>> LABELS =
      Map.of(
          "emnist-letters-", IdxSamples.numbered(1, 26),
          "emnist-balanced-", IdxSamples.numbered(0, 47),
          "emnist-bymerge-", IdxSamples.numbered(0, 47),
          "emnist-byclass-", IdxSamples.numbered(0, 62));

  private static final List<Integer> DIGITS = IdxSamples.numbered(0, 10);

  private Mnist() {}

  /**
   * Loads a folder that holds {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte},
   * {@code t10k-images-idx3-ubyte} and {@code t10k-labels-idx1-ubyte}, or {@code test} instead of
   * {@code t10k}, or a dot instead of the last hyphen but one, each with or without {@code .gz}. If
   * all four exist, the first two are the training data and the others the test data. If only one
   * pair exists, a random fifth of its samples is held out for tests ({@link Dataset#split}).
   *
   * <p>File names may begin with the name of a data set, as EMNIST's do: {@code
   * emnist-letters-train-images-idx3-ubyte}. If a folder has several, the path selects one: {@code
   * folder/emnist-letters}. There are 10 classes, or those of the part of EMNIST. EMNIST's letters
   * have labels from 1 on, which are the names of the classes.
   *
   * @throws DataException if the folder or a file is missing, or a file does not hold such data
   */
  public static Split load(Path place) throws DataException {
    if (Files.isDirectory(place)) {
      Map<String, Map<String, Path>> sets = sets(place);
      if (sets.size() > 1 && !sets.containsKey("")) {
        String first = sets.keySet().iterator().next();
        throw new DataException(
            place
                + ": holds several data sets, "
                + sets.keySet()
                + "; name one of them, such as "
                + place.resolve(first.substring(0, first.length() - 1)));
      }
      String prefix = sets.size() == 1 ? sets.keySet().iterator().next() : "";
      return load(place, prefix, sets.getOrDefault(prefix, Map.of()));
    }
    Path folder = place.resolveSibling("");
    String prefix = place.getFileName() + "-";
    boolean absent = !Files.exists(place);
    Map<String, Path> files =
        absent && Files.isDirectory(folder.toAbsolutePath())
            ? sets(folder).getOrDefault(prefix, Map.of())
            : Map.of();
    if (files.isEmpty()) {
      throw new DataException(
          place
              + (absent ? ": there is no such folder" : ": is not a folder")
              + "; expected one with MNIST's files");
    }
    return load(folder, prefix, files);
  }

  /** The files of each data set in a folder, by the beginning of their names and their content. */
  private static Map<String, Map<String, Path>> sets(Path folder) throws DataException {
    Map<String, Map<String, Path>> sets = new TreeMap<>();
    try (Stream<Path> all = Files.list(folder.toAbsolutePath())) {
      Comparator<String> plainFirst = Comparator.comparing(name -> name.endsWith(".gz"));
      for (String name :
          all.filter(Files::isRegularFile)
              .map(file -> String.valueOf(file.getFileName()))
              .sorted(plainFirst.thenComparing(Comparator.naturalOrder()))
              .toList()) {
        Matcher matcher = NAME.matcher(name);
        if (matcher.matches()) {
          String part = matcher.group(2).equals(TRAIN) ? TRAIN : TEST;
          String content = matcher.group(3) != null ? "images" : "labels";
          sets.computeIfAbsent(matcher.group(1), prefix -> new TreeMap<>())
              .putIfAbsent(part + "-" + content, folder.resolve(name));
        }
      }
    } catch (IOException | UncheckedIOException e) {
      throw new DataException(folder + ": cannot be listed (" + e.getMessage() + ")", e);
    }
    return sets;
  }

  private static Split load(Path folder, String prefix, Map<String, Path> files)
      throws DataException {
    boolean train = files.keySet().stream().anyMatch(key -> key.startsWith(TRAIN));
    boolean test = files.keySet().stream().anyMatch(key -> key.startsWith(TEST)) || !train;
    String name = prefix.isEmpty() ? "mnist " : prefix.substring(0, prefix.length() - 1) + " ";
    if (!train || !test) {
      Split split = part(folder, prefix, files, train ? TRAIN : TEST).split(TEST_FRACTION, 0);
      return new Split(
          split.train().withName(name + "train"), split.heldOut().withName(name + "test"));
    }
    Dataset training = part(folder, prefix, files, TRAIN).withName(name + "train");
    Dataset tests = part(folder, prefix, files, TEST).withName(name + "test");
    if (!training.sampleShape().equals(tests.sampleShape())) {
      throw new DataException(
          folder
              + ": the training images are "
              + training.sampleShape()
              + ", but the test images are "
              + tests.sampleShape());
    }
    return new Split(training, tests);
  }

  private static Dataset part(Path folder, String prefix, Map<String, Path> files, String part)
      throws DataException {
    Path[] pair = new Path[2];
    for (int i = 0; i < 2; i++) {
      String content = i == 0 ? "images" : "labels";
      String code = i == 0 ? "idx3-ubyte" : "idx1-ubyte";
      Path file = files.get(part + "-" + content);
      if (file == null) {
        throw new DataException(
            folder
                + ": lacks one of MNIST's files: none of "
                + names(prefix + part + "-" + content, code)
                + " is there");
      }
      pair[i] = file;
    }
    List<Integer> classes = LABELS.getOrDefault(prefix, DIGITS);
    return IdxSamples.dataset("mnist", pair[0], pair[1], classes, NORMALIZATION);
  }

  private static List<String> names(String stem, String code) {
    return Stream.of("", ".gz")
        .flatMap(ending -> Stream.of("-", ".").map(separator -> stem + separator + code + ending))
        .toList();
  }
}
