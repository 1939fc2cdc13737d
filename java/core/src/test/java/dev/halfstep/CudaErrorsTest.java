package dev.halfstep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.bindings.Native;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The messages for a user without a usable GPU. The plug-in's own code runs against a simulated
 * driver and runtime (native/test/fake_cuda), in separate JVMs.
 */
@Timeout(120)
class CudaErrorsTest {
  private static final Path FAKES = Path.of(System.getProperty("halfstep.fake-cuda", ""));

  /** The program of the other JVMs: opens "cuda" with the named plug-in, prints each failure. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      try {
        dev.halfstep.internal.Native.load();
        dev.halfstep.internal.Native.check(Native.hs_set_cuda_plugin(args[0]));
        use();
        System.out.println("nothing failed");
      } catch (HalfstepException failure) {
        System.out.println(failure.status() + ": " + failure.getMessage());
      }
    }

    private static void use() {
      try (Device device = Device.open("cuda")) {
        System.out.println(device.info().detail());
        Tensor tensor = device.empty(DType.U8, Shape.of(1000));
        try {
          tensor.upload(new byte[1000]);
        } catch (HalfstepException first) {
          System.out.println(first.getMessage());
          device.empty(DType.U8, Shape.of(1));
        }
      }
    }
  }

  /** The output with a driver that behaves as {@code fake} says; without a driver if empty. */
  private static String outputOf(String fake, Path plugin) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    String classPath = System.getProperty("java.class.path");
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", classPath),
            Program.class.getName(),
            plugin.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    if (!fake.isEmpty()) {
      builder.environment().put("LD_LIBRARY_PATH", FAKES.toString());
      builder.environment().put("HALFSTEP_FAKE_CUDA", fake);
    }
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return output;
  }

  private static String outputOf(String fake) throws Exception {
    Path plugin = FAKES.resolve("libhalfstep_cuda.so");
    assumeTrue(Files.exists(plugin), "it is built where the headers of CUDA are");
    return outputOf(fake, plugin);
  }

  private static boolean thereIsADriver() throws IOException {
    return Files.exists(Path.of("/dev/nvidiactl")) || Files.exists(Path.of("/dev/dxg"));
  }

  @Test
  void withoutADriverItIsNamed() throws Exception {
    assumeTrue(!thereIsADriver(), "this machine has a driver");
    assertEquals(
        "NO_DEVICE: no NVIDIA driver on this machine (libcuda.so.1 does not load): install driver"
            + " 580 or later, or use device cpu",
        outputOf("", Path.of("unused")));
  }

  @Test
  void aPluginThatDoesNotLoadIsNamed() throws Exception {
    assumeTrue(Files.exists(FAKES.resolve("libcuda.so.1")), "needs the pretended driver");
    String output = outputOf("works", Path.of(File.separator, "no", "plugin.so"));
    assertTrue(
        output.startsWith("NO_DEVICE: the CUDA plug-in does not load: /no/plugin.so"), output);
  }

  @Test
  void aDriverWithoutADeviceIsToldApart() throws Exception {
    assertEquals(
        "NO_DEVICE: the NVIDIA driver finds no GPU on this machine: use device cpu",
        outputOf("no-device"));
  }

  @Test
  void anOldDriverIsNamedWithWhatIsNeeded() throws Exception {
    String output = outputOf("old-driver");
    assertTrue(
        output.startsWith("NO_DEVICE: the NVIDIA driver knows CUDA 12.4, and CUDA 13."), output);
    assertTrue(output.endsWith("install driver 580 or later, or use device cpu"), output);
  }

  @Test
  void anOldDeviceIsNamedWithWhatIsNeeded() throws Exception {
    assertEquals(
        "UNSUPPORTED: cuda:0 has compute capability 7.5, and 8.0 or later is needed: use device cpu",
        outputOf("old-device"));
  }

  @Test
  void memoryThatRunsOutIsNamedWithWhoHoldsIt() throws Exception {
    String output = outputOf("no-memory");
    assertTrue(output.contains("OUT_OF_MEMORY: U8 [1000] does not fit: 1000 bytes"), output);
    assertTrue(output.contains("0 are held already, 4096 are free"), output);
  }

  @Test
  void anErrorThatStaysIsReportedWithItsFirstCause() throws Exception {
    List<String> lines = outputOf("sticky").lines().toList();
    String cause =
        "CUDA: copying to the device: an illegal memory access was encountered"
            + " (cudaErrorIllegalAddress); no process recovers from it: restart this one";
    assertEquals(cause + "; the device takes no more calls: close it", lines.get(1));
    assertEquals(
        "DEVICE_FAILED: cuda failed before and takes no more calls, close it; the first cause: "
            + cause,
        lines.get(2));
  }

  @Test
  void withoutAnyOfTheseItWorks() throws Exception {
    assertEquals(
        List.of("compute capability 9.0, driver for CUDA 13.0", "nothing failed"),
        outputOf("works").lines().toList());
  }
}
