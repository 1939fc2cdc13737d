package dev.halfstep.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.Device;
import dev.halfstep.oracle.CudaLibraries.Library;
import java.util.List;
import org.junit.jupiter.api.Test;

class OracleTest {
  @Test
  void exactlyTheMissingLibrariesAreNamed() {
    Library there = new Library("libm.so.6", "the C library");
    Library missing = new Library("libno-such-library.so.9", "nobody");
    assertEquals(List.of(missing), CudaLibraries.missing(List.of(there, missing)));
    assertEquals("libno-such-library.so.9 (nobody)", missing.toString());
  }

  @Test
  void theProblemNamesEachAndSaysWhatToDo() {
    String problem = CudaLibraries.problem();
    List<Library> missing = CudaLibraries.missing(CudaLibraries.REQUIRED);
    assertEquals(missing.isEmpty(), problem.isEmpty());
    for (Library library : missing) {
      assertTrue(problem.contains(library.toString()), problem);
    }
    assertTrue(problem.isEmpty() || problem.endsWith("in LD_LIBRARY_PATH"), problem);
  }

  @Test
  void ourKernelsAgreeWithTheirs() {
    String problem = CudaLibraries.problem();
    assumeTrue(problem.isEmpty(), problem);
    try (Device device = Device.open("cuda")) {
      for (Oracle.Comparison comparison : Oracle.compare(device)) {
        assertTrue(comparison.agrees(), comparison::toString);
      }
    }
  }
}
