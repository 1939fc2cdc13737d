package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.engine.Engine;
import ai.djl.training.optimizer.AdamW;
import ai.djl.training.optimizer.Optimizer;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.Split;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The example learns, as well as with DJL's own optimizer, and the README shows it. */
class TrainInDjlTest {
  private static final Path MODULE = Path.of("").toAbsolutePath();

  @Test
  void theExampleLearnsDrawnDigits() throws Exception {
    Engine.getEngine("PyTorch").setRandomSeed(1);
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      TrainInDjl.main(new String[0]);
    } finally {
      System.setOut(console);
    }
    String line = printed.toString(StandardCharsets.UTF_8).strip();
    assertTrue(line.endsWith(" % of the test images"), line);
    assertTrue(Double.parseDouble(line.replaceFirst(" .*", "")) > 85, line);
  }

  @Test
  void mnistIsLearntAsWithDjlsOptimizer() throws Exception {
    Path mnist = Path.of(System.getProperty("halfstep.data", ""), "mnist");
    assumeTrue(
        Files.exists(mnist.resolve("t10k-images-idx3-ubyte.gz")),
        "skipped: MNIST's files are not in " + mnist);
    Split images = Mnist.load(mnist);
    double ours = seededAccuracy(images, HalfstepOptimizer.adamW().build());
    double djls = seededAccuracy(images, AdamW.builder().build());
    assertTrue(ours > 0.93, "accuracy " + ours);
    assertEquals(djls, ours, 0.005);
  }

  /** Each call begins with the same weights and draws the same batches. */
  private static double seededAccuracy(Split images, Optimizer optimizer) throws Exception {
    Engine.getEngine("PyTorch").setRandomSeed(1);
    return TrainInDjl.accuracy(images, optimizer, 4);
  }

  @Test
  void theReadmeShowsTheExample() throws Exception {
    String example =
        unindented(
            Files.readString(MODULE.resolve("src/test/java/dev/halfstep/djl/TrainInDjl.java")));
    Matcher snippet =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(MODULE.resolve("README.md")));
    assertFalse(snippet.results().toList().isEmpty(), "README.md has no Java");
    snippet.reset();
    while (snippet.find()) {
      String shown = unindented(snippet.group(1));
      assertTrue(example.contains(shown), "README.md shows what TrainInDjl.java has not:" + shown);
    }
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining("\n", "\n", "\n"));
  }
}
