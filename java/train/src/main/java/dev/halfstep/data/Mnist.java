package dev.halfstep.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * MNIST's handwritten digits (LeCun, Cortes and Burges), or data in the same files such as
 * Fashion-MNIST: {@code U8 [28, 28, 1]}, 10 classes, normalised with the mean 0.1307 and standard
 * deviation 0.3081 of MNIST's training pixels.
 */
public final class Mnist {
  private static final int CLASSES = 10;
  private static final Normalization NORMALIZATION = Normalization.ofUnitPixels(0.1307, 0.3081);

  private Mnist() {}

  /**
   * Loads a folder that holds {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte},
   * {@code t10k-images-idx3-ubyte} and {@code t10k-labels-idx1-ubyte}, or a dot instead of the last
   * hyphen but one, each with or without {@code .gz}. With all four, training takes the 60,000 and
   * tests take the 10,000. With the test files alone, training takes the first 8,000 of 10,000
   * (four fifths) and tests take the rest.
   *
   * @throws DataException if the folder or a file is missing or does not hold what it should
   */
  public static Split load(Path folder) throws DataException {
    if (!Files.isDirectory(folder)) {
      throw new DataException(
          folder
              + (Files.exists(folder) ? ": is not a folder" : ": there is no such folder")
              + "; expected one with MNIST's files");
    }
    Optional<Path> trainImages = find(folder, "train-images", "idx3-ubyte");
    Optional<Path> trainLabels = find(folder, "train-labels", "idx1-ubyte");
    Path testImages = require(folder, "t10k-images", "idx3-ubyte");
    Path testLabels = require(folder, "t10k-labels", "idx1-ubyte");
    Dataset test = images("mnist test", testImages, testLabels);
    if (trainImages.isEmpty() && trainLabels.isEmpty()) {
      Split split = test.splitLast(0.2);
      return new Split(split.train().withName("mnist train"), split.heldOut());
    }
    Dataset train =
        images(
            "mnist train",
            require(folder, "train-images", "idx3-ubyte"),
            require(folder, "train-labels", "idx1-ubyte"));
    if (!train.sampleShape().equals(test.sampleShape())) {
      throw new DataException(
          folder
              + ": the training images are "
              + train.sampleShape()
              + ", but the test images are "
              + test.sampleShape());
    }
    return new Split(train, test);
  }

  private static Dataset images(String name, Path images, Path labels) throws DataException {
    return Idx.images(name, images, labels, CLASSES, NORMALIZATION);
  }

  private static Path require(Path folder, String stem, String ending) throws DataException {
    Optional<Path> file = find(folder, stem, ending);
    if (file.isEmpty()) {
      throw new DataException(
          folder + ": lacks one of MNIST's files: none of " + names(stem, ending) + " is there");
    }
    return file.get();
  }

  private static Optional<Path> find(Path folder, String stem, String ending) {
    return names(stem, ending).stream()
        .map(folder::resolve)
        .filter(Files::isRegularFile)
        .findFirst();
  }

  private static List<String> names(String stem, String ending) {
    List<String> names = new ArrayList<>();
    for (String compression : List.of("", ".gz")) {
      for (String separator : List.of("-", ".")) {
        names.add(stem + separator + ending + compression);
      }
    }
    return names;
  }
}
