package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.internal.HostMemory;
import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.kernel.ScaleAddKernel;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Tag("sim")
@Timeout(30)
class StreamTest {
  private final Device device = TestDevice.open();

  @AfterEach
  void close() {
    device.close();
  }

  private static <T> T onAnotherThread(Callable<T> action) throws Exception {
    FutureTask<T> task = new FutureTask<>(action);
    new Thread(task).start();
    try {
      return task.get();
    } catch (ExecutionException failure) {
      throw (Exception) failure.getCause();
    }
  }

  @Test
  void anotherThreadIsRefusedUntilItAdopts() throws Exception {
    Tensor tensor = device.zeros(DType.F32, Shape.of(2));
    Stream stream = device.stream();
    var refused =
        assertThrows(IllegalStateException.class, () -> onAnotherThread(tensor::toFloats));
    assertTrue(refused.getMessage().contains("another thread"), refused::getMessage);
    assertThrows(
        IllegalStateException.class,
        () ->
            onAnotherThread(
                () -> {
                  stream.adopt();
                  return null;
                }));

    stream.release();
    assertThrows(IllegalStateException.class, stream::synchronize);
    float[] read =
        onAnotherThread(
            () -> {
              stream.adopt();
              Copy.fill(stream, tensor, 5);
              float[] values = tensor.toFloats();
              stream.release();
              return values;
            });
    assertArrayEquals(new float[] {5, 5}, read);
    stream.adopt();
    stream.synchronize();
  }

  @Test
  void productsAreRoundedToTf32WhereItIsAllowedAndThereAreUnitsForIt() {
    float tie = 1 + 0x1p-11f;
    MatmulKernel times = MatmulKernel.builder(1, 1, 1).build();
    Tensor x = device.tensor(Shape.of(1, 1), tie);
    Tensor one = device.tensor(Shape.of(1, 1), 1f);
    Tensor product = device.zeros(DType.F32, Shape.of(1, 1));
    Stream stream = device.stream();
    times.run(stream, x, one, product);
    assertEquals(tie, product.toFloats()[0]);
    assertFalse(stream.allowsTf32());
    stream.allowTf32(true);
    assertTrue(stream.allowsTf32());
    times.run(stream, x, one, product);
    assertEquals(TestDevice.ID.equals("cpu") ? tie : 1 + 0x1p-10f, product.toFloats()[0]);
    stream.allowTf32(false);
    times.run(stream, x, one, product);
    assertEquals(tie, product.toFloats()[0]);
  }

  @Test
  void aNewStreamBelongsToTheThreadThatMadeIt() throws Exception {
    Tensor tensor = device.zeros(DType.F32, Shape.of(2));
    onAnotherThread(
        () -> {
          try (Stream own = device.newStream()) {
            Copy.fill(own, tensor, 3);
            own.synchronize();
          }
          return null;
        });
    assertArrayEquals(new float[] {3, 3}, tensor.toFloats());
  }

