package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ExamplesTest {
  private static final Path ROOT = Path.of(System.getProperty("halfstep.root", "../.."));

  @Test
  void theReadmeShowsTheProgramThatIsCompiled() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    String program =
        Files.readString(
            ROOT.resolve("java/examples/src/main/java/dev/halfstep/examples/TrainDigits.java"));
    Matcher shown = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(readme);

    assertTrue(shown.find(), "README.md has no Java example");
    String expected = shown.group(1).strip().indent(4).stripTrailing();
    assertTrue(program.contains(expected), "TrainDigits.java does not hold:\n" + expected);
  }

  @Test
  void theReadmesProgramLearnsTheDigitsInOneEpoch() {
    String printed = printedBy(() -> TrainDigits.main(new String[] {"1"}));
    Matcher accuracy = Pattern.compile("test accuracy ([0-9.]+) %").matcher(printed);

    assertTrue(accuracy.find(), printed);
    assertTrue(Double.parseDouble(accuracy.group(1)) > 80, printed);
  }

  private static String printedBy(Runnable program) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      program.run();
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
