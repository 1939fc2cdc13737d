package dev.halfstep;

import org.jspecify.annotations.Nullable;

/**
 * A line of {@link Device#devices()}: a device that can be opened, or why a backend has none.
 *
 * @param id what {@link Device#open} takes, such as "cpu" or "cuda:1"
 * @param info what the device is, or null where it cannot be opened
 * @param reason why it cannot be opened, one sentence; empty where it can
 */
public record DeviceListing(String id, @Nullable DeviceInfo info, String reason) {
  /** Whether the device can be opened. */
  public boolean available() {
    return info != null;
  }
}
