package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

/**
 * The device that tests run on: the system property {@code halfstep.test.device}, "cpu" without it.
 * The build runs all tests on "cpu", and those with the tag "sim" on the simulated device too.
 */
public final class TestDevice {
  /** The device's name for {@link Device#open}. */
  public static final String ID = System.getProperty("halfstep.test.device", "cpu");

  private static final float OTHER_ORDER_OF_SUMS = 1e-5f;

  private TestDevice() {}

  /** Opens the device. */
  public static Device open() {
    return Device.open(ID);
  }

  /** Whether the device uses host memory, so that CPU kernels can work on it. */
  public static boolean sharesHostMemory() {
    return !ID.startsWith("cuda");
  }

  /** Asserts that the device's results equal those of the CPU; bit for bit if it is the CPU. */
  public static void assertComputed(float[] onCpu, float[] onDevice, String what) {
    assertArrayEquals(onCpu, onDevice, ID.equals("cpu") ? 0 : OTHER_ORDER_OF_SUMS, what);
  }

  /** As above, without a description. */
  public static void assertComputed(float[] onCpu, float[] onDevice) {
    assertComputed(onCpu, onDevice, "on " + ID);
  }
}
