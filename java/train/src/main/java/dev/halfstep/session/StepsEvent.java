package dev.halfstep.session;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** The Flight Recorder event of a block of steps that one call launched. */
@Name("dev.halfstep.Steps")
@Label("Steps")
@Category("Halfstep")
@Description("Steps were launched: on a CPU it lasts until they are done, on a GPU it does not")
final class StepsEvent extends Event {
  /** An instance to ask whether the event is recorded, without creating another. */
  private static final StepsEvent PROBE = new StepsEvent();

  @Label("Plan")
  String plan = "";

  @Label("Steps")
  int steps;

  @Label("Rows")
  @Description("Samples of each step")
  int rows;

  /** Whether such events are being recorded. */
  static boolean isRecorded() {
    return PROBE.isEnabled();
  }
}
