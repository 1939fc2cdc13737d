package dev.halfstep.graph;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** Flight Recorder's event of a plan being recorded into a command list. */
@Name("dev.halfstep.Plan")
@Label("Plan Recording")
@Category("Halfstep")
@Description("A plan was recorded into a command list that can be launched again and again")
final class PlanEvent extends Event {
  @Label("Plan")
  String plan = "";

  @Label("Kernel Calls")
  int calls;

  @Label("Memory Traffic")
  @Description("What all calls of one run read and write")
  @DataAmount
  long bytes;

  @Label("FLOPs")
  @Description("Floating-point operations of one run")
  long flops;

  @Label("Activation Arena")
  @DataAmount
  long arenaBytes;
}
