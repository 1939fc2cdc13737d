package dev.halfstep.train;

import dev.halfstep.Device;

/**
 * The device that tests run on: the system property {@code halfstep.test.device}, "cpu" without it.
 * The build runs all tests on "cpu", and those with the tag "sim" on the simulated device too.
 */
public final class TestDevice {
  /** The device's name for {@link Device#open}. */
  public static final String ID = System.getProperty("halfstep.test.device", "cpu");

  private TestDevice() {}

  /** Opens the device. */
  public static Device open() {
    return Device.open(ID);
  }
}
