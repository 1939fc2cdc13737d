package dev.halfstep;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** The Flight Recorder event that is written when memory is allocated for a tensor. */
@Name("dev.halfstep.Allocation")
@Label("Tensor Allocation")
@Category("Halfstep")
@Description("Device memory was taken for a tensor")
final class AllocationEvent extends Event {
  @Label("Device")
  String device = "";

  @Label("Tensor")
  @Description("Element type and shape")
  String tensor = "";

  @Label("Bytes")
  @DataAmount
  long bytes;
}
