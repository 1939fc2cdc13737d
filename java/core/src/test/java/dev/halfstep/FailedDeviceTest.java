package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.kernel.Copy;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The behaviour of a device after a kernel has failed on it. */
@Tag("sim")
class FailedDeviceTest {
  private static final String CAUSE = "past the end of an allocation of 400 bytes";

  private static void assertFailed(Executable call, String... words) {
    var failure = assertThrows(HalfstepException.class, call);
    assertEquals(HalfstepException.Status.DEVICE_FAILED, failure.status());
    for (String word : words) {
      assertTrue(failure.getMessage().contains(word), failure::getMessage);
    }
  }

  @Test
  void theFirstCauseEndsTheUseOfTheDevice() {
    assumeTrue(TestDevice.ID.equals("sim"), "a CPU has no guard pages; a GPU would not recover");
    try (Device device = TestDevice.open()) {
      Stream stream = device.stream();
      Tensor x = device.zeros(DType.F32, Shape.of(100));
      CommandList list = stream.capture(() -> Copy.fill(stream, x, 1));
      assertFailed(() -> Copy.fill(stream, DType.F32, x.address(), 101, 1), CAUSE, "close");
      String[] words = {"failed before", CAUSE, "close"};
      assertFailed(() -> Copy.fill(stream, x, 1), words);
      assertFailed(() -> stream.launch(list), words);
      assertFailed(() -> stream.capture(() -> {}), words);
      assertFailed(stream::synchronize, words);
      assertFailed(x::toFloats, words);
      assertFailed(() -> x.upload(new float[100]), words);
      assertFailed(() -> device.empty(DType.F32, Shape.of(1)), words);
      assertFailed(device::newStream, words);
      assertFailed(device::info, words);
      list.close();
      x.close();
    }
    try (Device again = TestDevice.open()) {
      assertArrayEquals(new float[3], again.zeros(DType.F32, Shape.of(3)).toFloats());
    }
  }

  @Test
  void memoryThatRunsOutHarmsNothing() {
    try (Device device = TestDevice.open()) {
      device.memoryLimit(1000);
      var full =
          assertThrows(HalfstepException.class, () -> device.empty(DType.F32, Shape.of(251)));
      assertEquals(HalfstepException.Status.OUT_OF_MEMORY, full.status());
      assertTrue(full.getMessage().contains("the limit is 1000"), full::getMessage);
      assertArrayEquals(new float[250], device.zeros(DType.F32, Shape.of(250)).toFloats());
    }
  }
}
