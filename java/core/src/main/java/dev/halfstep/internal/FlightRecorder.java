package dev.halfstep.internal;

/** Whether there is a Flight Recorder to make events for. */
public final class FlightRecorder {
  /**
   * False in a runtime without the module jdk.jfr, or in an application of modules that does not
   * ask for it ({@code --add-modules jdk.jfr}): classes of events must not be touched then.
   */
  public static final boolean IS_PRESENT = isPresent();

  private FlightRecorder() {}

  private static boolean isPresent() {
    try {
      Class.forName("jdk.jfr.Event", false, FlightRecorder.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException withoutIt) {
      return false;
    }
  }
}
