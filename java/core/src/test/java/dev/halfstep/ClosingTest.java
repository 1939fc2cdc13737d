package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.kernel.Copy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** Closing objects in every order and from every thread. */
@Timeout(60)
class ClosingTest {
  private static void assertClosed(Executable use, String named) {
    var refused = assertThrows(IllegalStateException.class, use);
    assertTrue(refused.getMessage().contains("closed"), refused::getMessage);
    assertTrue(refused.getMessage().contains(named), refused::getMessage);
  }

  private static void onAnotherThread(Runnable action) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread = new Thread(action);
    thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
    thread.start();
    thread.join();
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }

  @Test
  void aClosedDeviceRefusesEverythingAndNamesItself() {
    Device device = Device.cpu();
    Stream stream = device.stream();
    Stream other = device.newStream();
    Tensor tensor = device.zeros(DType.F32, Shape.of(3));
    CommandList list = stream.capture(() -> Copy.fill(stream, tensor, 1));
    device.close();

    assertTrue(device.isClosed() && stream.isClosed() && tensor.isClosed() && list.isClosed());
    assertClosed(() -> device.info(), "cpu");
    assertClosed(() -> device.memoryLimit(1), "cpu");
    assertClosed(() -> device.newStream(), "cpu");
    assertClosed(() -> device.empty(DType.F32, Shape.of(1)), "cpu");
    assertClosed(() -> device.zeros(DType.F32, Shape.of(1)), "cpu");
    assertClosed(() -> stream.synchronize(), "cpu");
    assertClosed(() -> stream.release(), "cpu");
    assertClosed(() -> stream.adopt(), "cpu");
    assertClosed(() -> stream.launch(list), "cpu");
    assertClosed(() -> stream.capture(() -> {}), "cpu");
    assertClosed(() -> other.synchronize(), "cpu");
    assertClosed(() -> Copy.fill(stream, tensor, 1), "cpu");
    assertClosed(() -> Copy.fill(stream, DType.F32, 64, 1, 1), "cpu");
    assertClosed(() -> tensor.toFloats(), "cpu");
    assertClosed(() -> tensor.upload(1f, 2f, 3f), "cpu");
    assertClosed(() -> tensor.address(), "F32 [3]");
    assertClosed(() -> tensor.slice(0, 1), "F32 [3]");
    assertClosed(() -> tensor.reshape(Shape.of(3, 1)), "F32 [3]");
  }

  @Test
  void everythingMayBeClosedTwiceAndInAnyOrder() {
    Device device = Device.cpu();
    Stream stream = device.newStream();
    Tensor tensor = device.zeros(DType.F32, Shape.of(3));
    Tensor late = device.zeros(DType.F32, Shape.of(3));
    CommandList list = stream.capture(() -> Copy.fill(stream, tensor, 1));
    CommandList lateList = stream.capture(() -> Copy.fill(stream, late, 1));
    for (int i = 0; i < 2; i++) {
      tensor.close();
      list.close();
      stream.close();
    }
    for (int i = 0; i < 2; i++) {
      device.close();
      late.close();
      lateList.close();
      stream.close();
      device.stream().close();
    }
    assertTrue(device.isClosed());
  }

  @Test
  void everythingMayBeClosedFromAnotherThread() throws InterruptedException {
    Device device = Device.cpu();
    Stream stream = device.newStream();
    Tensor tensor = device.zeros(DType.F32, Shape.of(3));
    CommandList list = stream.capture(() -> Copy.fill(stream, tensor, 1));
    onAnotherThread(
        () -> {
          list.close();
          tensor.close();
          stream.close();
        });
    assertClosed(() -> tensor.address(), "F32 [3]");
    assertClosed(() -> stream.synchronize(), "stream");
    assertClosed(() -> device.stream().launch(list), "command list");
    assertEquals(0, device.info().memoryUsed());
    onAnotherThread(device::close);
    assertTrue(device.isClosed());
  }

  @Test
  void aClosedTensorIsRefusedAndSoAreItsViews() {
    try (Device device = Device.cpu()) {
      Tensor tensor = device.zeros(DType.F32, Shape.of(4, 2));
      Tensor rows = tensor.slice(1, 3);
      Tensor flat = rows.reshape(Shape.of(4));
      flat.close();
      assertFalse(tensor.isClosed(), "closing a view does nothing");
      tensor.close();
      assertTrue(rows.isClosed());
      assertClosed(() -> flat.toFloats(), "F32 [4]");
      assertClosed(() -> Copy.fill(device.stream(), rows, 1), "F32 [2, 2]");
    }
  }

  @Test
  void aListKeepsTheMemoryOfTensorsThatAreClosed() {
    try (Device device = Device.cpu()) {
      Stream stream = device.stream();
      Tensor source = device.tensor(Shape.of(3), 1f, 2f, 3f);
      Tensor target = device.zeros(DType.F32, Shape.of(3));
      CommandList list = stream.capture(() -> Copy.run(stream, target, source));
      source.close();
      assertEquals(24, device.info().memoryUsed());
      stream.launch(list);
      assertArrayEquals(new float[] {1, 2, 3}, target.toFloats());
      list.close();
      assertEquals(12, device.info().memoryUsed());
    }
  }

  @Test
  void aTensorClosedWhileItIsRecordedLivesAsLongAsTheList() {
    try (Device device = Device.cpu()) {
      Stream stream = device.stream();
      Tensor tensor = device.zeros(DType.F32, Shape.of(3));
      CommandList list =
          stream.capture(
              () -> {
                Copy.fill(stream, tensor, 1);
                tensor.close();
              });
      stream.launch(list);
      assertEquals(12, device.info().memoryUsed());
      list.close();
      assertEquals(0, device.info().memoryUsed());
    }
  }

  @Test
  void aRecordingThatFailsLetsGoOfItsTensors() {
    try (Device device = Device.cpu()) {
      Stream stream = device.stream();
      Tensor tensor = device.zeros(DType.F32, Shape.of(3));
      assertThrows(
          UnsupportedOperationException.class,
          () ->
              stream.capture(
                  () -> {
                    Copy.fill(stream, tensor, 1);
                    throw new UnsupportedOperationException();
                  }));
      tensor.close();
      assertEquals(0, device.info().memoryUsed());
      stream.synchronize(); // no longer records
    }
  }

  @Test
  void aDeviceClosedInsideARecordingEndsIt() {
    Device device = Device.cpu();
    Tensor tensor = device.zeros(DType.F32, Shape.of(3));
    assertClosed(
        () ->
            device.stream()
                .capture(
                    () -> {
                      Copy.fill(device.stream(), tensor, 1);
                      device.close();
                    }),
        "cpu");
  }

  @Test
  void aStreamOfAnotherThreadOrOneThatRecordsTakesNoMoreCallsOnceClosed() throws Exception {
    try (Device device = Device.cpu()) {
      Stream stream = device.newStream();
      onAnotherThread(stream::close);
      assertClosed(() -> stream.synchronize(), "stream");
      Stream recording = device.newStream();
      assertClosed(() -> recording.capture(recording::close), "stream");
    }
  }

  /** 200 devices are closed while threads launch on them, which must not crash. */
  @Test
  void closingADeviceWaitsForTheLaunchInProgress() throws InterruptedException {
    for (int round = 0; round < 200; round++) {
      AtomicReference<Device> opened = new AtomicReference<>();
      AtomicReference<Throwable> end = new AtomicReference<>();
      AtomicLong launches = new AtomicLong();
      CountDownLatch running = new CountDownLatch(1);
      Thread worker =
          new Thread(
              () -> {
                Device device = Device.cpu();
                Stream stream = device.stream();
                Tensor tensor = device.zeros(DType.F32, Shape.of(1000));
                CommandList list = stream.capture(() -> Copy.fill(stream, tensor, 1));
                opened.set(device);
                running.countDown();
                try {
                  while (true) {
                    stream.launch(list, 3);
                    Copy.fill(stream, tensor, 2);
                    launches.incrementAndGet();
                  }
                } catch (Throwable e) {
                  end.set(e);
                }
              });
      worker.start();
      running.await();
      for (long seen = launches.get(); launches.get() == seen; ) {
        Thread.onSpinWait();
      }
      opened.get().close();
      worker.join();
      assertEquals(IllegalStateException.class, end.get().getClass(), () -> end.get().toString());
    }
  }

  @Test
  void closingATensorWaitsForTheCallThatUsesIt() throws InterruptedException {
    try (Device device = Device.cpu()) {
      Stream stream = device.stream();
      for (int round = 0; round < 200; round++) {
        Tensor tensor = device.empty(DType.F32, Shape.of(1 << 18)); // unmapped when freed
        Thread closer = new Thread(tensor::close);
        closer.start();
        var refused =
            assertThrows(
                IllegalStateException.class,
                () -> {
                  while (true) {
                    Copy.fill(stream, tensor, 2);
                  }
                });
        assertTrue(refused.getMessage().contains("dst"), refused::getMessage);
        closer.join();
      }
    }
  }

  @Test
  void memoryThatIsLostIsTakenBack() throws InterruptedException {
    try (Device device = Device.cpu()) {
      device.memoryLimit(10 << 20); // room for two of the ten
      long deadline = System.nanoTime() + 30_000_000_000L;
      for (int i = 0; i < 10; ) {
        try {
          device.empty(DType.F32, Shape.of(1 << 20));
          i++;
        } catch (HalfstepException full) {
          assertTrue(System.nanoTime() < deadline, full::getMessage);
          System.gc();
          Thread.sleep(1);
        }
      }
    }
  }
}