  /** Virtual threads, if the JDK has them, continue after a pause on any platform thread. */
  @Test
  void aVirtualThreadOwnsItsStreamAcrossPauses() throws Exception {
    Method start;
    try {
      start = Thread.class.getMethod("startVirtualThread", Runnable.class);
    } catch (NoSuchMethodException beforeJdk21) {
      assumeTrue(false, "this JDK has no virtual threads");
      return;
    }
    List<FutureTask<Float>> tasks = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      tasks.add(new FutureTask<>(() -> countWithPauses(40)));
      start.invoke(null, tasks.get(i));
    }
    for (FutureTask<Float> task : tasks) {
      assertEquals(40, task.get());
    }
  }

  private static float countWithPauses(int times) throws InterruptedException {
    try (Device own = TestDevice.open()) {
      Tensor tensor = own.zeros(DType.F32, Shape.of(1));
      for (int i = 0; i < times; i++) {
        tensor.upload(tensor.toFloats()[0] + 1);
        Thread.sleep(1);
      }
      return tensor.toFloats()[0];
    }
  }

  @Test
  void aStreamThatRecordsIsNotHandedOver() {
    Stream stream = device.stream();
    var refused = assertThrows(IllegalStateException.class, () -> stream.capture(stream::release));
    assertTrue(refused.getMessage().contains("records"), refused::getMessage);
    stream.synchronize();
  }

  @Test
  void recordedCallsRunWhenTheListIsLaunched() {
    Tensor a = device.tensor(Shape.of(2), 1f, 2f);
    Tensor b = device.zeros(DType.F32, Shape.of(2));
    Stream stream = device.stream();
    CommandList list =
        stream.capture(
            () -> {
              Copy.run(stream, b, a);
              Copy.fill(stream, a, 9);
            });
    assertEquals(2, list.size());
    assertArrayEquals(new float[] {0, 0}, b.toFloats(), "nothing runs while it is recorded");
    stream.launch(list, 0);
    assertArrayEquals(new float[] {0, 0}, b.toFloats());
    stream.launch(list);
    assertArrayEquals(new float[] {1, 2}, b.toFloats());
    stream.launch(list, 2);
    assertArrayEquals(new float[] {9, 9}, b.toFloats());
  }

  @Test
  void aStreamThatWaitsForAnotherSeesWhatThatOneCopied() {
    Tensor table = device.tensor(Shape.of(2), 1f, 2f);
    Tensor copy = device.zeros(DType.F32, Shape.of(2));
    Stream stream = device.stream();
    CommandList list = stream.capture(() -> Copy.run(stream, copy, table));
    try (HostMemory host = new HostMemory(device, 8);
        Stream copies = device.newStream()) {
      host.buffer().putFloat(0, 3).putFloat(4, 4);
      host.uploadAsync(copies, table.address(), 0, 8);
      stream.waitFor(copies);
      stream.launch(list);
      copies.waitFor(stream);
      host.uploadAsync(copies, table.address() + 4, 0, 4);
      stream.waitFor(stream);
      assertArrayEquals(new float[] {3, 4}, copy.toFloats());
      copies.synchronize();
      assertArrayEquals(new float[] {3, 3}, table.toFloats());
    }
  }

  @Test
  void onlyStreamsOfOneDeviceWaitForOneAnotherWhileTheyAreOpen() {
    Stream closed = device.newStream();
    closed.close();
    try (Device other = Device.open("noop")) {
      var refused =
          assertThrows(
              IllegalArgumentException.class, () -> device.stream().waitFor(other.stream()));
      assertTrue(refused.getMessage().contains("of another device, noop"), refused::getMessage);
    }
    assertThrows(IllegalStateException.class, () -> device.stream().waitFor(closed));
    assertThrows(IllegalStateException.class, () -> closed.waitFor(device.stream()));
    Stream stream = device.stream();
    try (Stream second = device.newStream()) {
      assertThrows(IllegalStateException.class, () -> stream.capture(() -> second.waitFor(stream)));
    }
    device.close();
    assertThrows(IllegalStateException.class, () -> stream.waitFor(closed));
  }

  @Test
  void aListIsRefusedOnAnotherDeviceAndWithNegativeTimes() {
    try (Device other = Device.open("noop")) {
      CommandList list = other.stream().capture(() -> {});
      var refused =
          assertThrows(IllegalArgumentException.class, () -> device.stream().launch(list));
      assertTrue(refused.getMessage().contains("noop"), refused::getMessage);
      assertThrows(IllegalArgumentException.class, () -> other.stream().launch(list, -1));
    }
  }

  @Test
  void copiesAndASecondRecordingAreRefusedWhileAStreamRecords() {
    Tensor tensor = device.zeros(DType.F32, Shape.of(2));
    Stream stream = device.stream();
    assertThrows(IllegalStateException.class, () -> stream.capture(tensor::toFloats));
    assertThrows(IllegalStateException.class, () -> stream.capture(stream::synchronize));
    assertThrows(IllegalStateException.class, () -> stream.capture(() -> stream.capture(() -> {})));
    assertArrayEquals(new float[] {0, 0}, tensor.toFloats(), "the recordings were dropped");
  }

  @Test
  void aCpuHasNoStreamsThatOtherLibrariesKnow() {
    assumeTrue(TestDevice.ID.startsWith("cpu"), "a device with streams of its own");
    for (Executable call :
        List.<Executable>of(
            () -> device.stream().nativeHandle(), () -> device.wrapStream(0).close())) {
      var refused = assertThrows(HalfstepException.class, call);
      assertEquals(HalfstepException.Status.UNSUPPORTED, refused.status());
      assertTrue(refused.getMessage().startsWith("cpu"), refused::getMessage);
    }
  }

  @Test
  void aForeignStreamIsTakenInAndLeftAsItIs() {
    assumeFalse(TestDevice.ID.startsWith("cpu"), "the CPU has no streams of its own");
    try (Stream theirs = device.newStream();
        Tensor tensor = device.zeros(DType.F32, Shape.of(2))) {
      device.stream().synchronize();
      try (Stream ours = device.wrapStream(theirs.nativeHandle())) {
        assertEquals(theirs.nativeHandle(), ours.nativeHandle());
        Copy.fill(theirs, tensor, 1);
        ScaleAddKernel.of(DType.F32, 2, 1, 1).run(ours, tensor, tensor);
        ours.synchronize();
        assertArrayEquals(new float[] {2, 2}, tensor.toFloats());
      }
      Copy.fill(theirs, tensor, 3);
      theirs.synchronize();
      assertArrayEquals(new float[] {3, 3}, tensor.toFloats());
    }
  }

  @Test
  void aTensorOfAnotherDeviceIsRefused() {
    try (Device other = Device.cpu()) {
      Tensor foreign = other.zeros(DType.F32, Shape.of(2));
      var refused =
          assertThrows(
              IllegalArgumentException.class, () -> Copy.fill(device.stream(), foreign, 1));
      assertTrue(refused.getMessage().contains("dst"), refused::getMessage);
    }
  }
}
