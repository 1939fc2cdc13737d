package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The one example that needs a device with streams of its own. */
@Tag("sim")
class ForeignStreamTest {
  private static final String DEVICE = System.getProperty("halfstep.test.device", "cpu");

  @Test
  void ourKernelsRunOnAnotherLibrariesStream() throws Exception {
    assumeTrue(!DEVICE.equals("cpu"), "the CPU has no streams that other libraries know");
    List<String> lines =
        ExamplesTest.printedBy(() -> ForeignStream.main(new String[] {DEVICE})).lines().toList();
    assertEquals(4, lines.size(), lines::toString);
    assertEquals(
        Collections.nCopies(4, "1.000000"),
        lines.stream().map(line -> line.substring(line.lastIndexOf(' ') + 1)).toList());
  }
}
