package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AllocationEventTest {
  @TempDir Path folder;

  @Test
  void flightRecorderSeesEveryTensorsMemory() throws IOException {
    Path file = folder.resolve("recording.jfr");
    try (Recording recording = new Recording();
        Device device = Device.cpu()) {
      recording.enable("dev.halfstep.Allocation").withoutThreshold();
      device.zeros(DType.F32, Shape.of(9)).close();
      recording.start();
      device.zeros(DType.BF16, Shape.of(3, 5)).close();
      device.tensor(Shape.of(2), 1, 2).close();
      recording.stop();
      device.zeros(DType.F32, Shape.of(9)).close();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertEquals(2, events.size(), events.toString());
    for (RecordedEvent event : events) {
      assertEquals("dev.halfstep.Allocation", event.getEventType().getName());
      assertEquals("cpu", event.getString("device"));
    }
    assertEquals("BF16 [3, 5]", events.get(0).getString("tensor"));
    assertEquals(30, events.get(0).getLong("bytes"));
    assertEquals("I32 [2]", events.get(1).getString("tensor"));
    assertEquals(8, events.get(1).getLong("bytes"));
  }
}
