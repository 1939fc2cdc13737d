package dev.halfstep.internal;

/** Says whether the runtime has the Flight Recorder, so that events can be written. */
public final class FlightRecorder {
  /**
   * False in a runtime without the module jdk.jfr, and in a modular application that does not
   * require it ({@code --add-modules jdk.jfr}). Event classes must not be loaded then.
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
