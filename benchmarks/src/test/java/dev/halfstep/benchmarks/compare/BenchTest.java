package dev.halfstep.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BenchTest {
  @Test
  void aContenderThatThereIsNotIsNamed(@TempDir Path folder) {
    StringWriter words = new StringWriter();
    CommandLine command =
        new CommandLine(new Bench())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setErr(new PrintWriter(words));
    String out = folder.toString();
    int status =
        command.execute("--peers", "--only", "robust", "--contenders", "nd4j", "--out", out);
    assertEquals(2, status);
    String expected = "no contender is called 'nd4j': there are halfstep 1 thread, ";
    assertTrue(words.toString().startsWith(expected), words.toString());
  }
}
