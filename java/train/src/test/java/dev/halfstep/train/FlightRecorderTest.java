package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FlightRecorderTest {
  @TempDir Path folder;

  private static List<RecordedEvent> named(String name, List<RecordedEvent> events) {
    return events.stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .sorted(Comparator.comparing(RecordedEvent::getStartTime))
        .toList();
  }

  @Test
  void plansAndLaunchedBlocksOfStepsAreSeen() throws IOException {
    SmallTask task = new SmallTask(20);
    Path file = folder.resolve("recording.jfr");
    try (Recording recording = new Recording();
        TrainingSession session =
            TrainingSession.builder(SmallTask.model()).device(TestDevice.ID).batchSize(8).open()) {
      session.data(task.data);
      recording.enable("dev.halfstep.Steps").withoutThreshold();
      recording.enable("dev.halfstep.Plan").withoutThreshold();
      recording.start();
      session.run(2);
      session.runShort(4);
      session.run(1);
      recording.stop();
      session.run(1);
      session.drain();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    List<RecordedEvent> steps = named("dev.halfstep.Steps", events);
    assertEquals(3, steps.size(), events.toString());
    assertEquals(List.of(2, 1, 1), steps.stream().map(step -> step.getInt("steps")).toList());
    assertEquals(List.of(8, 4, 8), steps.stream().map(step -> step.getInt("rows")).toList());
    assertEquals("training step, batch 4", steps.get(1).getString("plan"));
    List<RecordedEvent> plans = named("dev.halfstep.Plan", events);
    assertEquals(
        List.of("training step, batch 8", "training step, batch 4"),
        plans.stream().map(plan -> plan.getString("plan")).toList());
    for (RecordedEvent plan : plans) {
      assertTrue(plan.getInt("calls") > 5, plan.toString());
      assertTrue(plan.getLong("flops") > 0 && plan.getLong("bytes") > 0, plan.toString());
      assertTrue(plan.getLong("arenaBytes") > 0, plan.toString());
    }
    assertTrue(plans.get(0).getLong("flops") > plans.get(1).getLong("flops"));
  }
}
