package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  @Test
  void theCpuSaysWhatItIs() {
    try (Device device = Device.cpu()) {
      DeviceInfo info = device.info();
      assertEquals("cpu", info.backend());
      assertFalse(info.name().isBlank());
      assertTrue(info.memoryTotal() > 0);
      assertTrue(info.threads() >= 1);
      assertEquals(0, info.memoryUsed());
    }
  }

  @Test
  void autoTakesTheCpuAndKeepsTheReasonWhereThereIsNoGpu() {
    boolean gpu =
        Device.devices().stream().anyMatch(d -> d.id().startsWith("cuda") && d.available());
    try (Device device = Device.open("auto")) {
      assertEquals(gpu ? "cuda" : "cpu", device.id());
      assertTrue(gpu || device.selectionReason().startsWith("no GPU: "), device::selectionReason);
    }
  }

  @Test
  void everyBackendIsListedWithADeviceOrAReason() {
    List<DeviceListing> devices = Device.devices();
    assertTrue(devices.stream().anyMatch(d -> d.id().equals("cpu") && d.available()));
    assertTrue(devices.stream().anyMatch(d -> d.id().startsWith("cuda")));
    for (DeviceListing device : devices) {
      assertEquals(device.available(), device.reason().isEmpty(), device::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:x", "cpu 0", "auto:1"})
  void anUnknownIdIsRefusedWithThePossibleOnes(String id) {
    var refused = assertThrows(IllegalArgumentException.class, () -> Device.open(id));
    assertTrue(refused.getMessage().contains("'" + id + "'"), refused::getMessage);
    assertTrue(refused.getMessage().contains("cuda:1"), refused::getMessage);
  }

  @Test
  void aDeviceThatIsNotThereIsRefusedWithWhatIs() {
    var refused = assertThrows(HalfstepException.class, () -> Device.open("cpu:7"));
    assertEquals(HalfstepException.Status.NO_DEVICE, refused.status());
    assertTrue(refused.getMessage().contains("cpu:7"), refused::getMessage);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 257, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void anImpossibleNumberOfThreadsIsRefused(int threads) {
    int before = Device.threads();
    var refused = assertThrows(IllegalArgumentException.class, () -> Device.threads(threads));
    assertTrue(refused.getMessage().contains(Integer.toString(threads)), refused::getMessage);
    assertEquals(before, Device.threads());
  }

  @Test
  void theNumberOfThreadsIsTheProcessesOwn() {
    int before = Device.threads();
    try {
      Device.threads(3);
      assertEquals(3, Device.threads());
    } finally {
      Device.threads(before);
    }
  }

  @Test
  void memoryIsAccountedFor() {
    try (Device device = Device.cpu()) {
      Tensor tensor = device.zeros(DType.F32, Shape.of(100, 10));
      assertEquals(4000, device.info().memoryUsed());
      tensor.close();
      assertEquals(0, device.info().memoryUsed());
      assertEquals(4000, device.info().memoryPeak());
    }
  }

  @Test
  void whatDoesNotFitIsRefusedWithWhoHoldsTheMemory() {
    try (Device device = Device.cpu()) {
      device.memoryLimit(10_000);
      assertEquals(10_000, device.info().memoryLimit());
      device.zeros(DType.F32, Shape.of(30, 50)).label("weights");
      device.zeros(DType.I32, Shape.of(10)).label("labels");
      var refused =
          assertThrows(HalfstepException.class, () -> device.empty(DType.F32, Shape.of(64, 100)));
      assertEquals(HalfstepException.Status.OUT_OF_MEMORY, refused.status());
      String message = refused.getMessage();
      assertTrue(message.contains("F32 [64, 100]"), message);
      assertTrue(message.contains("weights F32 [30, 50] (6000 bytes)"), message);
      assertTrue(message.indexOf("weights") < message.indexOf("labels"), message);
      device.memoryLimit(0);
      device.empty(DType.F32, Shape.of(64, 100)).close();
    }
  }

  @Test
  void aSizeThatNoMachineHasIsRefused() {
    try (Device device = Device.cpu()) {
      assertThrows(HalfstepException.class, () -> device.empty(DType.U8, Shape.of(1L << 58)));
      assertThrows(
          IllegalArgumentException.class, () -> device.empty(DType.F32, Shape.of(1L << 59)));
      assertThrows(IllegalArgumentException.class, () -> device.memoryLimit(-1));
    }
  }

  @Test
  void aTensorWithoutElementsIsPossible() {
    try (Device device = Device.cpu()) {
      Tensor empty = device.zeros(DType.F32, Shape.of(0, 5));
      assertEquals(0, empty.address());
      assertArrayEquals(new float[0], empty.toFloats());
    }
  }

  @Test
  void devicesAreApartFromEachOther() {
    Device first = Device.cpu();
    try (Device second = Device.cpu()) {
      Tensor tensor = second.tensor(Shape.of(2), 1f, 2f);
      first.close();
      assertArrayEquals(new float[] {1, 2}, tensor.toFloats());
    }
  }

  @Test
  void theNoopDeviceTakesEveryCallAndComputesNothing() {
    try (Device device = Device.open("noop")) {
      Tensor tensor = device.zeros(DType.F32, Shape.of(4));
      CommandList list =
          device.stream().capture(() -> dev.halfstep.kernel.Copy.fill(device.stream(), tensor, 1));
      device.stream().launch(list, 1000);
      assertEquals(1, list.size());
    }
  }
}
